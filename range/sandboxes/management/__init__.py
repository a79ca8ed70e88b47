"""Commands of the sandboxes app."""
