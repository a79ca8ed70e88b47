"""One page looking at a console: a bounded queue of frames and what it has drawn so far."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

type Send = Callable[[bytes | str], Awaitable[None]]
type SendNow = Callable[[bytes | str], bool]

HIGH_BYTES = 256 * 1024
LOW_BYTES = 96 * 1024
# A page for which this many control messages wait takes nothing any more.
MOST_NOTES = 1024


class Watcher:
    """Sends frames to one page and counts the bytes it has not drawn yet.

    Args:
        send: Writes one frame; it may wait for the network and may raise when the page left.
        send_now: Writes one frame if that needs no waiting, and tells whether it did.
        on_room: Called when a page that had too much undrawn can take more.
    """

    def __init__(
        self, send: Send, *, cols: int, rows: int, send_now: SendNow | None = None
    ) -> None:
        self.cols = cols
        self.rows = rows
        self.behind = False
        self.gone = False
        self.on_room: Callable[[Watcher], None] = _nobody
        self.on_deaf: Callable[[], None] = _nothing
        self._send = send
        self._send_now = send_now or _never
        self._loop = asyncio.get_running_loop()
        self._queue: deque[bytes | str] = deque()
        self._notes = 0
        self._undrawn = 0
        self._was_full = False
        self._task: asyncio.Task[None] | None = None
        self._sending = False

    @property
    def undrawn_bytes(self) -> int:
        """Return how many bytes are queued, on the way, or not yet drawn."""
        return self._undrawn

    @property
    def full(self) -> bool:
        """Tell whether nothing more should be given now."""
        return self._undrawn > HIGH_BYTES

    def show(self, data: bytes) -> None:
        """Give terminal bytes; a page that is too far behind is caught up later instead."""
        if self.behind or self.gone:
            return
        if self.full:
            self.behind = True
            return
        self._undrawn += len(data)
        self.give(data)

    def give(self, frame: bytes | str) -> None:
        """Send a frame after those before it, at once where nothing waits."""
        if self.gone:
            return
        if self._sending:
            self._wait(frame)
            return
        if self._send_now(frame):
            return
        self._sending = True
        # Started eagerly the send may be over before this returns.
        task = asyncio.Task(self._drain(frame), loop=self._loop, eager_start=True)
        self._task = None if task.done() else task

    def catch_up(self, *frames: bytes | str) -> None:
        """Replace everything undelivered by the whole screen, as if the page had just come."""
        # Bytes already on their way will still be acknowledged; queued ones never left.
        dropped = sum(len(frame) for frame in self._queue if isinstance(frame, bytes))
        self._queue = deque(frame for frame in self._queue if isinstance(frame, str))
        self._undrawn -= dropped
        self.behind = False
        for frame in frames:
            self._undrawn += len(frame) if isinstance(frame, bytes) else 0
            self.give(frame)

    def drawn(self, count: int) -> None:
        """Note that the page has drawn `count` further bytes; more than was sent counts as all."""
        # Many small acknowledgements lead from full to room, and only the last of them tells.
        self._was_full = self._was_full or self.full or self.behind
        self._undrawn = max(0, self._undrawn - count)
        if self._was_full and self._undrawn < LOW_BYTES:
            self._was_full = False
            self.on_room(self)

    async def flushed(self) -> None:
        """Wait until everything given so far has left."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def leave(self) -> None:
        """Send nothing more."""
        self._drop()
        if self._task is not None:
            self._task.cancel()

    def _wait(self, frame: bytes | str) -> None:
        self._queue.append(frame)
        self._notes += isinstance(frame, str)
        if self._notes > MOST_NOTES:
            # What is shown is bounded by what was drawn; what is said has nothing to bound it.
            self._drop()
            self.on_room(self)
            self.on_deaf()

    def _drop(self) -> None:
        self.gone = True
        self._queue.clear()
        self._notes = 0

    async def _drain(self, frame: bytes | str) -> None:
        try:
            while True:
                await self._send(frame)
                if not self._queue:
                    return
                frame = self._queue.popleft()
                self._notes -= isinstance(frame, str)
        except Exception:
            # Whoever reads from this page learns of the end and takes it off the console.
            self._drop()
            self.on_room(self)
        finally:
            self._sending = False


def _nobody(_watcher: Watcher) -> None:
    return None


def _nothing() -> None:
    return None


def _never(_frame: bytes | str) -> bool:
    return False
