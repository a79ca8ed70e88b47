"""How fast a console's output is read: keys at once, bulk in large pieces that give way to keys."""

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from range.console.relay import Key

# A chunk below this is a key's echo and goes at once; after a larger one a short wait lets the
# buffers fill, which halves the cost of bulk output. Source: docs/explanation/console.md.
SMALL_CHUNK_BYTES = 512
COALESCE_SECONDS = 0.001
# They are full already: there is nothing to wait for.
FULL_CHUNK_BYTES = 64 * 1024
# With nobody looking, bulk output is read no faster than this: it is recorded, not waited for.
UNWATCHED_PAUSE_SECONDS = 0.05
# While somebody types on another console bulk output gives way: what it costs the engine and the
# machines is what an echo would wait for.
GIVE_WAY_SECONDS = 0.05
TYPING_SECONDS = 0.25


class LastTyped:
    """On which consoles of this process somebody types: the last one, and the last but that."""

    def __init__(self) -> None:
        self._last: Key | None = None
        self._at = self._other_at = -TYPING_SECONDS

    def typed(self, key: "Key", now: float) -> None:
        """Note that a key was pressed on a console."""
        if key is not self._last:
            self._last, self._other_at = key, self._at
        self._at = now

    def are_others(self, key: "Key") -> bool:
        """Tell whether somebody types on another console than this one."""
        at = self._other_at if key is self._last else self._at
        return time.monotonic() - at < TYPING_SECONDS


last_typed = LastTyped()


def pause_after(size: int, key: "Key", *, watched: bool) -> float:
    """Return how many seconds to wait after a chunk that is no echo."""
    if not watched:
        return UNWATCHED_PAUSE_SECONDS
    if last_typed.are_others(key):
        return GIVE_WAY_SECONDS
    return 0.0 if size >= FULL_CHUNK_BYTES else COALESCE_SECONDS
