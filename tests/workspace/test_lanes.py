"""How the web role shares its threads: launches, streams and slow clients hold up nobody."""

import asyncio
import threading
from inspect import iscoroutinefunction

import pytest
from django.http import HttpResponse
from django.urls import resolve

from range import asgi
from tests.console.support import until

pytestmark = pytest.mark.django_db(transaction=True)


def scope(path, method="GET"):
    return {
        "type": "http",
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 4000),
        "server": ("localhost", 80),
    }


class Client:
    """One request whose body arrives, and whose answer is taken, when the test says so."""

    def __init__(self, path, method="GET", *, lanes, taken=True):
        self.answered = asyncio.Event()
        self.whole, self.taken = asyncio.Event(), asyncio.Event()
        self.status = 0
        if method == "GET":
            self.whole.set()
        if taken:
            self.taken.set()
        self.task = asyncio.create_task(lanes(scope(path, method), self.receive, self.send))
        self.sent = self.hung_up = False

    async def receive(self):
        if self.sent:
            await asyncio.Event().wait()
        await self.whole.wait()
        if self.hung_up:
            return {"type": "http.disconnect"}
        self.sent = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.status = message["status"]
        self.answered.set()
        await self.taken.wait()


@pytest.fixture
def drawn(monkeypatch):
    """Pages that are drawn when the test says so; yields what is being drawn, and the word."""
    begun, go = [], threading.Event()

    def get_response(self, request):
        begun.append((request.path, threading.current_thread().name))
        assert go.wait(10)
        return HttpResponse("drawn")

    monkeypatch.setattr(asgi.Pages, "get_response", get_response)
    yield begun, go
    go.set()


LAUNCH = "/scenarios/sudo-says/launch/"


async def test_a_class_that_launches_at_once_leaves_the_threads_of_pages_free(drawn):
    begun, go = drawn
    lanes = asgi.Lanes()
    launches = [Client(LAUNCH, "POST", lanes=lanes) for _ in range(20)]
    for each in launches:
        each.whole.set()
    await until(lambda: begun)
    page = Client("/catalogue/", lanes=lanes)
    await until(lambda: ("/catalogue/") in [path for path, _ in begun])
    assert [path for path, _ in begun].count(LAUNCH) == 1
    go.set()
    await asyncio.gather(page.task, *(each.task for each in launches))
    assert {each.status for each in (page, *launches)} == {200}


async def test_requests_that_never_arrive_whole_take_no_thread(drawn):
    begun, go = drawn
    go.set()
    lanes = asgi.Lanes()
    slow = [Client("/sign-in/", "POST", lanes=lanes) for _ in range(50)]
    page = Client("/catalogue/", lanes=lanes)
    await asyncio.wait_for(page.task, 5)
    assert [path for path, _ in begun] == ["/catalogue/"]
    for each in slow:
        each.hung_up = True
        each.whole.set()
    await asyncio.gather(*(each.task for each in slow))


async def test_answers_that_nobody_takes_hold_no_thread(drawn):
    _, go = drawn
    go.set()
    lanes = asgi.Lanes()
    stalled = [Client("/catalogue/", lanes=lanes, taken=False) for _ in range(50)]
    await asyncio.wait_for(asyncio.gather(*(each.answered.wait() for each in stalled)), 10)
    page = Client("/catalogue/", lanes=lanes)
    await asyncio.wait_for(page.task, 5)
    assert page.status == 200
    for each in stalled:
        each.taken.set()
    await asyncio.gather(*(each.task for each in stalled))


def test_launches_and_streams_are_what_the_lanes_take_them_for():
    assert resolve(LAUNCH).url_name == "launch"
    stream = "/attempts/00000000-0000-0000-0000-000000000000/stream/"
    assert iscoroutinefunction(resolve(stream).func)


async def test_an_address_that_leads_nowhere_is_answered():
    client = Client("/no/such/page/", lanes=asgi.Lanes())
    await asyncio.wait_for(client.task, 10)
    assert client.status in {302, 404}
