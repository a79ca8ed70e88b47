"""The running environment of an attempt: what is wanted, and the reconciler that makes it so."""
