"""Views of the pages of whoever writes scenarios."""
