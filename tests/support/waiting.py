"""Waiting for something as long as the slowest machine takes, and not for ever."""

import time


def until(happened, otherwise, *, seconds=60):
    """Return what `happened` returns as soon as that is true; fail with words after a long time."""
    end = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < end, otherwise
        time.sleep(0.02)
    return found
