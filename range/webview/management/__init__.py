"""Commands of the view role."""
