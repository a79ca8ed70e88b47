"""Views of the pages of whoever teaches."""
