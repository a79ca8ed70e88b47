"""Views of the workshop's pages."""
