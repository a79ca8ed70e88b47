"""Commands of the composition root: they may reach every layer."""
