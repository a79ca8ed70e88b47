"""Browser terminals: relayed, recorded, replayed."""
