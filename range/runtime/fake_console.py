"""Terminals of the in-memory driver: they echo, remember and can be attached to again."""

import asyncio
from collections.abc import Callable

from range.runtime.driver import SandboxGone, Size


class FakeTerminal:
    """A shell that outlives the consoles attached to it."""

    def __init__(self, prompt: bytes) -> None:
        self.prompt = prompt
        self.typed = b""
        self.sizes: list[Size] = []
        self.console: FakeConsole | None = None

    def attach(self, size: Size) -> "FakeConsole":
        """Return a console on this terminal; an older one ends."""
        if self.console:
            self.console.end()
        self.sizes.append(size)
        self.console = FakeConsole(self)
        return self.console

    def end(self) -> None:
        """End the shell, and the console with it."""
        if self.console:
            self.console.end()


class FakeConsole:
    """One attachment to a fake terminal."""

    def __init__(self, terminal: FakeTerminal) -> None:
        self.terminal = terminal
        self.closed = False
        self._output: asyncio.Queue[bytes] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._take: Callable[[bytes], bool] | None = None
        self._waits = False
        self.print(b"\x1b[H\x1b[J" + terminal.prompt)

    def print(self, data: bytes) -> None:
        """Let the terminal show `data`."""
        if self._waits and self._output.empty() and self._take and self._take(data):
            return
        self._output.put_nowait(data)

    def end(self) -> None:
        """End the stream from the machine's side, from any thread."""
        self.closed = True
        self._loop.call_soon_threadsafe(self._output.put_nowait, b"")

    async def read(self) -> bytes:
        """Return what was printed next."""
        if self.closed and self._output.empty():
            return b""
        self._waits = True
        try:
            return await self._output.get()
        finally:
            self._waits = False

    def listen(self, take: Callable[[bytes], bool]) -> None:
        """Offer what is printed to `take` first."""
        self._take = take

    async def write(self, data: bytes) -> None:
        """Echo what is typed; a return prints a fresh prompt."""
        if self.closed:
            raise SandboxGone
        self.write_now(data)

    def has_room(self) -> bool:
        """Tell whether the terminal lives."""
        return not self.closed

    def write_now(self, data: bytes) -> None:
        """Echo what is typed."""
        self.terminal.typed += data
        self.print(data.replace(b"\r", b"\r\n" + self.terminal.prompt))

    async def resize(self, size: Size) -> None:
        """Note the size."""
        self.terminal.sizes.append(size)

    async def close(self) -> None:
        """Leave; the terminal stays."""
        if self.terminal.console is self:
            self.terminal.console = None
        self.closed = True
        self._output.put_nowait(b"")
