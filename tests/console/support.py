"""What tests of consoles share: streams, tapes and pages that a test drives by hand."""

import asyncio

from range.runtime.driver import Size


class ScriptedStream:
    """A terminal whose output the test gives; what is typed into it is kept."""

    def __init__(self, *, echo: bool = False) -> None:
        self.typed = b""
        self.sizes: list[Size] = []
        self.closed = False
        self.reads = 0
        self.echo = echo
        self._output: asyncio.Queue[bytes] = asyncio.Queue()

    def show(self, *chunks: bytes) -> None:
        for chunk in chunks:
            self._output.put_nowait(chunk)

    @property
    def unread(self) -> int:
        return self._output.qsize()

    async def read(self) -> bytes:
        data = await self._output.get()
        self.reads += 1
        return data

    def listen(self, take) -> None:
        """Nothing is taken but by reading, so that a test can count what was read."""

    def has_room(self) -> bool:
        return not self.closed

    def write_now(self, data: bytes) -> None:
        self.typed += data
        if self.echo:
            self.show(data)

    async def write(self, data: bytes) -> None:
        self.write_now(data)

    async def resize(self, size: Size) -> None:
        self.sizes.append(size)

    async def close(self) -> None:
        self.closed = True
        self.show(b"")


class PlainTape:
    """Keeps what was shown; full when the test says so."""

    def __init__(self) -> None:
        self.shown = b""
        self.enters = 0
        self.sizes: list[Size] = []
        self.typists: list[str] = []
        self.marks: list[str] = []
        self.closed = False
        self.full = False

    def output(self, data: bytes) -> None:
        self.shown += data

    def entered(self, lines: int) -> None:
        self.enters += lines

    def typed_by(self, name: str) -> None:
        self.typists.append(name)

    def mark(self, text: str) -> None:
        self.marks.append(text)

    def resize(self, size: Size) -> None:
        self.sizes.append(size)

    async def room(self) -> None:
        while self.full:  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    async def close(self) -> None:
        self.closed = True


class Page:
    """The far end of a watcher: takes frames at once, or only while `open`."""

    def __init__(self) -> None:
        self.frames: list[bytes | str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.left = False

    async def take(self, frame: bytes | str) -> None:
        await self.open.wait()
        if self.left:
            raise ConnectionResetError
        self.frames.append(frame)

    @property
    def shown(self) -> bytes:
        return b"".join(frame for frame in self.frames if isinstance(frame, bytes))

    @property
    def said(self) -> list[str]:
        return [frame for frame in self.frames if isinstance(frame, str)]


async def until(condition, *, seconds: float = 30.0) -> None:
    """Wait for something that is about to happen."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)
