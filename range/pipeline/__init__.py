"""From evidence to skill estimates, readiness for work roles, and the pages that show them."""
