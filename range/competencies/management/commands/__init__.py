"""Commands that load and import frameworks."""
