"""Tells open pages which of their parts changed: one listening connection a process, any pages."""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable

from range.lib.logs import get_logger
from range.lib.notify import AsyncListener

log = get_logger(__name__)

HEARTBEAT_SECONDS = 15.0
# A page that does not read gets no longer a queue than this: it then refreshes everything.
QUEUE_LENGTH = 64
type Pages = dict[str, set[asyncio.Queue[str]]]


class Fanout:
    """One listening connection of this process, shared by every page that is open.

    Args:
        conninfo: Connection string of the database to listen on.
        channel: Notifications on it read `<subject> <part>`.
        everything: The parts a page may have.
    """

    def __init__(self, conninfo: str, channel: str, *, everything: tuple[str, ...]) -> None:
        self._conninfo, self._channel, self._everything = conninfo, channel, everything
        self._pages: Pages = defaultdict(set)
        self._work: asyncio.Task[None] | None = None

    def join(self, subject: uuid.UUID) -> asyncio.Queue[str]:
        """Begin to follow a subject; the listener starts with the first page."""
        queue: asyncio.Queue[str] = asyncio.Queue(QUEUE_LENGTH)
        self._pages[str(subject)].add(queue)
        if self._work is None or self._work.done():
            self._work = asyncio.get_running_loop().create_task(self._listen())
        return queue

    def leave(self, subject: uuid.UUID, queue: asyncio.Queue[str]) -> None:
        """Stop following; the listener ends with the last page."""
        pages = self._pages.get(str(subject), set())
        pages.discard(queue)
        if not pages:
            self._pages.pop(str(subject), None)
        if not self._pages and self._work is not None:
            self._work.cancel()
            self._work = None

    def deliver(self, payload: str) -> None:
        """Hand one notification to the pages of its subject.

        Args:
            payload: `<subject> <part>`; empty means that anything may have changed.
        """
        subject, _, part = payload.partition(" ")
        followers = [self._pages.get(subject, set())] if subject else self._pages.values()
        for queue in [queue for pages in followers for queue in pages]:
            for each in (part,) if part else self._everything:
                _put(queue, each)

    async def _listen(self) -> None:
        async with AsyncListener(self._conninfo, self._channel) as listener:
            async for wake in listener.wakes():
                self.deliver(wake.payload)


def _put(queue: asyncio.Queue[str], part: str) -> None:
    try:
        queue.put_nowait(part)
    except asyncio.QueueFull:
        log.warning("stream.page.slow")


async def follow(
    shared: Fanout,
    subject: uuid.UUID,
    *,
    at_first: tuple[str, ...],
    goes_on: Callable[[], Awaitable[bool]],
    at_last: tuple[str, ...],
) -> AsyncIterator[bytes]:
    """Yield server-sent events that name what changed, until the subject comes to its end.

    Args:
        at_first: What may have changed between the page's rendering and this moment.
        goes_on: Asked after every change, and with every heartbeat.
        at_last: Told before the event `ended`.
    """
    queue = shared.join(subject)
    try:
        for part in at_first:
            yield event(part)
        while await goes_on():
            for part in await changes(queue):
                yield event(part)
            yield b": alive\n\n"
        for part in (*at_last, "ended"):
            yield event(part)
    finally:
        shared.leave(subject, queue)


async def changes(queue: asyncio.Queue[str]) -> list[str]:
    """Return the distinct changes since the last call, waiting for the first one."""
    try:
        first = await asyncio.wait_for(queue.get(), HEARTBEAT_SECONDS)
    except TimeoutError:
        return []
    found = [first]
    while not queue.empty():
        found.append(queue.get_nowait())
    return list(dict.fromkeys(found))


def event(name: str) -> bytes:
    """Return one server-sent event: a name alone, for a page fetches a part and is judged anew."""
    return f"event: {name}\ndata: {name}\n\n".encode()
