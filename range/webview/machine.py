"""Connections to a machine's web page, made by the driver and read on the event loop."""

import asyncio
import socket
from concurrent.futures import Executor
from datetime import timedelta
from functools import partial

from range.lib.errors import RangeError
from range.runtime.driver import SandboxGone
from range.runtime.registry import get_driver
from range.webview.admission import Grant

CONNECT_WITHIN = timedelta(seconds=3)
# What is read ahead of a browser that takes its time.
READ_AHEAD_BYTES = 64 * 1024

type Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class NobodyListens(RangeError):
    """The machine runs, and nothing on it answers."""

    def __init__(self, grant: Grant) -> None:
        super().__init__(
            f"Nothing answers on port {grant.port} of {grant.machine} yet. "
            "This page tries again by itself.",
            reason="nothing-listens",
            status=502,
            retryable=True,
        )


class MachineDown(RangeError):
    """The machine has gone, or is being replaced."""

    def __init__(self, grant: Grant) -> None:
        super().__init__(
            f"The machine {grant.machine} does not run at this moment. "
            "This page tries again by itself.",
            reason="machine-down",
            status=503,
            retryable=True,
        )


async def connect(grant: Grant, threads: Executor) -> Streams:
    """Connect to the one port of the one machine that a grant names.

    Raises:
        NobodyListens: Nothing accepted the connection.
        MachineDown: There is no machine to connect to.
        RangeError: Whatever the driver refuses with.
    """
    opening = asyncio.get_running_loop().run_in_executor(threads, partial(_open, grant))
    try:
        opened = await asyncio.shield(opening)
    except OSError as error:
        raise NobodyListens(grant) from error
    except SandboxGone as error:
        raise MachineDown(grant) from error
    except asyncio.CancelledError:
        opening.add_done_callback(_close_late)
        raise
    if opened.family == socket.AF_UNIX:
        return await asyncio.open_unix_connection(sock=opened, limit=READ_AHEAD_BYTES)
    return await asyncio.open_connection(sock=opened, limit=READ_AHEAD_BYTES)


def _open(grant: Grant) -> socket.socket:
    driver = get_driver(grant.driver)
    opened = driver.connect(
        grant.handle, grant.network, grant.machine, grant.port, timeout=CONNECT_WITHIN
    )
    opened.setblocking(False)
    return opened


def _close_late(opening: asyncio.Future[socket.socket]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
