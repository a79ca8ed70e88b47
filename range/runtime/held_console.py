"""A console whose shell is held in its machine: keys and sizes go in frames, on one stream."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Self

from range.runtime.console_stream import AsyncEngine, EagerReader, EngineConsole, in_time
from range.runtime.driver import Size
from range.runtime.engine_socket import is_held_still

# What the holder says first: range/runtime/base_image/console-hold.c.
_HELD = b"H"
# Source: Docker Engine API, "Attach to a container", stream format: four bytes and a length.
_HEAD_BYTES = 8
# A little more than what counts as full, so that frames' heads do not make it less.
_CHUNK_BYTES = (64 << 10) + 4096
_BETWEEN_ATTEMPTS_SECONDS = 0.05


class HeldConsole(EngineConsole):
    """One connection to a holder, which has a terminal where this has only pipes."""

    def __init__(
        self,
        engine: AsyncEngine,
        exec_id: str,
        reader: EagerReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        super().__init__(engine, exec_id, reader, writer)
        self._head = self._first = b""
        self._left = 0

    @classmethod
    async def find(
        cls, engine: AsyncEngine, container: str, command: Mapping[str, Any], size: Size
    ) -> Self | None:
        """Return a console on a shell that is held; None where nothing can hold one.

        A machine that a check holds still is waited for.

        Raises:
            SandboxGone: The container does not run.
            EngineDown: The engine does not answer.
        """
        async with in_time():
            while True:
                console, said = await cls._greeted(engine, container, command, size)
                if not is_held_still(said):
                    break
                console._writer.close()
                await asyncio.sleep(_BETWEEN_ATTEMPTS_SECONDS)
        if not said.startswith(_HELD):
            console._writer.close()
            return None
        console._first = said.removeprefix(_HELD)
        return console

    @classmethod
    async def _greeted(
        cls, engine: AsyncEngine, container: str, command: Mapping[str, Any], size: Size
    ) -> tuple[Self, bytes]:
        console = await cls.enter(engine, container, command)
        try:
            await console.resize(size)
            async with in_time():
                said = await console.read()
        except BaseException:
            console._writer.close()
            raise
        return console, said

    async def read(self) -> bytes:
        """Return what the terminal printed next, b"" once it has ended."""
        first, self._first = self._first, b""
        while not first:
            try:
                came = await self._reader.read(_CHUNK_BYTES)
            except OSError:
                came = b""
            if not came:
                break
            first = self._unwrapped(came)
        return first

    def listen(self, take: Callable[[bytes], bool]) -> None:
        """Offer what is printed while `read` waits to `take`; `read` returns what it refuses."""

        def offer(came: bytes) -> bool:
            size = len(came) - _HEAD_BYTES
            whole = size > 0 and not self._left and not self._head
            if not whole or int.from_bytes(came[4:_HEAD_BYTES]) != size:
                return False
            return take(came[_HEAD_BYTES:])

        self._reader.take = offer

    async def resize(self, size: Size) -> None:
        """Tell programs the terminal's new size; too late is no error."""
        if not self._closed and not self._writer.is_closing():
            self._writer.write(b"S" + size.rows.to_bytes(2) + size.columns.to_bytes(2))

    def _wrapped(self, data: bytes) -> bytes:
        return b"K" + len(data).to_bytes(4) + data

    def _unwrapped(self, came: bytes) -> bytes:
        came, at, found = self._head + came, 0, list[memoryview]()
        view = memoryview(came)
        while self._left or len(came) - at >= _HEAD_BYTES:
            if not self._left:
                self._left = int.from_bytes(came[at + 4 : at + _HEAD_BYTES])
                at += _HEAD_BYTES
            piece = view[at : at + self._left]
            if self._left and not piece:
                break
            found.append(piece)
            at += len(piece)
            self._left -= len(piece)
        self._head = came[at:]
        return b"".join(found)
