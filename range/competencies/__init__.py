"""Frameworks of work roles, our observable skills, and how one is aligned with the other."""
