"""What agencies do with candidates: grid, comparison, stages, kept searches, reports."""
