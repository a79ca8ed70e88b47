"""A console's terminal over the engine's raw exec socket, on the event loop, without a thread."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

from range.runtime import host_processes
from range.runtime.driver import EngineDown, EngineError, SandboxGone, Size
from range.runtime.engine_socket import Answer, parse_head, refuse, request_bytes

_CHUNK_BYTES = 64 << 10
_CONNECT_SECONDS = 10.0
_RESIZE_ATTEMPTS = 5
_RESIZE_PAUSE_SECONDS = 0.02


class EagerReader(asyncio.StreamReader):
    """Offers what comes to somebody first, while nothing before it waits to be read.

    Attributes:
        take: Takes bytes at once, or tells that they have to be read.
    """

    take: Callable[[bytes], bool] | None = None
    _awaited = False

    async def read(self, n: int = -1) -> bytes:
        """Return what came next and was not taken."""
        self._awaited = True
        try:
            return await super().read(n)
        finally:
            self._awaited = False

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]
        """Take bytes from the transport."""
        if self._awaited and self.take is not None and self.take(data):
            return
        self._awaited = False
        super().feed_data(data)


class EngineConsole:
    """One attachment to a terminal that lives in a container."""

    def __init__(
        self,
        engine: "AsyncEngine",
        exec_id: str,
        reader: EagerReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._engine = engine
        self._exec_id = exec_id
        self._reader = reader
        self._writer = writer
        self._closed = False

    @classmethod
    async def open(
        cls, engine: "AsyncEngine", container: str, command: Mapping[str, Any], size: Size
    ) -> Self:
        """Start `command` on a terminal in the container and attach to it.

        Raises:
            SandboxGone: The container does not run.
            EngineDown: The engine does not answer.
        """
        console = await cls.enter(engine, container, command)
        await console.resize(size)
        return console

    @classmethod
    async def enter(cls, engine: "AsyncEngine", container: str, command: Mapping[str, Any]) -> Self:
        """Start `command` in the container, whatever size its terminal has.

        Raises:
            SandboxGone: The container does not run.
            EngineDown: The engine does not answer.
        """
        async with in_time():
            reader, writer = await engine.connect()
            try:
                created = await engine.ask(
                    reader, writer, "POST", f"/containers/{container}/exec", command
                )
                exec_id = str(created["Id"])
                path = f"/exec/{exec_id}/start"
                await engine.upgrade(reader, writer, path, tty=bool(command.get("Tty", True)))
            except BaseException:
                writer.close()
                raise
        # What was typed counts as taken once it has left this process, so nothing may stay here.
        writer.transport.set_write_buffer_limits(high=0)
        return cls(engine, exec_id, reader, writer)

    async def read(self) -> bytes:
        """Return what the terminal printed next, b"" once it has ended."""
        try:
            return await self._reader.read(_CHUNK_BYTES)
        except OSError:
            return b""

    def listen(self, take: Callable[[bytes], bool]) -> None:
        """Offer what is printed while `read` waits to `take`; `read` returns what it refuses."""
        self._reader.take = take

    def has_room(self) -> bool:
        """Tell whether everything typed before has left."""
        transport = self._writer.transport
        return not (self._closed or transport.is_closing() or transport.get_write_buffer_size())

    def write_now(self, data: bytes) -> None:
        """Type a little without waiting."""
        data, sent = self._wrapped(data), 0
        # The transport would write at the end of the loop's turn; so it has left by now.
        with suppress(OSError):
            sent = os.write(self._writer.get_extra_info("socket").fileno(), data)
        if sent < len(data):
            self._writer.write(data[sent:])

    async def write(self, data: bytes) -> None:
        """Type `data`; waits while the terminal does not take more.

        Raises:
            SandboxGone: The terminal has ended.
        """
        if self._closed or self._writer.is_closing():
            raise SandboxGone
        try:
            self._writer.write(self._wrapped(data))
            await self._writer.drain()
        except OSError as error:
            raise SandboxGone from error

    def _wrapped(self, data: bytes) -> bytes:
        return data

    async def resize(self, size: Size) -> None:
        """Tell programs the terminal's new size; too late is no error."""
        path = f"/exec/{self._exec_id}/resize?h={size.rows}&w={size.columns}"
        for _ in range(_RESIZE_ATTEMPTS):
            # Right after the start the engine may not have made the terminal yet.
            with suppress(SandboxGone, EngineDown):
                if await self._engine.accepts("POST", path):
                    return
            await asyncio.sleep(_RESIZE_PAUSE_SECONDS)

    async def close(self) -> None:
        """Leave the terminal, and end our end of it in the container; the shell there stays."""
        if self._closed:
            return
        self._closed = True
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()
        with suppress(SandboxGone, EngineDown, EngineError):
            await self._hang_up()

    async def _hang_up(self) -> None:
        # Closing the socket leaves the program running for ever, and the engine has no way to
        # end it: the program that attached us to the terminal gets the hang-up a line would send.
        found = await self._engine.once("GET", f"/exec/{self._exec_id}/json")
        if found.get("Running"):
            pid, container = int(found.get("Pid") or 0), str(found["ContainerID"])
            host_processes.kill(pid, container, hang_up=True)


