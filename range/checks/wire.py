"""A conversation over a connection from a peer's place, bounded in time and size."""

import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from range.checks.base import Probe
from range.checks.patterns import found

READ_LIMIT_BYTES = 1 << 20
_CHUNK = 1 << 16
# What a library gets at once: it may copy all of it for every packet it finds in it.
_PIECE = 1 << 13


class WireEnded(OSError):
    """Nothing more came: the other side hung up, was too slow, or said too much."""


class Lent(socket.socket):
    """A connection in a library's hands: what it reads counts against its wire's limit."""

    wire: "Wire"

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return what came, in small pieces whatever was asked for.

        Raises:
            WireEnded: It is more than the wire has room for.
        """
        return self.wire.counted(super().recv(min(size, _PIECE), flags))


class Wire:
    """Sends and reads; every call shares one deadline and one limit on what is read.

    Args:
        connection: Closed by whoever opened it.
    """

    def __init__(
        self, connection: socket.socket, *, seconds: float, limit_bytes: int = READ_LIMIT_BYTES
    ) -> None:
        self._connection = connection
        self._end = time.monotonic() + seconds
        self._room = limit_bytes
        self._waiting = b""

    def send(self, data: bytes) -> None:
        """Send all of `data`.

        Raises:
            WireEnded: It was not taken in time.
        """
        if not data:
            return
        try:
            self._connection.settimeout(self.left())
            self._connection.sendall(data)
        except OSError as error:
            raise WireEnded(str(error)) from error

    def exactly(self, count: int) -> bytes:
        """Return the next `count` bytes.

        Raises:
            WireEnded: They did not come.
        """
        while len(self._waiting) < count:
            self._more()
        return self._take(count)

    def line(self, limit: int = 8192) -> bytes:
        """Return the next line with its end.

        Raises:
            WireEnded: None came, or a longer one.
        """
        while (end := self._waiting.find(b"\n")) < 0:
            if len(self._waiting) > limit:
                raise WireEnded("a line without end")
            self._more()
        return self._take(end + 1)

    def until(self, pattern: str) -> tuple[bool, str]:
        """Read until a pattern occurs in what came; tell whether it did, and what came.

        Raises:
            PatternTooCostly: What came makes the pattern too costly.
        """
        while True:
            text = self._waiting.decode("utf-8", errors="replace")
            if found(pattern, text):
                self._waiting = b""
                return True, text
            try:
                self._more()
            except WireEnded:
                return False, text

    def rest(self, seconds: float) -> str:
        """Return what else comes until nothing has come for so long, or the time is over."""
        while True:
            try:
                self._connection.settimeout(min(seconds, self.left()))
                data = self._connection.recv(_CHUNK)
            except OSError:
                break
            self._room -= len(data)
            if not data or self._room < 0:
                break
            self._waiting += data
        text, self._waiting = self._waiting, b""
        return text.decode("utf-8", errors="replace")

    def message(self) -> bytes:
        """Return what the next read brings: one datagram on a datagram socket.

        Raises:
            WireEnded: Nothing came.
        """
        self._more()
        return self._take(len(self._waiting))

    def lent(self) -> Lent:
        """Return the connection for a library that wants a socket; it closes what it gets."""
        given = self._connection
        lent = Lent(given.family, given.type, given.proto, fileno=os.dup(given.fileno()))
        lent.wire = self
        return lent

    def left(self) -> float:
        """Return how many seconds the conversation may still take.

        Raises:
            WireEnded: None.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise WireEnded("too slow")
        return left

    def counted(self, data: bytes) -> bytes:
        """Return what was read, once it is counted.

        Raises:
            WireEnded: It is more than there is room for.
        """
        self._room -= len(data)
        if self._room < 0:
            raise WireEnded("too much")
        return data

    def _take(self, count: int) -> bytes:
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    def _more(self) -> None:
        try:
            self._connection.settimeout(self.left())
            data = self._connection.recv(_CHUNK)
        except OSError as error:
            raise WireEnded(str(error)) from error
        if not data:
            raise WireEnded("the other side hung up")
        self._waiting += self.counted(data)


@contextmanager
def opened(
    probe: Probe, *, from_network: str, to: str, seconds: float, datagrams: bool = False
) -> Iterator[Wire | None]:
    """Lend a conversation with `machine:port`; None if nothing accepted the connection.

    Raises:
        ProbeUnavailable: The probe could not look.
    """
    host, _, port = to.rpartition(":")
    connection = probe.connect(
        from_network=from_network,
        host=host,
        port=int(port),
        timeout_seconds=seconds,
        datagrams=datagrams,
    )
    if connection is None:
        yield None
        return
    with connection:
        yield Wire(connection, seconds=seconds)


def nonce() -> str:
    """Return a word that no one can have prepared an answer for."""
    return secrets.token_hex(8)


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with each `${name}` replaced."""
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    return text
