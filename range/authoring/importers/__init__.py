"""Drafts of scenarios made from what other ranges and contests write."""
