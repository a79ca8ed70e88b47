"""What the doctor looks at, one file per part of the range."""
