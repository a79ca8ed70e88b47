"""Connections of browsers: bounded in all and for each sandbox; strangers are the first to go."""

import asyncio
import uuid

from range.lib.errors import RangeError

CONNECTIONS = 400
# Some windows of a browser on several machines' pages, and none left over for a flood.
SHARE = 40


class Crowded(RangeError):
    """A sandbox's pages have as many connections open as they may."""

    def __init__(self) -> None:
        super().__init__(
            "The pages of these machines have too many connections open. Close other tabs of them.",
            reason="too-many-connections",
            status=503,
            retryable=True,
        )


class Places:
    """Who holds the connections that are open, oldest first."""

    def __init__(self) -> None:
        self._strangers: dict[asyncio.Task[None], None] = {}
        self._guests: dict[asyncio.Task[None], uuid.UUID] = {}

    def make_room(self) -> bool:
        """Tell whether one more may come; who has not said for longest who they are, goes for it.

        Whoever may see a page says so at once, so a flood of silent connections only ends itself.
        """
        if len(self._strangers) + len(self._guests) < CONNECTIONS:
            return True
        oldest = next(iter(self._strangers), None)
        if oldest is None:
            return False
        oldest.cancel()
        self.leave(oldest)
        return True

    def arrive(self, work: asyncio.Task[None]) -> None:
        """Count a connection of nobody yet."""
        self._strangers[work] = None

    def know(self, work: asyncio.Task[None], sandbox_id: uuid.UUID) -> None:
        """Count a connection to the sandbox that it asks now.

        Raises:
            Crowded: That sandbox has its share.
        """
        if self._guests.get(work) == sandbox_id:
            return
        if sum(each == sandbox_id for each in self._guests.values()) >= SHARE:
            raise Crowded
        self._strangers.pop(work, None)
        self._guests[work] = sandbox_id

    def leave(self, work: asyncio.Task[None]) -> None:
        """Count a connection no more."""
        self._strangers.pop(work, None)
        self._guests.pop(work, None)
