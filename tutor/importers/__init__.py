"""Readers of public collections: each turns official files into articles, and writes nothing."""
