"""Ends the shells of consoles that their trainees closed, as often as it takes."""

import asyncio

from channels.db import database_sync_to_async
from django.db import DatabaseError

from range.console.extra_consoles import Ending, note_ended, to_end
from range.console.protocol import Close
from range.console.registry import Registry
from range.console.relay import Key, end_shell
from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.runtime.driver import NoSuchMachine, SandboxGone

log = get_logger(__name__)


class Endings:
    """One round at a time, beside the role's other work: an engine may take long to answer."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._round: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look for closed consoles and end them, unless that is under way."""
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._end_all(), name="console endings")

    async def stop(self) -> None:
        """Give up the round; what is left is ended after the next start."""
        if self._round is not None:
            self._round.cancel()
            await asyncio.wait([self._round])

    async def _end_all(self) -> None:
        try:
            for ending in await database_sync_to_async(to_end)():
                await self._end(ending)
        except DatabaseError as error:
            log.warning("console.endings.wait", error=type(error).__name__)

    async def _end(self, ending: Ending) -> None:
        if ending.sandbox_id is not None:
            key = Key(sandbox_id=ending.sandbox_id, machine=ending.machine, console=ending.console)
            self._registry.close_console(key, Close.CLOSED)
        try:
            if ending.handle is not None:
                await asyncio.to_thread(
                    end_shell,
                    driver=ending.driver,
                    handle=ending.handle,
                    machine=ending.machine,
                    console=ending.console,
                )
        except (SandboxGone, NoSuchMachine):
            log.info("console.ending.gone")
        except RangeError as error:
            log.warning("console.ending.failed", reason=error.reason)
            return
        await database_sync_to_async(note_ended)(ending)
