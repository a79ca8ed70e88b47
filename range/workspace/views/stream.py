"""Server-sent events that tell a workspace which of its fragments to fetch again."""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import cast

from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.http import HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_safe

from range.accounts.models import User
from range.exercises.models import Attempt
from range.exercises.services import attempt_of
from range.lib.logs import get_logger
from range.lib.notify import AsyncListener, conninfo
from range.sandboxes.activity import touch_attempt

log = get_logger(__name__)

CHANNEL = "attempt_changed"
HEARTBEAT_SECONDS = 15.0
# A page that does not read gets no longer a queue than this: it then refreshes everything.
QUEUE_LENGTH = 64
EVERYTHING = ("sandbox", "objectives", "hints", "events", "messages", "consoles")
type Pages = dict[str, set[asyncio.Queue[str]]]


class Fanout:
    """One listening connection of this process, shared by every page that is open.

    Args:
        conninfo: Connection string of the database to listen on.
    """

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._pages: Pages = defaultdict(set)
        self._work: asyncio.Task[None] | None = None

    def join(self, attempt_id: uuid.UUID) -> asyncio.Queue[str]:
        """Begin to follow an attempt; the listener starts with the first page."""
        queue: asyncio.Queue[str] = asyncio.Queue(QUEUE_LENGTH)
        self._pages[str(attempt_id)].add(queue)
        if self._work is None or self._work.done():
            self._work = asyncio.get_running_loop().create_task(self._listen())
        return queue

    def leave(self, attempt_id: uuid.UUID, queue: asyncio.Queue[str]) -> None:
        """Stop following; the listener ends with the last page."""
        pages = self._pages.get(str(attempt_id), set())
        pages.discard(queue)
        if not pages:
            self._pages.pop(str(attempt_id), None)
        if not self._pages and self._work is not None:
            self._work.cancel()
            self._work = None

    def deliver(self, payload: str) -> None:
        """Hand one notification to the pages of its attempt.

        Args:
            payload: `<attempt> <what>`; empty means that anything may have changed.
        """
        attempt_id, _, what = payload.partition(" ")
        followers = [self._pages.get(attempt_id, set())] if attempt_id else self._pages.values()
        for queue in [queue for pages in followers for queue in pages]:
            for each in (what,) if what else EVERYTHING:
                _put(queue, each)

    async def _listen(self) -> None:
        async with AsyncListener(self._conninfo, CHANNEL) as listener:
            async for wake in listener.wakes():
                self.deliver(wake.payload)


def _put(queue: asyncio.Queue[str], what: str) -> None:
    try:
        queue.put_nowait(what)
    except asyncio.QueueFull:
        log.warning("stream.page.slow")


_fanouts: dict[int, Fanout] = {}


def fanout() -> Fanout:
    """Return the fan-out of the running event loop."""
    loop = id(asyncio.get_running_loop())
    if loop not in _fanouts:
        _fanouts[loop] = Fanout(conninfo(connections["default"].settings_dict))
    return _fanouts[loop]


@require_safe
async def attempt_stream(request: HttpRequest, attempt_id: uuid.UUID) -> StreamingHttpResponse:
    """Stream the names of fragments that changed, until the attempt ends."""
    person = cast(User, await request.auser())
    await _authorise(person, attempt_id)
    return StreamingHttpResponse(
        _events(attempt_id),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(attempt_id: uuid.UUID) -> AsyncIterator[bytes]:
    shared = fanout()
    queue = shared.join(attempt_id)
    try:
        # What changed between the page's rendering and this moment must not be missed.
        for what in EVERYTHING:
            yield _event(what)
        while await _is_active(attempt_id):
            for what in await _changes(queue):
                yield _event(what)
            yield b": alive\n\n"
        yield _event("sandbox")
        yield _event("ended")
    finally:
        shared.leave(attempt_id, queue)


async def _changes(queue: asyncio.Queue[str]) -> list[str]:
    """Return the distinct changes since the last call, waiting for the first one."""
    try:
        first = await asyncio.wait_for(queue.get(), HEARTBEAT_SECONDS)
    except TimeoutError:
        return []
    changes = [first]
    while not queue.empty():
        changes.append(queue.get_nowait())
    return list(dict.fromkeys(changes))


# A stream lives long and has a thread of its own: it must not hold a database connection too.
@sync_to_async
def _authorise(person: User, attempt_id: uuid.UUID) -> None:
    try:
        attempt_of(person, attempt_id)
    finally:
        connection.close()


@sync_to_async
def _is_active(attempt_id: uuid.UUID) -> bool:
    try:
        # A page that follows an attempt is somebody who is at its machines.
        touch_attempt(attempt_id)
        return Attempt.objects.filter(pk=attempt_id, state=Attempt.State.ACTIVE).exists()
    finally:
        connection.close()


def _event(name: str) -> bytes:
    # The data is empty on purpose: the page fetches the fragment, which authorises anew.
    return f"event: {name}\ndata: {name}\n\n".encode()
