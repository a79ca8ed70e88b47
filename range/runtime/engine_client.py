"""Connections to a container engine, one per call in flight, and what its errors mean."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
from docker import APIClient
from docker.errors import APIError, DockerException

from range.runtime.driver import EngineDown, EngineError, SandboxGone, SandboxPaused
from range.runtime.engine_http import EngineSocket

_TIMEOUT_SECONDS = 60
_IDLE_CLIENTS = 16


class Engine(EngineSocket):
    """Lends clients of one engine; the library's clients are not safe to share by threads."""

    def __init__(self, url: str = "") -> None:
        super().__init__(url)
        self._idle: list[APIClient] = []
        self._lock = threading.Lock()
        self._root: tuple[int, int] | None = None

    def root_ids(self) -> tuple[int, int]:
        """Return the numbers that root of a container, and its group, have on the host.

        Raises:
            EngineDown: The engine does not answer.
        """
        if self._root is None:
            with self.client() as client:
                self._root = _root_ids(client.info())
        return self._root

    def inside(self, uid: int, gid: int) -> tuple[int, int]:
        """Return the numbers in a container of an owner and group that the host sees."""
        root, group = self.root_ids()
        return uid - root if uid >= root else uid, gid - group if gid >= group else gid

    @contextmanager
    def client(self, *, timeout: float | None = None) -> Iterator[APIClient]:
        """Lend a client, its failures translated into this layer's errors.

        Args:
            timeout: Seconds of silence to bear; a client with its own is not used again.

        Raises:
            EngineDown: The engine does not answer.
            SandboxGone: What the call was about does not exist or does not run.
            SandboxPaused: The call needs a machine that is not paused.
            EngineError: The engine refused for another reason.
        """
        with translated():
            lent = self._take() if timeout is None else self._made(timeout)
            try:
                yield lent
            except requests.exceptions.RequestException:
                lent.close()
                raise
            except BaseException:
                self._give_back(lent, again=timeout is None)
                raise
            self._give_back(lent, again=timeout is None)

    def close(self) -> None:
        """Close what lies idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for client in idle:
            client.close()

    def _take(self) -> APIClient:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._made(_TIMEOUT_SECONDS)

    def _made(self, timeout: float) -> APIClient:
        client = APIClient(base_url=self.url, version=self.version(), timeout=int(timeout))
        # The environment's proxies and certificates are not meant for the engine.
        client.trust_env = False
        return client

    def _give_back(self, client: APIClient, *, again: bool) -> None:
        with self._lock:
            if again and len(self._idle) < _IDLE_CLIENTS:
                self._idle.append(client)
                return
        client.close()


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the engine's library raises into this layer's errors."""
    try:
        yield
    except APIError as error:
        raise _meaning(error) from error
    except requests.exceptions.RequestException as error:
        raise EngineDown(type(error).__name__) from error
    except DockerException as error:
        raise EngineDown("no connection") from error


def create_container(client: APIClient, name: str, arguments: Mapping[str, Any]) -> str:
    """Create a container and return its id."""
    created = client.create_container_from_config(arguments, name)  # type: ignore[no-untyped-call]
    return str(created["Id"])


def explanation(error: APIError) -> str:
    """Return what the engine said, without the library's framing."""
    return str(error.explanation or error)


def _root_ids(told: Mapping[str, Any]) -> tuple[int, int]:
    """Read them off the folder that an engine with a user namespace keeps for it.

    Source: docs.docker.com/engine/security/userns-remap, "the namespaced storage directory".
    """
    if not any("userns" in option for option in told.get("SecurityOptions") or ()):
        return 0, 0
    uid, _, gid = str(told.get("DockerRootDir")).rpartition("/")[2].partition(".")
    if not (uid.isdigit() and gid.isdigit()):
        raise EngineDown("it does not tell which user namespace it uses")
    return int(uid), int(gid)


def _meaning(error: APIError) -> Exception:
    said = explanation(error).lower()
    if error.status_code == 404:
        return SandboxGone()
    if error.status_code == 409 and "is paused" in said:
        return SandboxPaused()
    if error.status_code == 409 and ("not running" in said or "stopped" in said):
        return SandboxGone()
    return EngineError(explanation(error))
