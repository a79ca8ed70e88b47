"""How a role's process tells that it is ready, and how it ends."""

import os
import signal
import threading
from types import FrameType

# Names the descriptor that a supervisor listens on; absent where nobody does.
READY_VARIABLE = "MUSTER_READY_FD"

_ended = threading.Event()


def end_on_signal() -> threading.Event:
    """Tell that the role is ready, and return an event that SIGTERM or SIGINT sets.

    A loop that sees it finishes its step; a `Listener` that waits returns at once.
    """

    def end(_signal: int, _frame: FrameType | None) -> None:
        _ended.set()

    _ended.clear()
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    tell_ready()
    return _ended


def is_ending() -> bool:
    """Tell whether this process was asked to end."""
    return _ended.is_set()


def tell_ready() -> None:
    """Tell the supervisor, if there is one, that this role now does its work."""
    descriptor = os.environ.pop(READY_VARIABLE, None)
    if descriptor is not None:
        os.write(int(descriptor), b"ready")
        os.close(int(descriptor))
