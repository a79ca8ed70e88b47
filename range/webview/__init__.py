"""Web pages of machines, shown beside the terminals on origins of their own."""
