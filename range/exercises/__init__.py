"""Scenario versions offered to trainees, and each trainee's attempts."""
