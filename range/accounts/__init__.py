"""People, their organisations and who may see what."""
