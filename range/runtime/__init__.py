"""Containers behind one protocol; knows no Django and no scenario."""
