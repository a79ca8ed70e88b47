"""The console role's own parts: its threads, its open consoles, and its ear for revocations."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import timedelta
from weakref import WeakValueDictionary

from channels.db import database_sync_to_async
from django.db import DatabaseError, connection

from range.console.admission import Permission, ended_sandboxes, still_admitted
from range.console.endings import Endings
from range.console.erasure import remove_erased
from range.console.looking import RecentLooks
from range.console.protocol import Close
from range.console.registry import Registry
from range.console.scribe import Scribe
from range.console.services import end_abandoned
from range.console.writer import Writer
from range.lib.logs import get_logger
from range.lib.notify import AsyncListener, Wake, conninfo
from range.sandboxes.activity import touch

log = get_logger(__name__)

# A notification may be lost with its connection; asking this often keeps the promise of five
# seconds without it.
SWEEP = timedelta(seconds=3)
# Retention works at night; its files need not go within seconds.
TIDY = timedelta(minutes=10)
CHANNELS = ("revocations", "sandboxes")
# Each sandbox with an open console is noted as used this often.
TOUCH_SECONDS = 60.0
_UUID_LENGTH = 36


class Role:
    """What every socket of this process shares; started and stopped with the server."""

    def __init__(self) -> None:
        self.registry = Registry()
        self.scribe = Scribe()
        self.writer = Writer()
        self.endings = Endings(self.registry)
        self.recent_looks = RecentLooks()
        self.walls = Counter[uuid.UUID]()
        self._listening: asyncio.Task[None] | None = None
        # An event lives as long as somebody waits for it.
        self._news = WeakValueDictionary[uuid.UUID, asyncio.Event]()
        self._touched: dict[uuid.UUID, float] = {}

    async def start(self) -> None:
        """Seal what a crash left open, and begin to listen."""
        try:
            await database_sync_to_async(end_abandoned)()
        except DatabaseError as error:
            log.warning("console.abandoned.unseen", error=type(error).__name__)
        self._listening = asyncio.create_task(self._listen(), name="console revocations")

    async def stop(self) -> None:
        """Let every console go, write what is left, end the threads."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])
        await self.endings.stop()
        await self.registry.close_all(Close.RESTART)
        await asyncio.to_thread(self.scribe.stop)
        await asyncio.to_thread(self.writer.stop)

    def news_of(self, attempt_id: uuid.UUID) -> asyncio.Event:
        """Return what is set as soon as an attempt's sandbox may have changed."""
        return self._news.setdefault(attempt_id, asyncio.Event())

    async def revoke(self, among: Collection[uuid.UUID] | None = None) -> None:
        """Close every socket whose permission has ended.

        Args:
            among: Attempts and sandboxes to look at; None for all.
        """
        seats = {seat.admission: seat for seat in self.registry.seats | self.registry.looks}
        admissions = [a for a in seats if isinstance(a, Permission)]
        open_in = {relay.key.sandbox_id for relay in self.registry.relays()}
        if among is not None:
            admissions = [a for a in admissions if {a.attempt_id, a.sandbox_id} & set(among)]
            open_in &= {*among, *(a.sandbox_id for a in admissions)}
        if not admissions and not open_in:
            return
        ended, stopped = await database_sync_to_async(_ended)(admissions, open_in)
        for admission, code in ended.items():
            log.info("console.revoked", code=int(code))
            seats[admission].close(code)
        self.registry.close_sandboxes(stopped, Close.NOT_RUNNING)

    async def note_presence(self) -> None:
        """Note that somebody is at every sandbox with an open socket, each once a minute."""
        now = asyncio.get_running_loop().time()
        open_in = {seat.sandbox_id for seat in self.registry.seats}
        recent = {pk: at for pk, at in self._touched.items() if now - at < TOUCH_SECONDS}
        due = open_in - recent.keys()
        if due:
            await database_sync_to_async(touch)(due)
        self._touched = recent | dict.fromkeys(due, now)

    async def _listen(self) -> None:
        clock, swept_at, tidied_at = asyncio.get_running_loop().time, 0.0, 0.0
        async with AsyncListener(conninfo(connection.settings_dict), *CHANNELS) as listener:
            while True:
                wakes = await listener.wait(SWEEP)
                named = _named(wakes)
                self._tell(named)
                if clock() - swept_at >= SWEEP.total_seconds():
                    named, swept_at = None, clock()
                self.endings.begin()
                for relay in self.registry.relays():
                    relay.note_silence()
                try:
                    await self.revoke(among=named)
                    await self.note_presence()
                    if clock() - tidied_at >= TIDY.total_seconds():
                        tidied_at = clock()
                        await database_sync_to_async(remove_erased)()
                except DatabaseError as error:
                    # Open consoles stay open while the database is away: nothing is lost by it.
                    log.warning("console.revocation.waits", error=type(error).__name__)

    def _tell(self, named: Collection[uuid.UUID] | None) -> None:
        for attempt_id in list(self._news if named is None else named):
            if event := self._news.pop(attempt_id, None):
                event.set()


def _named(wakes: Iterable[Wake]) -> set[uuid.UUID] | None:
    """Return the attempts and sandboxes that notifications name; None where all may be meant."""
    words = [word for wake in wakes for word in wake.payload.split() or [""]]
    if "" in words:
        return None
    return {uuid.UUID(word) for word in words if len(word) == _UUID_LENGTH}


def _ended(
    admissions: Iterable[Permission], sandbox_ids: Iterable[uuid.UUID]
) -> tuple[dict[Permission, Close], set[uuid.UUID]]:
    return still_admitted(admissions), ended_sandboxes(sandbox_ids)


_current: list[Role] = []


def current_role() -> Role:
    """Return the process's role, making one where the server starts none."""
    if not _current:
        _current.append(Role())
    return _current[0]


async def start_role(role: Role | None = None) -> Role:
    """Make a role this process's own and start it."""
    _current[:] = [role or Role()]
    await _current[0].start()
    return _current[0]


async def stop_role() -> None:
    """Stop the process's role, if it has one."""
    while _current:
        await _current.pop().stop()
