"""Terminals as a client sees them: one cheap client for all, so that only the servers differ."""

import base64
import json
import os
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any, cast

import docker

PROMPT = b"\x1b]133;B"
INTERRUPT = b"\x03"
_READ_BYTES = 256 * 1024
_TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x1, 0x2, 0x8, 0x9, 0xA
# What a page of ours acknowledges, and when: static/js/console/line.js.
_ACK_BYTES = 64 * 1024
_ACK_SECONDS = 0.5


class Line:
    """A connection that carries the terminal's bytes and nothing else.

    Args:
        channel: A connected socket.
    """

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.pressed = 0
        channel.settimeout(60)

    def send(self, data: bytes) -> None:
        """Type some bytes."""
        self.channel.sendall(data)

    def take(self) -> bytes:
        """Return what was shown next; it may be nothing."""
        return self._arrived()

    def until(self, wanted: bytes) -> int:
        """Take what is shown until some bytes are among it; return how many there were."""
        count, tail = 0, b""
        while wanted not in tail:
            shown = self.take()
            count += len(shown)
            tail = tail[-len(wanted) :] + shown
        return count

    def close(self) -> None:
        """Hang up."""
        self.channel.close()

    def _arrived(self) -> bytes:
        data = self.channel.recv(_READ_BYTES)
        if not data:
            raise SystemExit(f"A {type(self).__name__} ended while it was measured.")
        return data


class BareLine(Line):
    """The engine's own exec socket: the floor of every console on this engine."""

    def __init__(self, container: str, argv: Sequence[str], user: str) -> None:
        self._engine = docker.APIClient()
        made = self._engine.exec_create(
            container, list(argv), tty=True, stdin=True, user=user, environment=["TERM=xterm"]
        )
        started = self._engine.exec_start(made["Id"], tty=True, socket=True)
        self._stream = cast(Any, started)
        super().__init__(self._stream._sock)

    def close(self) -> None:
        """Hang up."""
        # The response goes first: it flushes the file it was read through.
        self._stream._response.close()
        self._stream.close()
        cast(Any, self._engine).close()


class WebSocketLine(Line):
    """A WebSocket; what its frames mean is the business of each server's line."""

    def __init__(self, port: int, path: str, headers: Sequence[str] = ()) -> None:
        channel = socket.create_connection(("127.0.0.1", port), timeout=60)
        channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(channel)
        self._buffer = b""
        self._shake_hands(port, path, headers)

    def take(self) -> bytes:
        """Return what the frames that came next show."""
        self._buffer += self._arrived()
        return b"".join([self._shown(kind, payload) for kind, payload in self._frames()])

    def _shown(self, kind: int, payload: bytes) -> bytes:
        raise NotImplementedError

    def _say(self, kind: int, payload: bytes) -> None:
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2)
        # A mask of zeros is a mask.
        self.channel.sendall(bytes([0x80 | kind]) + length + b"\0\0\0\0" + payload)

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        buffer, at = self._buffer, 0
        while len(buffer) >= at + 2:
            size, head = buffer[at + 1] & 0x7F, at + 2
            if size > 125:
                head += 2 if size == 126 else 8
                size = int.from_bytes(buffer[at + 2 : head])
            if len(buffer) < head + size:
                break
            kind, payload = buffer[at] & 0x0F, buffer[head : head + size]
            at = head + size
            if kind == _PING:
                self._say(_PONG, payload)
            elif kind == _CLOSE:
                raise SystemExit(f"A {type(self).__name__} was closed: {payload!r}")
            else:
                yield kind, payload
        self._buffer = buffer[at:]

    def _shake_hands(self, port: int, path: str, headers: Sequence[str]) -> None:
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            *headers,
        ]
        self.channel.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self._buffer:
            self._buffer += self._arrived()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        if b" 101 " not in head:
            raise SystemExit(f"{path} answered {head[:200]!r}")


class OurLine(WebSocketLine):
    """A console of ours, whose keys are counted and whose output is acknowledged as a page's."""

    def __init__(self, port: int, path: str, *, cookie: str, origin: str) -> None:
        path += f"?cols=80&rows=24&page={os.urandom(8).hex()}"
        super().__init__(port, path, [f"Cookie: {cookie}", f"Origin: {origin}"])
        self._drawn = 0
        self._told_at = 0.0

    def send(self, data: bytes) -> None:
        """Type some bytes."""
        self._say(_BINARY, data)

    def take(self) -> bytes:
        """Return what was shown next, and acknowledge it when a page would."""
        shown = super().take()
        self._drawn += len(shown)
        now = time.monotonic()
        if self._drawn >= _ACK_BYTES or (self._drawn and now - self._told_at > _ACK_SECONDS):
            self._say(_TEXT, b'{"type":"ack","bytes":%d}' % self._drawn)
            self._drawn, self._told_at = 0, now
        return shown

    def _shown(self, kind: int, payload: bytes) -> bytes:
        return payload if kind == _BINARY else b""


class TerminadoLine(WebSocketLine):
    """A terminal of terminado: JSON both ways."""

    def send(self, data: bytes) -> None:
        """Type some bytes."""
        self._say(_TEXT, json.dumps(["stdin", data.decode()]).encode())

    def _shown(self, kind: int, payload: bytes) -> bytes:
        word, *rest = json.loads(payload)
        return str(rest[0]).encode() if word == "stdout" else b""


class TtydLine(WebSocketLine):
    """A terminal of ttyd: one letter before the bytes says what they are."""

    def __init__(self, port: int, argv: Sequence[str]) -> None:
        path = "/ws?" + "&".join(f"arg={word}" for word in argv)
        super().__init__(port, path, ["Sec-WebSocket-Protocol: tty"])
        self._say(_BINARY, b'{"AuthToken":"","columns":80,"rows":24}')

    def send(self, data: bytes) -> None:
        """Type some bytes."""
        self._say(_BINARY, b"0" + data)

    def _shown(self, kind: int, payload: bytes) -> bytes:
        return payload[1:] if payload[:1] == b"0" else b""
