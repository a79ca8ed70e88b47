"""Pages of whoever teaches: cohorts, invitations, exercises, and a class at work."""
