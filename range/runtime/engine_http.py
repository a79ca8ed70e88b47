"""Plain HTTP on the engine's socket: where it is, its version, and answers without its library."""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from typing import Any

from range.runtime.driver import EngineDown
from range.runtime.engine_socket import refuse

_LOCAL_SOCKET = "unix:///var/run/docker.sock"
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


class EngineSocket:
    """One engine behind a local socket, asked without its library, which takes much memory."""

    def __init__(self, url: str = "") -> None:
        self.url = url or os.environ.get("DOCKER_HOST") or _LOCAL_SOCKET
        self._version: str | None = None

    @property
    def socket_path(self) -> str:
        """Path of the engine's socket.

        Raises:
            EngineDown: The engine is not reached through a local socket.
        """
        scheme, _, path = self.url.partition("://")
        if scheme not in {"unix", "http+unix"}:
            raise EngineDown("only an engine behind a local socket is supported")
        return "/" + path.lstrip("/")

    def version(self) -> str:
        """Return the version of the interface both sides speak.

        Raises:
            EngineDown: The engine does not answer.
        """
        if self._version is None:
            with connection(self.socket_path) as http:
                http.request("GET", "/version")
                self._version = _api_version(http.getresponse().read())
        return self._version

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask once and return the JSON answered, empty if there is none.

        Raises:
            SandboxGone: What was asked about does not exist or does not run.
            SandboxPaused: It is frozen.
            EngineDown: The engine does not answer.
            EngineError: The engine refused for another reason.
        """
        headers = {"Content-Type": "application/json"} if body is not None else {}
        text = None if body is None else json.dumps(body)
        with connection(self.socket_path) as http:
            http.request(method, f"/v{self.version()}{path}", body=text, headers=headers)
            answer = http.getresponse()
            content = answer.read()
        refuse(answer.status, content)
        return dict(json.loads(content)) if content.strip() else {}


def _api_version(told: bytes) -> str:
    try:
        return str(json.loads(told)["ApiVersion"])
    except (ValueError, KeyError, TypeError) as error:
        raise EngineDown("it does not tell its version") from error
