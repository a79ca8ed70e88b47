"""How a role's process ends: a signal sets an event that its loop waits on."""

import signal
import threading
from types import FrameType


def end_on_signal() -> threading.Event:
    """Return an event that SIGTERM or SIGINT sets; a loop that sees it finishes its step."""
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    return ended
