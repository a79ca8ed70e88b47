"""The servers whose terminals are compared, each on the same machines: ours, theirs, and none."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from benchmarks._lines import BareLine, Line, OurLine, TerminadoLine, TtydLine
from benchmarks._whole_range import BASE, WholeRange
from range.operations.fleet import URGENT, URGENTLY

USER = "nobody"
SHELL = ("bash", "-l")
PEERS = BASE / "var" / "peers" / "bin" / "python"
_READY_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a terminal may be opened: a console of somebody's, and the machine it is on."""

    path: str
    cookie: str
    container: str


class Server(Protocol):
    """Something that shows terminals.

    Attributes:
        name: How figures call it.
        pid: Its first process; None where there is nothing between client and engine.
    """

    name: str
    pid: int | None

    def open(self, place: Place) -> Line:
        """Return a fresh terminal on a place's machine."""
        ...


class Ours:
    """The console role of a whole range, with holder, recorder and everything asked."""

    name = "ours"

    def __init__(self, site: WholeRange) -> None:
        self.pid: int | None = site.pid("console")
        self._port, self._origin = site.port + 1, site.url

    def open(self, place: Place) -> Line:
        """Connect as a page does."""
        return OurLine(self._port, place.path, cookie=place.cookie, origin=self._origin)


class Raw:
    """The engine alone."""

    name = "raw"
    pid: int | None = None

    def open(self, place: Place) -> Line:
        """Start a shell and keep its socket."""
        return BareLine(place.container, SHELL, USER)


class Terminado:
    """Tornado with a pseudo-terminal and a `docker exec` for each terminal."""

    name = "terminado"

    def __init__(self, port: int, pid: int) -> None:
        self.pid: int | None = pid
        self._port = port

    def open(self, place: Place) -> Line:
        """Connect."""
        return TerminadoLine(self._port, f"/{place.container}")


class Ttyd:
    """A server in C with a pseudo-terminal and a `docker exec` for each terminal."""

    name = "ttyd"

    def __init__(self, port: int, pid: int) -> None:
        self.pid: int | None = pid
        self._port = port

    def open(self, place: Place) -> Line:
        """Connect, and name the machine."""
        return TtydLine(self._port, [place.container, *SHELL])


@contextmanager
def servers(site: WholeRange, containers: Sequence[str]) -> Iterator[list[Server]]:
    """Start every server there is, all with the precedence that the console role has."""
    with ExitStack() as ends:
        made: list[Server] = [Ours(site)]
        port = _free_port()
        words = [str(PEERS), str(BASE / "benchmarks" / "_terminado.py"), str(port), USER]
        made.append(Terminado(port, ends.enter_context(_running(port, [*words, *containers]))))
        if ttyd := shutil.which("ttyd"):
            port = _free_port()
            words = [ttyd, "-i", "127.0.0.1", "-p", str(port), "-P", "300", "-W", "-a"]
            words += ["docker", "exec", "-it", "-u", USER]
            made.append(Ttyd(port, ends.enter_context(_running(port, words))))
        yield [*made, Raw()]


@contextmanager
def _running(port: int, argv: Sequence[str]) -> Iterator[int]:
    log = BASE / "var" / "log" / "bench-peer.log"
    with log.open("ab") as told:
        process = subprocess.Popen(
            ["/bin/sh", str(URGENTLY), str(URGENT), *argv],
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
            start_new_session=True,
        )
    try:
        _wait_for(port, process)
        yield process.pid
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise SystemExit("A server to compare with did not start; see var/log/bench-peer.log.")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])
