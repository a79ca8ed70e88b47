"""What goes on beside quiet consoles: somebody floods theirs, somebody reads heavy pages."""

import multiprocessing
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event

from benchmarks._lines import INTERRUPT, PROMPT
from benchmarks._servers import Place, Server

# Both have begun, and have ended, within this.
_SETTLE_SECONDS = 0.5
_PAGES_PER_SECOND = 5


class Bustle:
    """A flood and a reader of pages, in processes of their own, going and stopping together."""

    def __init__(self, server: Server, flooder: Place, page: str) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._goes, self._over = spawn.Event(), spawn.Event()
        self._processes = [
            spawn.Process(target=_flood, args=(server, flooder, self._goes, self._over)),
            spawn.Process(target=_read, args=(page, flooder.cookie, self._goes, self._over)),
        ]
        for process in self._processes:
            process.start()

    @contextmanager
    def going(self) -> Iterator[None]:
        """Let both loose for as long as the block lasts."""
        self._goes.set()
        time.sleep(_SETTLE_SECONDS)
        yield
        self._goes.clear()
        time.sleep(_SETTLE_SECONDS)

    def end(self) -> None:
        """End both."""
        self._over.set()
        self._goes.set()
        for process in self._processes:
            process.join(20)
            process.kill()


def _flood(server: Server, place: Place, goes: Event, over: Event) -> None:
    line = server.open(place)
    line.until(PROMPT)
    while goes.wait() and not over.is_set():
        line.send(b"yes\r")
        while goes.is_set() and not over.is_set():
            line.take()
        line.send(INTERRUPT)
        line.until(PROMPT)
    line.close()


def _read(page: str, cookie: str, goes: Event, over: Event) -> None:
    request = urllib.request.Request(page, headers={"Cookie": cookie})  # noqa: S310
    while goes.wait() and not over.is_set():
        began = time.monotonic()
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            answer.read()
        time.sleep(max(0.0, began + 1 / _PAGES_PER_SECOND - time.monotonic()))
