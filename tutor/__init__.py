"""The tutor: watches an attempt, helps without giving it away, cites, and never decides alone."""
