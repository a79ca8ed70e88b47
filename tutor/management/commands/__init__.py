"""Commands of the tutor."""
