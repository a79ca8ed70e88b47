"""Scenarios: what an author wrote, read, linted and published."""
