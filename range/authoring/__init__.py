"""Tries and verifies scenarios, and builds their images."""
