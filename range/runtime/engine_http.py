"""A plain HTTP connection on the engine's socket, for answers that are read as they stream."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException

from range.runtime.driver import EngineDown

_TIMEOUT_SECONDS = 30.0


class _SocketConnection(HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("engine", timeout=_TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@contextmanager
def connection(socket_path: str) -> Iterator[HTTPConnection]:
    """Lend a connection and close it, whatever was left unread.

    Raises:
        EngineDown: The engine does not answer.
    """
    lent = _SocketConnection(socket_path)
    try:
        yield lent
    except (OSError, HTTPException) as error:
        raise EngineDown(type(error).__name__) from error
    finally:
        lent.close()