class AsyncEngine:
    """Asks an engine on the event loop."""

    def __init__(self, socket_path: str, version: str) -> None:
        self._socket_path = socket_path
        self._prefix = f"/v{version}"

    async def connect(self) -> tuple[EagerReader, asyncio.StreamWriter]:
        """Open a connection.

        Raises:
            EngineDown: Nobody listens.
        """
        try:
            loop = asyncio.get_running_loop()
            reader = EagerReader(limit=_CHUNK_BYTES, loop=loop)
            transport, protocol = await loop.create_unix_connection(
                lambda: asyncio.StreamReaderProtocol(reader, loop=loop), self._socket_path
            )
        except OSError as error:
            raise EngineDown(type(error).__name__) from error
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    async def once(self, method: str, path: str) -> dict[str, Any]:
        """Ask on a connection of its own.

        Raises:
            SandboxGone: What was asked about has gone.
            EngineDown: The engine does not answer.
        """
        async with in_time():
            reader, writer = await self.connect()
            try:
                return await self.ask(reader, writer, method, path)
            finally:
                writer.close()

    async def accepts(self, method: str, path: str) -> bool:
        """Tell whether the engine does what it is asked, whatever it refuses it for."""
        try:
            await self.once(method, path)
        except EngineError:
            return False
        return True

    async def ask(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Ask on an open connection and return the JSON answered, empty if there is none.

        Raises:
            SandboxGone: What was asked about has gone.
            EngineDown: The engine hung up.
        """
        writer.write(request_bytes(method, self._prefix + path, body))
        answer = await _head(reader)
        content = await _content(reader, answer)
        refuse(answer.status, content)
        return dict(json.loads(content)) if content.strip() else {}

    async def upgrade(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        path: str,
        *,
        tty: bool,
    ) -> None:
        """Start an exec on this connection, which then carries the terminal's bytes.

        Raises:
            SandboxGone: What should be started has gone.
            EngineDown: The engine hung up.
        """
        body = {"Detach": False, "Tty": tty}
        writer.write(request_bytes("POST", self._prefix + path, body, upgrade=True))
        answer = await _head(reader)
        if answer.status >= 400:
            refuse(answer.status, await _content(reader, answer))


@asynccontextmanager
async def in_time() -> AsyncIterator[None]:
    """Wait for the engine no longer than a person would.

    Raises:
        EngineDown: It took longer.
    """
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            yield
    except TimeoutError as error:
        raise EngineDown("it does not answer in time") from error


async def _head(reader: asyncio.StreamReader) -> Answer:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as error:
        raise EngineDown("it hung up") from error
    return parse_head(head.removesuffix(b"\r\n\r\n"))


async def _content(reader: asyncio.StreamReader, answer: Answer) -> bytes:
    try:
        if answer.headers.get("transfer-encoding") == "chunked":
            return await _chunks(reader)
        return await reader.readexactly(int(answer.headers.get("content-length", 0)))
    except (asyncio.IncompleteReadError, OSError, ValueError) as error:
        raise EngineDown("it hung up") from error


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    collected = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        collected += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return collected
