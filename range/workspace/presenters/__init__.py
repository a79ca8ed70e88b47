"""Turns rows and specifications into what templates show, without deciding anything."""
