"""Everything that happens in an attempt, in one append-only, hash-chained order."""
