"""Probes of what a sandbox can reach and do, run in sandboxes of their own."""
