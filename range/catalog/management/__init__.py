"""Commands of catalog."""
