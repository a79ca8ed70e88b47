"""Checks run, evidence recorded, attempts graded."""
