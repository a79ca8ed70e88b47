"""A page on a real socket that behaves as line.js does: comes back by itself, types what is due."""

import asyncio
import contextlib
import random
import time

import websockets

from tests.console.fuzzing import TwinPage

FIRST_PAUSE_SECONDS = 0.25
LONGEST_SOON_SECONDS = 1.0
RETRYABLE = (None, 1000, 1006, 1012, 4409, 4500)


class LiveTwin(TwinPage):
    """Keeps a socket to one console until it is told to leave."""

    def __init__(self, name, server, desk, machine, console):
        super().__init__(name)
        self.server, self.desk, self.machine, self.console = server, desk, machine, console
        self.socket = None
        self.draws = True
        self.attempts = 0
        self.back_at = 0.0
        self.code = None
        self._task = asyncio.create_task(self._stay())

    async def _stay(self):
        pause = FIRST_PAUSE_SECONDS
        while True:
            self.attempts += 1
            with contextlib.suppress(OSError, websockets.WebSocketException):
                pause = await self._once(pause)
            self.lost()
            assert self.code in RETRYABLE, self.code
            await asyncio.sleep(pause * random.uniform(0.75, 1.25))
            pause = min(pause * 2, LONGEST_SOON_SECONDS)

    async def _once(self, pause):
        query = f"?cols=80&rows=24&page={self.name}"
        self.code = None
        async with self.server.sit(
            self.desk, self.machine, self.console, query, open_timeout=10
        ) as socket:
            self.socket = socket
            outbox = asyncio.Queue()
            sending = asyncio.create_task(_send_all(socket, outbox))
            self.opened(outbox.put_nowait)
            try:
                async for frame in socket:
                    was_ready = self.ready
                    self.hear(frame)
                    if self.draws:
                        self.draw()
                    if self.ready and not was_ready:
                        self.back_at, pause = time.monotonic(), FIRST_PAUSE_SECONDS
            finally:
                self.code = socket.close_code
                sending.cancel()
        return pause

    def cut(self):
        """Lose the network, without a word to anybody."""
        if self.socket is not None:
            self.socket.transport.abort()

    @property
    def seen(self):
        """What this page shows: the whole screen and what came after it."""
        view = self.views[-1] if self.views else None
        return b"" if view is None or view.screen is None else view.screen + bytes(view.live)

    async def until(self, condition, *, seconds=60.0):
        """Wait until the page shows something."""
        try:
            async with asyncio.timeout(seconds):
                while not condition(self.seen):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        except TimeoutError as error:
            raise AssertionError(f"{self.console} shows {self.seen[-300:]!r}") from error

    async def leave(self):
        """Close the page."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


async def _send_all(socket, outbox):
    with contextlib.suppress(websockets.ConnectionClosed):
        while True:
            await socket.send(await outbox.get())
