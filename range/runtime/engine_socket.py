"""Raw requests on the engine's socket, for streams that its library does not hand out."""

import json
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from range.runtime.driver import EngineDown, EngineError, SandboxGone, SandboxPaused

_HEADER_LIMIT_BYTES = 64 << 10
_CHUNK_BYTES = 64 << 10
# Source: Docker Engine API, "Attach to a container", stream format.
_FRAME = struct.Struct(">BxxxL")
STDERR = 2
# What the engine's runtime and the engine say where a program should have begun.
_RUNTIME_FAILED = b"OCI runtime exec failed"
_FROZEN = b"cannot exec in a paused container"
_NO_SUCH_USER = b"unable to find user"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Status line and headers of an answer; names in lower case."""

    status: int
    headers: Mapping[str, str]


def request_bytes(
    method: str, path: str, body: Mapping[str, Any] | None = None, *, upgrade: bool = False
) -> bytes:
    """Return an HTTP/1.1 request.

    Args:
        upgrade: Whether the connection becomes a raw stream after the answer.
    """
    payload = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: engine", f"Content-Length: {len(payload)}"]
    if body is not None:
        lines.append("Content-Type: application/json")
    lines += ["Connection: Upgrade", "Upgrade: tcp"] if upgrade else []
    return "\r\n".join([*lines, "", ""]).encode() + payload


def parse_head(head: bytes) -> Answer:
    """Read an answer's status line and headers.

    Raises:
        EngineDown: What came is no HTTP answer.
    """
    first, *rest = head.decode("latin-1").split("\r\n")
    parts = first.split(" ", 2)
    if len(parts) < 2 or not parts[0].startswith("HTTP/") or not parts[1].isdigit():
        raise EngineDown("it did not answer in HTTP")
    pairs = (line.partition(":") for line in rest if ":" in line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return Answer(status=int(parts[1]), headers=headers)


def refuse(status: int, body: bytes) -> None:
    """Raise what an answer of 400 or above means.

    Raises:
        SandboxGone: The container or what runs in it has gone.
        SandboxPaused: The container is frozen.
        EngineError: Anything else.
    """
    if status < 400:
        return
    try:
        said = str(json.loads(body).get("message", ""))
    except (ValueError, AttributeError):
        said = body[:200].decode("utf-8", "replace")
    if status == 409 and "is paused" in said:
        raise SandboxPaused
    if status in {404, 409}:
        raise SandboxGone
    raise EngineError(said or f"status {status}")


def failed_to_enter(said: bytes) -> bool:
    """Tell whether the first words of a program are the runtime's instead: it never began."""
    return said.startswith((_RUNTIME_FAILED, _NO_SUCH_USER))


def is_held_still(said: bytes) -> bool:
    """Tell whether a program never began because its machine's processes are frozen just now.

    The engine knows nothing of it: a check holds the machine still for a moment.
    """
    return said.startswith(_RUNTIME_FAILED) and _FROZEN in said


def hijack(socket_path: str, path: str, body: Mapping[str, Any], *, timeout: float) -> "Hijacked":
    """Send a request whose answer turns the connection into a raw stream.

    Raises:
        EngineDown: The engine does not answer.
        SandboxGone: What the stream should come from has gone.
    """
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(timeout)
        connection.connect(socket_path)
        connection.sendall(request_bytes("POST", path, body, upgrade=True))
        head, rest = _read_head(connection)
        answer = parse_head(head)
        if answer.status >= 400:
            connection.settimeout(1)
            refuse(answer.status, rest or connection.recv(_CHUNK_BYTES))
    except OSError as error:
        connection.close()
        raise EngineDown(type(error).__name__) from error
    except BaseException:
        connection.close()
        raise
    return Hijacked(connection, rest)


class Hijacked:
    """A raw stream of the engine, with its frames of standard output and error."""

    def __init__(self, connection: socket.socket, rest: bytes) -> None:
        self.connection = connection
        self._buffer = rest

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """Yield stream number and bytes until the end.

        Raises:
            TimeoutError: The connection's time-out passed.
        """
        while head := self._exactly(_FRAME.size):
            stream, length = _FRAME.unpack(head)
            while length:
                piece = self._some(length)
                if not piece:
                    return
                length -= len(piece)
                yield stream, piece

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def _some(self, limit: int) -> bytes:
        if not self._buffer:
            self._buffer = self.connection.recv(_CHUNK_BYTES)
        piece, self._buffer = self._buffer[:limit], self._buffer[limit:]
        return piece

    def _exactly(self, length: int) -> bytes:
        collected = b""
        while len(collected) < length:
            piece = self._some(length - len(collected))
            if not piece:
                return b""
            collected += piece
        return collected


def _read_head(connection: socket.socket) -> tuple[bytes, bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(_CHUNK_BYTES)
        if not piece or len(received) > _HEADER_LIMIT_BYTES:
            raise EngineDown("it hung up")
        received += piece
    head, _, rest = received.partition(b"\r\n\r\n")
    return head, rest
