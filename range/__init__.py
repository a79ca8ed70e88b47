"""The range: launches sandboxes, streams consoles, checks work and scores skills."""
