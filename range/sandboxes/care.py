"""Looks after sandboxes that run: what the reconciler does beside starting and stopping them."""

import threading
from collections.abc import Callable

from range.runtime.driver import Driver
from range.sandboxes.watch import Watch


class Care:
    """Everything that happens to a sandbox between its launch and its end.

    Args:
        driver: Asked for anew each time, in whichever thread needs it.
    """

    def __init__(self, driver: Callable[[], Driver]) -> None:
        self._watch = Watch(driver)

    def follow(self, ended: threading.Event) -> None:
        """Begin to follow the engine's events, in a thread of their own, until `ended` is set."""
        self._watch.start(ended)
