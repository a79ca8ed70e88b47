"""Pages of frameworks and our skills: browse, compare, review alignments, see what is covered."""
