"""What "done" means: one file per kind of check, its spec and its judgement together."""
