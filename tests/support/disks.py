"""A watch over the disks of sandboxes, in a thread as in the reconciler."""

import threading
from contextlib import contextmanager

from range.sandboxes import disks


@contextmanager
def watching(driver):
    """Have a thread watch over the disks."""
    ended = threading.Event()
    thread = threading.Thread(target=disks.DiskWatch(lambda: driver).run, args=[ended])
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=60)
