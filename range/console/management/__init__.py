"""Commands of the console role."""
