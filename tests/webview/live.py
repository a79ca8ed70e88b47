"""A view role served over a real port, with a machine whose web server a test writes itself."""

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async

from range.catalog.models import Scenario, ScenarioVersion
from range.exercises.models import Attempt, Exercise
from range.runtime.fake import FakeDriver
from range.sandboxes.models import Sandbox
from range.webview.server import Server
from range.webview.services import open_view
from tests.console import live
from tests.console.live import BOX, person, sandbox_of, school, sign_in
from tests.support import fixtures

SPEC = json.loads(json.dumps(fixtures.SPEC).replace('"box', '"web'))
SPEC["machines"] = {
    "web": {**BOX, "view": {"port": 8080, "title": "The door", "path": "/start?a=1"}},
    "db": BOX,
    "hidden": {"networks": ["lan"], "hidden": True, "resources": {"memory_mb": 64}},
}

LENGTH = b"content-length:"


@dataclass
class Opened:
    """A trainee with a running sandbox, and a sign-in."""

    attempt: Attempt
    sandbox: Sandbox
    session_key: str

    @property
    def trainee(self):
        return self.attempt.trainee

    def url(self, machine="web"):
        return open_view(self.trainee, self.attempt, machine, session_key=self.session_key)


def opened(trainee=None):
    trainee = trainee or person()
    name = live.uuid.uuid4().hex
    scenario = Scenario.objects.create(slug=f"v-{name[:8]}", title="A scenario")
    version = ScenarioVersion.objects.create(
        scenario=scenario, version="1", digest=name * 2, spec=SPEC
    )
    exercise = Exercise.objects.create(version=version, organisation=school())
    attempt = Attempt.objects.create(exercise=exercise, trainee=trainee)
    return Opened(attempt, sandbox_of(attempt), sign_in(trainee))


an_opened = sync_to_async(opened)


@dataclass
class Answer:
    """What came back, to the end of the connection."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name):
        return [value for each, value in self.headers if each == name]

    def __getitem__(self, name):
        found = self.all(name)
        assert len(found) == 1, (name, found)
        return found[0]


def parsed(data):
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(": ") for line in lines]
    headers = [(name.lower(), value) for name, _, value in pairs]
    if ("transfer-encoding", "chunked") in headers:
        body = unchunked(body)
    return Answer(int(first.split()[1]), headers, body)


def unchunked(data):
    whole = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        if int(size, 16) == 0:
            return whole
        whole, data = whole + data[: int(size, 16)], data[int(size, 16) + 2 :]
    raise AssertionError("the answer was cut off")


@dataclass
class Browser:
    """Somebody at a view: its host name, and the ticket once it was entered."""

    server: Server
    host: str
    cookie: str = ""
    sockets: list = field(default_factory=list)

    async def raw(self, data, *, seconds=30):
        """Send bytes and return everything that comes back."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write(data)
        try:
            async with asyncio.timeout(seconds):
                return await reader.read()
        finally:
            writer.close()

    def request(self, target="/", *, method="GET", headers=(), body=b"", host=None):
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host or self.host}", "Connection: close"]
        if self.cookie:
            lines.append(f"Cookie: {self.cookie}")
        lines += [f"{name}: {value}" for name, value in headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    async def ask(self, target="/", *, seconds=30, **options):
        return parsed(await self.raw(self.request(target, **options), seconds=seconds))

    async def enter(self, url, *, headers=()):
        """Hand the code in, and keep the ticket as a browser would."""
        parts = urlsplit(url)
        answer = await self.ask(f"{parts.path}?{parts.query}", headers=headers)
        if answer.all("set-cookie"):
            self.cookie = answer["set-cookie"].partition(";")[0]
        return answer


class Machine:
    """What answers in the machine's place: bytes as the test says; asked requests are kept."""

    def __init__(self):
        self.asked = []
        self.reached = []
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
        self.handler = self.answer_once

    async def answer_once(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [line[15:] for line in head.lower().split(b"\r\n") if line[:15] == LENGTH]
        self.asked.append(head + await reader.readexactly(int(lengths[0]) if lengths else 0))
        writer.write(self.answer)
        await writer.drain()

    async def serve(self, reader, writer):
        try:
            await self.handler(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def listening(self, monkeypatch):
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]

        def connect(driver, handle, network, host, wanted, *, timeout):
            self.reached.append((handle.sandbox_id, network, host, wanted))
            return socket.create_connection(("127.0.0.1", port))

        monkeypatch.setattr(FakeDriver, "connect", connect)
        try:
            yield self
        finally:
            server.close()


@asynccontextmanager
async def serving():
    """The view role, as it is served in earnest."""
    server = Server()
    await server.start("127.0.0.1", 0)
    try:
        yield server
    finally:
        await server.stop()


async def seated(server, made, *, headers=()):
    """Return somebody who has entered the view of a trainee's sandbox."""
    url = await sync_to_async(made.url)()
    browser = Browser(server, urlsplit(url).netloc)
    answer = await browser.enter(url, headers=headers)
    assert answer.status == 303, answer.body
    return browser
