"""Wakes other roles through Postgres LISTEN and NOTIFY; state itself always lives in rows.

A notification is only ever a hint to look: it is lost while a listener has no connection. So a
listener reports a wake with an empty payload on every channel each time it connects, which means
"anything may have happened here, look at everything".
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from range.lib.logs import get_logger
from range.lib.roles import is_ending

log = get_logger(__name__)

# Postgres refuses payloads of 8000 bytes and more. Source: PostgreSQL manual, NOTIFY.
PAYLOAD_LIMIT_BYTES = 7999
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
LOOK_SECONDS = 0.5


class Cursor(Protocol):
    """What both Django's and psycopg's cursors can do."""

    def execute(self, query: Any, params: Any = None, /) -> Any:
        """Run one statement."""


class Connection(Protocol):
    """What both Django's and psycopg's connections can do."""

    def cursor(self) -> AbstractContextManager[Any]:
        """Open a cursor in the connection's present transaction."""


@dataclass(frozen=True)
class Wake:
    """A reason to look at rows again.

    Args:
        payload: Empty means that anything on the channel may have changed.
    """

    channel: str
    payload: str = ""


_default: list[Callable[[], Connection]] = []


def use_connection(provider: Callable[[], Connection]) -> None:
    """Say where `notify` finds the present connection; the composition root calls this once."""
    _default[:] = [provider]


def notify(channel: str, payload: str = "", *, connection: Connection | None = None) -> None:
    """Wake the listeners of a channel when the present transaction commits.

    Args:
        connection: The one whose transaction counts; the provider's when None.

    Raises:
        ValueError: The payload is too large for Postgres.
        RuntimeError: There is neither a connection nor a provider.
    """
    if len(payload.encode()) > PAYLOAD_LIMIT_BYTES:
        raise ValueError(f"a payload holds at most {PAYLOAD_LIMIT_BYTES} bytes; put it into a row")
    if connection is None:
        if not _default:
            raise RuntimeError("notify() needs a connection, or use_connection() called before")
        connection = _default[0]()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel, payload])


def conninfo(database: Mapping[str, Any]) -> str:
    """Return the connection string for a Django database entry, such as `settings_dict`."""
    names = {
        "dbname": "NAME",
        "user": "USER",
        "password": "PASSWORD",
        "host": "HOST",
        "port": "PORT",
    }
    return make_conninfo(
        **{option: str(database[key]) for option, key in names.items() if database.get(key)}
    )


class Listener:
    """A blocking listener that reconnects for as long as it is asked to wait.

    Args:
        conninfo: Connection string or URL of the database.
    """

    def __init__(self, conninfo: str, *channels: str) -> None:
        self._conninfo = conninfo
        self._channels = channels
        self._connection: psycopg.Connection | None = None
        self._pauses = _pauses()

    def wait(self, timeout: timedelta) -> list[Wake]:
        """Return what arrived; empty when nothing did within the time, or this process is to end.

        Every new connection counts as a wake on each channel. A database that is away is waited
        for inside the time.
        """
        deadline = time.monotonic() + timeout.total_seconds()
        while True:
            try:
                if self._connection is None:
                    return self._connect(deadline)
                arrived = self._arrived(deadline)
                if arrived or _over(deadline):
                    return arrived
                continue
            except psycopg.OperationalError as error:
                self._lost(error)
            if _over(deadline):
                return []
            time.sleep(min(next(self._pauses), _left(deadline)))

    def close(self) -> None:
        """Close the connection; a later wait opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self, deadline: float) -> list[Wake]:
        connection = psycopg.connect(
            self._conninfo, autocommit=True, connect_timeout=_connect_timeout(deadline)
        )
        try:
            for channel in self._channels:
                connection.execute(_listen(channel))
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self._pauses = _pauses()
        return [Wake(channel) for channel in self._channels]

    def _arrived(self, deadline: float) -> list[Wake]:
        assert self._connection is not None  # noqa: S101  # asked for only when connected
        # Short looks: a signal that ends this process does not interrupt the library's wait.
        look = min(_left(deadline), LOOK_SECONDS)
        arrived = self._connection.notifies(timeout=look, stop_after=1)
        return _distinct(Wake(each.channel, each.payload) for each in arrived)

    def _lost(self, error: psycopg.OperationalError) -> None:
        _tell(self._connection, error)
        self.close()


class AsyncListener:
    """The same listener for an event loop.

    Args:
        conninfo: Connection string or URL of the database.
    """

    def __init__(self, conninfo: str, *channels: str) -> None:
        self._conninfo = conninfo
        self._channels = channels
        self._connection: psycopg.AsyncConnection | None = None
        self._pauses = _pauses()

    async def wait(self, timeout: timedelta) -> list[Wake]:
        """Return what arrived; empty when nothing did within the time.

        Every new connection counts as a wake on each channel. A database that is away is waited
        for inside the time.
        """
        deadline = time.monotonic() + timeout.total_seconds()
        while True:
            try:
                if self._connection is None:
                    return await self._connect(deadline)
                arrived = self._connection.notifies(timeout=_left(deadline), stop_after=1)
                return _distinct([Wake(each.channel, each.payload) async for each in arrived])
            except psycopg.OperationalError as error:
                await self._lost(error)
            if _over(deadline):
                return []
            await asyncio.sleep(min(next(self._pauses), _left(deadline)))

    async def wakes(self) -> AsyncIterator[Wake]:
        """Yield wakes for as long as the caller iterates."""
        while True:
            for wake in await self.wait(timedelta(minutes=1)):
                yield wake

    async def close(self) -> None:
        """Close the connection; a later wait opens a new one."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()

    async def __aenter__(self) -> "AsyncListener":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _connect(self, deadline: float) -> list[Wake]:
        connection = await psycopg.AsyncConnection.connect(
            self._conninfo, autocommit=True, connect_timeout=_connect_timeout(deadline)
        )
        try:
            for channel in self._channels:
                await connection.execute(_listen(channel))
        except BaseException:
            await connection.close()
            raise
        self._connection = connection
        self._pauses = _pauses()
        return [Wake(channel) for channel in self._channels]

    async def _lost(self, error: psycopg.OperationalError) -> None:
        _tell(self._connection, error)
        await self.close()


def _tell(connection: object | None, error: psycopg.OperationalError) -> None:
    # Further tries of the same outage are no news.
    if connection is not None:
        log.warning("notify.connection.lost", error=type(error).__name__)
    else:
        log.debug("notify.connection.refused", error=type(error).__name__)


def _listen(channel: str) -> sql.Composed:
    return sql.SQL("LISTEN {}").format(sql.Identifier(channel))


def _connect_timeout(deadline: float) -> int:
    # Two seconds is the least that libpq honours.
    return max(2, int(_left(deadline)))


def _left(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())


def _over(deadline: float) -> bool:
    return _left(deadline) == 0.0 or is_ending()


def _pauses() -> Iterator[float]:
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _distinct(wakes: Any) -> list[Wake]:
    return list(dict.fromkeys(wakes))
