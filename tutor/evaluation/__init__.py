"""The labelled sets of the tutor and the runners that measure it."""
