"""Readers of the files that frameworks are published as; pure, without Django."""
