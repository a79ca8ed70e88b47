"""What the tutor asks for words and vectors: seams and their implementations."""
