"""Views of the pages of frameworks and observable skills."""
