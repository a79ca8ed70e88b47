"""What goes out: evidence that others verify, reports, tables, statements and credentials."""
