"""One side of an HTTP/1.1 conversation on streams: bounded in size and time, with back-pressure."""

import asyncio
from contextlib import suppress

import h11

HEAD_LIMIT_BYTES = 64 * 1024
CHUNK_BYTES = 64 * 1024
# How long the other side may take no bytes at all.
SEND_SECONDS = 30.0
SWALLOW_SECONDS = 2.0


class Wire:
    """Reads and writes events of one connection.

    Args:
        role: `h11.SERVER` where a browser asks, `h11.CLIENT` where a machine is asked.
    """

    def __init__(
        self,
        role: type[h11.CLIENT] | type[h11.SERVER],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.state = h11.Connection(role, max_incomplete_event_size=HEAD_LIMIT_BYTES)

    async def next(self, seconds: float) -> h11.Event | type[h11.PAUSED]:
        """Return what comes next, within the time as a whole.

        Raises:
            TimeoutError: It did not come.
            h11.RemoteProtocolError: It is no HTTP, or larger than is read.
            OSError: The connection was lost.
        """
        async with asyncio.timeout(seconds):
            while True:
                event = self.state.next_event()
                if event is h11.PAUSED or not isinstance(event, type):
                    return event
                self.state.receive_data(await self.reader.read(CHUNK_BYTES))

    async def send(self, event: h11.Event) -> None:
        """Write an event; waits while the other side takes no more.

        Raises:
            TimeoutError: It took nothing for too long.
            OSError: The connection was lost.
        """
        data = self.state.send(event)
        if data:
            await self.write(data)

    async def write(self, data: bytes) -> None:
        """Write bytes, under the same conditions."""
        self.writer.write(data)
        async with asyncio.timeout(SEND_SECONDS):
            await self.writer.drain()

    def close(self) -> None:
        """Hang up; what was not sent by now is lost."""
        with suppress(OSError, RuntimeError):
            self.writer.transport.abort()

    async def finish(self) -> None:
        """Hang up once everything was sent."""
        with suppress(OSError, TimeoutError):
            if self.state.their_state in (h11.SEND_BODY, h11.ERROR):
                # Hanging up on somebody who still sends would take the answer away unread.
                await self._swallow()
            self.writer.close()
            async with asyncio.timeout(SEND_SECONDS):
                await self.writer.wait_closed()
        self.close()

    async def _swallow(self) -> None:
        self.writer.write_eof()
        async with asyncio.timeout(SWALLOW_SECONDS):
            while await self.reader.read(CHUNK_BYTES):
                pass


async def carry(source: Wire, target: Wire, *, idle_seconds: float) -> None:
    """Pass bytes on in one direction until the source ends or is silent for too long."""
    data, _ = source.state.trailing_data
    while True:
        if data:
            await target.write(bytes(data))
        async with asyncio.timeout(idle_seconds):
            data = await source.reader.read(CHUNK_BYTES)
        if not data:
            return
