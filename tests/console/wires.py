"""A terminal that remembers every byte, and sockets without a network: what the byte tests step."""

import asyncio
from collections import deque

from django.conf import settings as django_settings

from range.console import relay
from range.console.asgi import application
from range.console.reading import DIRECT
from range.runtime.driver import SandboxGone
from range.runtime.fake_console import FakeTerminal
from tests.console.fuzzing import Printed

PIPE_BYTES = 64 * 1024


class Tty(FakeTerminal):
    """A terminal that remembers every byte; what nobody read yet waits, as in a kernel."""

    def __init__(self):
        super().__init__(b"")
        self.typed = bytearray()
        self.printed = Printed()
        self.pipe = deque()
        self.waiting = 0
        self.news = asyncio.Event()
        self.hears = asyncio.Event()
        self.hears.set()
        self.most_read = 1 << 16

    def attach(self, size):
        again = self.console is not None or bool(self.sizes)
        if self.console:
            self.console.end()
        self.sizes.append(size)
        self.console = TtyConsole(self, relay.ATTACH_CLEARS if again else b"")
        return self.console

    def print(self, data):
        """Print, unless the pipe is full: then the program waits."""
        if data and self.waiting < PIPE_BYTES:
            self.printed.add(data)
            if self.console and self.console.takes(data):
                return
            self.pipe.append(data)
            self.waiting += len(data)
            self.news.set()


class TtyConsole:
    """One attachment to it."""

    def __init__(self, terminal, greeting):
        self.terminal, self.greeting, self.closed = terminal, greeting, False
        self.take, self.waits = None, False

    def listen(self, take):
        self.take = take

    def takes(self, data):
        """Tell whether somebody waits for output with nothing before it, and takes this at once."""
        return self.waits and not self.terminal.pipe and not self.closed and self.take(data)

    def end(self):
        self.closed = True
        self.terminal.news.set()

    async def read(self):
        tty = self.terminal
        if self.greeting:
            greeting, self.greeting = self.greeting, b""
            return greeting
        while not tty.pipe and not self.closed:
            tty.news.clear()
            self.waits = True
            await tty.news.wait()
            self.waits = False
        if self.closed:
            return b""
        data = tty.pipe.popleft()
        while tty.pipe and len(data) < tty.most_read:
            data += tty.pipe.popleft()
        tty.waiting -= len(data)
        return data

    def has_room(self):
        return not self.closed and self.terminal.hears.is_set()

    def write_now(self, data):
        self.terminal.typed += data

    async def write(self, data):
        if self.closed:
            raise SandboxGone
        self.write_now(data)
        while not self.terminal.hears.is_set():
            hearing = asyncio.ensure_future(self.terminal.hears.wait())
            await asyncio.wait([hearing], timeout=0.01)
            hearing.cancel()
            if self.closed:
                raise SandboxGone

    async def resize(self, size):
        self.terminal.sizes.append(size)

    async def close(self):
        self.end()


class Wire:
    """A socket between a page and the application, without a network; both ends can be cut."""

    def __init__(self, page, desk, machine, codes):
        self.page = page
        self.codes = codes
        self.inbox = asyncio.Queue()
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.cut_off = self.over = self.awaited = False
        self.take = None
        origin = f"http://127.0.0.1:{django_settings.RANGE_WEB_PORT}"
        cookie = f"{django_settings.SESSION_COOKIE_NAME}={desk.cookie}"
        scope = {
            "type": "websocket",
            "path": desk.path(machine),
            "query_string": f"cols=80&rows=24&page={page.name}".encode(),
            "headers": [
                (b"host", b"127.0.0.1"),
                (b"origin", origin.encode()),
                (b"cookie", cookie.encode()),
            ],
            "extensions": {DIRECT: {"socket": self}},
        }
        self.inbox.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(application(scope, self._receive, self._send))
        page.opened(self.put)

    def put(self, frame):
        kind = "bytes" if isinstance(frame, bytes) else "text"
        at_once = kind == "bytes" and self.awaited and self.inbox.empty() and self.take
        if at_once and self.take(frame):
            return
        self.inbox.put_nowait({"type": "websocket.receive", kind: frame})

    async def _receive(self):
        self.awaited = True
        try:
            return await self.inbox.get()
        finally:
            self.awaited = False

    def send_now(self, frame):
        """Hear a frame at once, as far as the line takes it."""
        if self.cut_off or self.over or not self.flowing.is_set():
            return False
        self.page.hear(frame)
        return True

    async def _send(self, message):
        if message["type"] == "websocket.send":
            await self.flowing.wait()
            if self.cut_off:
                raise ConnectionResetError
            self.page.hear(message.get("bytes", message.get("text")))
        elif message["type"] == "websocket.close" and not self.cut_off:
            self.codes.append(message["code"])
            self.cut(10**9)

    def cut(self, arriving):
        """End the page's side; only the first of what it sent still arrives, maybe much later."""
        self.cut_off = True
        self.page.lost()
        sent = [self.inbox.get_nowait() for _ in range(self.inbox.qsize())]
        for message in sent[:arriving]:
            self.inbox.put_nowait(message)
        # What the role sends into a dead line waits, until the role learns that it is dead.
        self.flowing.clear()

    def hang_up(self):
        """Let the role learn of the end."""
        self.over = True
        self.flowing.set()
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": 1006})
