"""The consoles this process holds open, and the pages on each of them."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from range.console.protocol import Close
from range.console.relay import Key, Relay
from range.console.watchers import Watcher
from range.lib.errors import RangeError
from range.lib.logs import get_logger

log = get_logger(__name__)

# A console nobody looks at is let go after this; its shell stays, and so does its recording.
LINGER_SECONDS = 15 * 60.0

type Opener = Callable[[], Awaitable[Relay]]


class TooManyConsoles(RangeError):
    """A trainee holds as many sockets as one person may."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"You have {limit} consoles open, which is as many as one person may. Close one first.",
            reason="too-many-consoles",
            status=429,
        )


@dataclass(kw_only=True, eq=False)
class Seat:
    """One page's place: whose it is, and how to close its socket.

    Args:
        admission: What `admission.admit` returned; looked at again on every revocation.
    """

    person_id: uuid.UUID
    sandbox_id: uuid.UUID
    admission: object
    close: Callable[[Close], None]


@dataclass
class Registry:
    """Finds or opens relays, seats pages, and closes what must end.

    Args:
        looks: Seats of people who look at others' consoles; they are nobody's presence.
    """

    linger_seconds: float = LINGER_SECONDS
    seats: set[Seat] = field(default_factory=set)
    looks: set[Seat] = field(default_factory=set)
    _relays: dict[Key, Relay] = field(default_factory=dict)
    _opening: dict[Key, asyncio.Lock] = field(default_factory=dict)
    _lingering: dict[Key, asyncio.TimerHandle] = field(default_factory=dict)
    _closing: set[asyncio.Task[None]] = field(default_factory=set)

    def take_seat(self, seat: Seat, *, limit: int) -> None:
        """Count a page in.

        Raises:
            TooManyConsoles: The person already has `limit` pages on consoles.
        """
        _take(self.seats, seat, limit=limit)

    def take_look(self, seat: Seat, *, limit: int) -> None:
        """Count in a page that looks at somebody's console.

        Raises:
            TooManyConsoles: The person already has `limit` such pages.
        """
        _take(self.looks, seat, limit=limit)

    def leave_seat(self, seat: Seat) -> None:
        """Count a page out."""
        self.seats.discard(seat)
        self.looks.discard(seat)

    def find(self, key: Key) -> Relay | None:
        """Return a console that is open; looking for it opens nothing."""
        relay = self._relays.get(key)
        return None if relay is None or relay.closed.done() else relay

    async def join(self, key: Key, watcher: Watcher, opener: Opener) -> Relay:
        """Put a page on a console, opening it unless it is open already.

        Raises:
            RangeError: Whatever `opener` refuses with.
        """
        async with self._opening.setdefault(key, asyncio.Lock()):
            relay = self._relays.get(key)
            if relay is None or relay.closed.done():
                relay = await opener()
                self._relays[key] = relay
                relay.closed.add_done_callback(lambda _: self._forget(relay))
            self._stop_lingering(key)
            relay.join(watcher)
            return relay

    def leave(self, relay: Relay, watcher: Watcher) -> None:
        """Take a page off a console and let the console linger when it was the last."""
        relay.leave(watcher)
        if not relay.watchers and not relay.closed.done():
            loop = asyncio.get_running_loop()
            self._stop_lingering(relay.key)
            self._lingering[relay.key] = loop.call_later(
                self.linger_seconds, self._let_go, relay, Close.NORMAL
            )

    def relays(self) -> tuple[Relay, ...]:
        """Return the consoles that are open."""
        return tuple(self._relays.values())

    def close_console(self, key: Key, code: Close) -> None:
        """End one console, if it is open."""
        if relay := self._relays.get(key):
            self._let_go(relay, code)

    def close_sandboxes(self, sandbox_ids: Iterable[uuid.UUID], code: Close) -> None:
        """End every console of sandboxes that no longer run."""
        ended = set(sandbox_ids)
        for relay in self.relays():
            if relay.key.sandbox_id in ended:
                self._let_go(relay, code)

    async def close_all(self, code: Close) -> None:
        """Let every console go and wait until their recordings are written."""
        for relay in self.relays():
            self._let_go(relay, code)
        while self._closing:
            await asyncio.wait(list(self._closing))

    def _let_go(self, relay: Relay, code: Close) -> None:
        self._stop_lingering(relay.key)
        task = asyncio.create_task(relay.close(code))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _forget(self, relay: Relay) -> None:
        if self._relays.get(relay.key) is relay:
            del self._relays[relay.key]
            self._stop_lingering(relay.key)
        lock = self._opening.get(relay.key)
        if lock is not None and not lock.locked():
            del self._opening[relay.key]

    def _stop_lingering(self, key: Key) -> None:
        handle = self._lingering.pop(key, None)
        if handle is not None:
            handle.cancel()


def _take(seats: set[Seat], seat: Seat, *, limit: int) -> None:
    held = Counter(other.person_id for other in seats)
    if held[seat.person_id] >= limit:
        raise TooManyConsoles(limit)
    seats.add(seat)
