"""Counts what each page typed, so that a page whose socket died knows what to send again."""

import asyncio
import secrets
from dataclasses import dataclass

from range.console.protocol import taken_frame
from range.console.watchers import Watcher

# A page is told what was taken once in this time: an answer to each key would double the frames.
TELL_SECONDS = 0.05
# Pages that left are remembered up to this many, for when they come back.
MOST_PAGES = 64


@dataclass(eq=False)
class _Page:
    """One page across its sockets.

    Args:
        of: What the page knows this opening of the console by.
        taken: Bytes given to the terminal.
        safe: Those among them that have left this process.
    """

    of: str
    taken: int = 0
    safe: int = 0
    typing: "Typing | None" = None


class Typing:
    """One socket of a page; its keys count until a later socket of the same page comes."""

    def __init__(self, page: _Page, watcher: Watcher) -> None:
        self._page = page
        self._watcher = watcher
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        page.typing = self

    @property
    def gone(self) -> bool:
        """Tell whether the socket has ended."""
        return self._watcher.gone

    def take(self, count: int) -> bool:
        """Count bytes that are given to the terminal now; False if they must not be.

        A socket may die with frames still to be read. What they hold the page sends again on its
        next one, so from then on they must not be typed.
        """
        if self._page.typing is not self:
            return False
        self._page.taken += count
        return True

    def taken(self) -> None:
        """Note that what was taken has left, and tell the page in a moment."""
        self._page.safe = self._page.taken
        if self._timer is None:
            self._timer = self._loop.call_later(TELL_SECONDS, self.tell)

    def tell(self) -> None:
        """Tell the page what was taken, if that is news."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._watcher.give(taken_frame(self._page.safe, of=self._page.of))


class Typists:
    """The pages that typed on one console."""

    def __init__(self) -> None:
        self._name = secrets.token_hex(8)
        self._pages: dict[str, _Page] = {}

    def sit(self, name: str, watcher: Watcher) -> Typing:
        """Let a page type through a new socket, and tell it what it typed through earlier ones."""
        # In the order of their last coming, so that the oldest is forgotten.
        page = self._pages[name] = self._pages.pop(name, _Page(self._name))
        self._forget()
        watcher.give(taken_frame(page.taken, of=page.of))
        return Typing(page, watcher)

    def tell(self) -> None:
        """Tell every page what was taken, before the console ends."""
        for page in self._pages.values():
            if page.typing is not None:
                page.typing.tell()

    def _forget(self) -> None:
        surplus = len(self._pages) - MOST_PAGES
        left = [name for name, page in self._pages.items() if page.typing and page.typing.gone]
        for name in left[: max(0, surplus)]:
            del self._pages[name]
