"""Migrations of tutor."""
