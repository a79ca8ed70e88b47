"""A fair queue in front of a model that answers one at a time; the place in it is shown."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """First come, first served, but nobody twice while somebody else waits."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, asyncio.Event]] = []
        self._busy = False
        self._last = ""

    def place_of(self, mine: asyncio.Event) -> int:
        """Return how many come before, the one being answered included; 0 when it is the turn."""
        order = [event for _, event in self._in_order()]
        return order.index(mine) + 1 if mine in order else 0

    def join(self, who: str) -> asyncio.Event:
        """Stand in the queue; the event is set when the turn has come."""
        mine = asyncio.Event()
        self._waiting.append((who, mine))
        self._advance()
        return mine

    def leave(self, mine: asyncio.Event) -> None:
        """Give up the place, or end the turn."""
        waiting = [entry for entry in self._waiting if entry[1] is not mine]
        if len(waiting) == len(self._waiting) and mine.is_set():
            self._busy = False
        self._waiting = waiting
        self._advance()

    def _in_order(self) -> list[tuple[str, asyncio.Event]]:
        others = [entry for entry in self._waiting if entry[0] != self._last]
        again = [entry for entry in self._waiting if entry[0] == self._last]
        return others + again

    def _advance(self) -> None:
        if self._busy or not self._waiting:
            return
        who, event = self._in_order()[0]
        self._waiting.remove((who, event))
        self._busy, self._last = True, who
        event.set()


_turns: dict[int, Turns] = {}


def turns() -> Turns:
    """Return the queue of the running event loop."""
    return _turns.setdefault(id(asyncio.get_running_loop()), Turns())


@asynccontextmanager
async def turn(who: str, *, longest_wait: float) -> AsyncIterator[AsyncIterator[int]]:
    """Hold a place; iterate to learn it until the turn has come.

    Args:
        who: Whose questions count as one person's.
        longest_wait: Seconds after which waiting ends in TimeoutError.
    """
    queue = turns()
    mine = queue.join(who)
    try:
        yield _places(queue, mine, longest_wait)
    finally:
        queue.leave(mine)


async def _places(queue: Turns, mine: asyncio.Event, longest_wait: float) -> AsyncIterator[int]:
    """Yield the place whenever it changed.

    Raises:
        TimeoutError: The turn did not come in time.
    """
    shown = 0
    async with asyncio.timeout(longest_wait):
        while not mine.is_set():
            place = queue.place_of(mine)
            if place != shown:
                shown = place
                yield place
            try:
                await asyncio.wait_for(mine.wait(), 0.5)
            except TimeoutError:
                continue
