"""Who is let through to which machine: asked anew every few seconds, also while bytes flow."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from django.db import DatabaseError, close_old_connections

from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.webview.admission import Grant, NoTicket, admit

log = get_logger(__name__)

# What was asked this long ago is asked anew; so a right that ended is gone within five seconds.
FRESH_SECONDS = 2.0
SWEEP_SECONDS = 2.0
# A seat that nothing was asked through for so long is forgotten; the next request finds it again.
FORGOTTEN_AFTER_SECONDS = 300.0
DATABASE_THREADS = 4
# Requests of one sandbox that its machines are asked at once, and how long others wait.
AT_ONCE = 24
# Connections to one sandbox's machines that are opened at once: a machine may take its time, and
# the threads that wait for it are shared.
OPENED_AT_ONCE = 4
WAIT_SECONDS = 10.0


class Busy(RangeError):
    """The machine is asked as much as it may be at once."""

    def __init__(self) -> None:
        super().__init__(
            "The machine's page was asked for too much at once. Reload it in a moment.",
            reason="busy",
            status=503,
            retryable=True,
        )


class Room:
    """Bounds what the machines of one sandbox are asked at once."""

    def __init__(self) -> None:
        self.carrying = asyncio.Semaphore(AT_ONCE)
        self.opening = asyncio.Semaphore(OPENED_AT_ONCE)


@dataclass(eq=False, kw_only=True)
class Seat:
    """One browser at one machine's page.

    Args:
        path: What its frame shows; the workspace's address bar follows it.
    """

    grant: Grant
    asked_at: float
    used_at: float
    path: str = ""
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    exchanges: set[asyncio.Task[None]] = field(default_factory=set)

    def move(self, path: str) -> None:
        """Note what the frame shows now."""
        self.path = path
        self.moved.set()


class Gate:
    """Knows the seats, asks the database about them, and ends what is no longer allowed."""

    def __init__(self) -> None:
        self._seats: dict[tuple[str, str], Seat] = {}
        self._rooms: dict[uuid.UUID, Room] = {}
        self._threads = ThreadPoolExecutor(DATABASE_THREADS, "web view rows")
        self._sweeping: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look after open exchanges."""
        self._sweeping = asyncio.create_task(self._sweep(), name="web view rights")

    async def stop(self) -> None:
        """End every exchange and the threads."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.wait([self._sweeping])
        for seat in self._seats.values():
            _end(seat)
        await asyncio.to_thread(self._threads.shutdown)

    async def seat(self, label: str, tickets: Sequence[str]) -> Seat:
        """Return the seat of whoever asks with these tickets, one of which must be right.

        Raises:
            RangeError: They may not, or no longer, or the machines do not run.
        """
        now = asyncio.get_running_loop().time()
        if not tickets:
            raise NoTicket
        known = [self._seats[label, t] for t in tickets if (label, t) in self._seats]
        seat = known[0] if known else None
        if seat is None or now - seat.asked_at > FRESH_SECONDS:
            seat = await self._ask(label, tickets)
        seat.used_at = now
        return seat

    def room(self, seat: Seat) -> Room:
        """Return what bounds requests to a seat's sandbox."""
        return self._rooms.setdefault(seat.grant.sandbox_id, Room())

    async def rows[T](self, work: Callable[[], T]) -> T:
        """Do something with the database in a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(_with_connection, work))

    async def _ask(self, label: str, tickets: Sequence[str]) -> Seat:
        began = asyncio.get_running_loop().time()
        try:
            grant = await self.rows(partial(admit, label, tickets))
        except RangeError:
            for ticket in tickets:
                if known := self._seats.pop((label, ticket), None):
                    _end(known)
            raise
        fresh = Seat(grant=grant, asked_at=began, used_at=began)
        seat = self._seats.setdefault((label, grant.ticket), fresh)
        seat.grant, seat.asked_at = grant, began
        return seat

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = asyncio.get_running_loop().time()
            for key, seat in list(self._seats.items()):
                if not seat.exchanges and now - seat.used_at > FORGOTTEN_AFTER_SECONDS:
                    del self._seats[key]
            held = {seat.grant.sandbox_id for seat in self._seats.values()}
            self._rooms = {pk: room for pk, room in self._rooms.items() if pk in held}
            await asyncio.gather(*(self._recheck(s) for s in list(self._seats.values())))

    async def _recheck(self, seat: Seat) -> None:
        if not seat.exchanges:
            return
        try:
            await self._ask(seat.grant.label, [seat.grant.ticket])
        except RangeError as error:
            log.info("view.ended", reason=error.reason)
        except DatabaseError as error:
            # While nobody can tell, what is open stays open, and nothing new is let in.
            log.warning("view.rights.unseen", error=type(error).__name__)
        except Exception:
            # A bug must not leave open what should have ended.
            log.exception("view.rights.failed")
            _end(seat)


def _end(seat: Seat) -> None:
    for exchange in seat.exchanges:
        exchange.cancel()


def _with_connection[T](work: Callable[[], T]) -> T:
    close_old_connections()
    try:
        return work()
    finally:
        close_old_connections()
