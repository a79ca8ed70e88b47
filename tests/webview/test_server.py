"""The view role carries requests and answers: whole, streamed, both ways, in bounds."""

import asyncio
import hashlib

import pytest
import websockets
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session

from range.sandboxes.models import Sandbox
from range.webview import exchange as exchange_module
from range.webview import gate as gate_module
from range.webview.addresses import WHERE
from tests.console.support import until
from tests.webview.live import seated

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = [("Sec-Fetch-Dest", "iframe"), ("Sec-Fetch-Mode", "navigate")]


async def test_a_request_and_its_answer_are_carried(visitor, behind, a_view):
    behind.answer = (
        b"HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\nX-Own: 1\r\n"
        b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 4\r\n\r\nmade"
    )
    answer = await visitor.ask("/a?b=%2F", method="POST", body=b"hello", headers=[("X-Mine", "2")])
    assert (answer.status, answer.body, answer["x-own"]) == (201, b"made", "1")
    assert answer.all("set-cookie") == ["a=1", "b=2"]
    head, _, body = behind.asked[0].partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    assert (first, body) == ("POST /a?b=%2F HTTP/1.1", b"hello")
    assert "host: web:8080" in [line.lower() for line in lines]
    assert "x-mine: 2" in [line.lower() for line in lines]
    assert behind.reached == [(a_view.sandbox.pk, "lan", "web", 8080)]


async def test_every_answer_says_who_may_frame_it(visitor):
    for target in ("/", WHERE, "/.muster/view.css"):
        answer = await visitor.ask(target)
        policies = " ".join(answer.all("content-security-policy"))
        assert "frame-ancestors http://localhost:8000 http://127.0.0.1:8000" in policies
        assert answer["referrer-policy"] == "same-origin"
        assert answer["cross-origin-resource-policy"] == "same-origin"


async def test_an_answer_without_a_length_ends_with_its_connection(visitor, behind):
    behind.answer = b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 100_000
    assert (await visitor.ask()).body == b"x" * 100_000


async def test_a_head_request_has_no_body(visitor, behind):
    behind.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
    answer = await visitor.ask(method="HEAD")
    assert (answer["content-length"], answer.body) == ("500", b"")


async def test_two_requests_use_one_connection(visitor, behind, view_server):
    one = visitor.request("/1").replace(b"Connection: close\r\n", b"")
    data = await visitor.raw(one + visitor.request("/2"))
    assert data.count(b"HTTP/1.1 200") == 2
    assert [asked.split()[1] for asked in behind.asked] == [b"/1", b"/2"]


async def test_bytes_flow_as_they_come(visitor, behind):
    going_on = asyncio.Event()

    async def slowly(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await going_on.wait()
        writer.write(b"4\r\nlast\r\n0\r\n\r\n")

    behind.handler = slowly
    reader, writer = await asyncio.open_connection("127.0.0.1", visitor.server.port)
    writer.write(visitor.request())
    async with asyncio.timeout(30):
        assert (await reader.readuntil(b"first")).startswith(b"HTTP/1.1 200")
    going_on.set()
    async with asyncio.timeout(30):
        assert b"last" in await reader.read()
    writer.close()


async def test_a_large_body_is_carried_up_whole(visitor, behind):
    body = hashlib.sha256(b"x").digest() * 200_000
    got = hashlib.sha256()

    async def take(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        left = len(body)
        while left:
            data = await reader.read(65_536)
            got.update(data)
            left -= len(data)
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    behind.handler = take
    answer = await visitor.ask("/up", method="PUT", body=body, seconds=30)
    assert answer.status == 204
    assert got.digest() == hashlib.sha256(body).digest()


async def test_an_answer_that_comes_before_the_body_was_read_is_given(visitor, behind):
    async def refuse(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 401 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        await writer.drain()

    behind.handler = refuse
    head = visitor.request("/up", method="POST", headers=[("Content-Length", "5000000")])
    answer = await visitor.raw(head + b"x" * 1000)
    assert answer.startswith(b"HTTP/1.1 401")


async def test_a_body_that_is_too_large_is_refused_before_the_machine_is_asked(visitor, behind):
    size = str(exchange_module.BODY_LIMIT_BYTES + 1)
    data = await visitor.raw(visitor.request(method="POST", headers=[("Content-Length", size)]))
    assert data.startswith(b"HTTP/1.1 413")
    assert behind.reached == []


async def test_a_chunked_body_that_grows_too_large_is_cut(visitor, behind, monkeypatch):
    monkeypatch.setattr(exchange_module, "BODY_LIMIT_BYTES", 100_000)

    async def take(reader, writer):
        while await reader.read(65_536):
            pass

    behind.handler = take
    head = visitor.request(method="POST", headers=[("Transfer-Encoding", "chunked")])
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    data = await visitor.raw(head + chunk * 10)
    assert data.startswith(b"HTTP/1.1 413")


async def test_whoever_waits_for_permission_to_send_gets_it(visitor, behind):
    reader, writer = await asyncio.open_connection("127.0.0.1", visitor.server.port)
    writer.write(
        visitor.request(
            method="POST", headers=[("Expect", "100-continue"), ("Content-Length", "3")]
        )
    )
    async with asyncio.timeout(30):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        writer.write(b"abc")
        assert b"HTTP/1.1 200" in await reader.readuntil(b"\r\n\r\n")
    writer.close()
    assert b"expect" not in behind.asked[0].lower()
    assert behind.asked[0].endswith(b"abc")


async def test_a_websocket_passes_through(visitor, behind):
    async def echo(socket):
        async for message in socket:
            await socket.send(message * 2)

    async with websockets.serve(echo, "127.0.0.1", 0, compression=None) as inner:
        port = inner.sockets[0].getsockname()[1]

        async def to_inner(reader, writer):
            there, back = await asyncio.open_connection("127.0.0.1", port)

            async def pump(source, target):
                while data := await source.read(65_536):
                    target.write(data)
                    await target.drain()
                target.close()

            await asyncio.gather(pump(reader, back), pump(there, writer))

        behind.handler = to_inner
        async with websockets.connect(
            f"ws://{visitor.host}/socket",
            host="127.0.0.1",
            port=visitor.server.port,
            origin=f"http://{visitor.host}",
            additional_headers={"Cookie": visitor.cookie},
            proxy=None,
        ) as socket:
            await socket.send("twice")
            assert await socket.recv() == "twicetwice"
            await socket.send(b"\x00" * 200_000)
            assert len(await socket.recv()) == 400_000


async def test_where_nothing_listens_the_page_says_so_and_tries_again(visitor, monkeypatch):
    from range.runtime.fake import FakeDriver

    def refuse(*_args, **_options):
        raise ConnectionRefusedError

    monkeypatch.setattr(FakeDriver, "connect", refuse)
    answer = await visitor.ask()
    assert (answer.status, answer["refresh"]) == (502, "3")
    assert b"Nothing answers on port 8080 of web yet." in answer.body


async def test_a_machine_that_is_being_replaced_is_told_of(visitor, a_view):
    await sync_to_async(made_driver(a_view).exit_machine)(handle_of(a_view), "web")
    from range.runtime.driver import SandboxGone
    from range.runtime.fake import FakeDriver

    def gone(*_args, **_options):
        raise SandboxGone

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(FakeDriver, "connect", gone)
        answer = await visitor.ask()
    assert (answer.status, answer["refresh"]) == (503, "3")
    assert b"The machine web does not run at this moment." in answer.body


def made_driver(a_view):
    from range.runtime.registry import get_driver

    return get_driver(a_view.sandbox.driver)


def handle_of(a_view):
    from range.runtime.driver import Handle

    return Handle.from_json(a_view.sandbox.handle)


async def test_nonsense_and_silence_of_a_machine_are_told(visitor, behind, monkeypatch):
    behind.answer = b"SSH-2.0-OpenSSH\r\n\r\n"
    answer = await visitor.ask()
    assert answer.status == 502
    assert b"no HTTP" in answer.body
    monkeypatch.setattr(exchange_module, "ANSWER_SECONDS", 0.2)

    async def silent(reader, writer):
        await reader.read()

    behind.handler = silent
    answer = await visitor.ask()
    assert answer.status == 504


async def test_the_workspace_is_told_what_the_frame_shows(visitor, behind):
    page = [("Origin", "http://localhost:8000")]
    reader, writer = await asyncio.open_connection("127.0.0.1", visitor.server.port)
    writer.write(visitor.request(WHERE, headers=page))
    async with asyncio.timeout(30):
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"access-control-allow-origin: http://localhost:8000" in head.lower()
        assert b"access-control-allow-credentials: true" in head.lower()
        assert b'{"path":""}' in await reader.readuntil(b"\n\n")
        # Pictures and scripts of the page are no pages, and a redirect is followed by one.
        await visitor.ask("/picture.png", headers=[("Sec-Fetch-Dest", "image")])
        behind.answer = b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"
        await visitor.ask("/old", headers=PAGE)
        behind.answer = b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
        await visitor.ask("/list?a=1", headers=PAGE)
        await reader.readuntil(b"\r\n")
        assert b'{"path":"/list?a=1"}' in await reader.readuntil(b"\n\n")
    writer.close()


async def forever(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
    while True:
        writer.write(b"data: x\n\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def ends_within(visitor, seconds, act):
    reader, writer = await asyncio.open_connection("127.0.0.1", visitor.server.port)
    writer.write(visitor.request())
    async with asyncio.timeout(30):
        await reader.readuntil(b"data: x")
    await act()
    try:
        async with asyncio.timeout(seconds):
            while await reader.read(65_536):
                pass
    except ConnectionResetError:
        pass
    writer.close()


async def test_an_open_stream_ends_within_five_seconds_of_signing_out(visitor, behind):
    behind.handler = forever
    await ends_within(visitor, 5, lambda: sync_to_async(Session.objects.all().delete)())
    assert (await visitor.ask()).status == 403


async def test_an_open_stream_ends_within_five_seconds_of_the_machines(visitor, behind, a_view):
    behind.handler = forever

    async def stop():
        await Sandbox.objects.filter(pk=a_view.sandbox.pk).aupdate(wanted=Sandbox.Wanted.STOPPED)

    await ends_within(visitor, 5, stop)
    answer = await visitor.ask()
    assert answer.status == 410
    assert answer["clear-site-data"] == '"storage"'


async def test_the_right_is_not_asked_for_at_every_request(visitor, behind, monkeypatch):
    asked = []
    real = gate_module.admit

    def counting(*arguments):
        asked.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(gate_module, "admit", counting)
    for _ in range(5):
        assert (await visitor.ask()).status == 200
    assert len(asked) <= 2


async def test_a_paused_sandbox_is_woken_by_a_look(visitor, behind, a_view, monkeypatch):
    from django.utils import timezone

    from range.webview import admission

    monkeypatch.setattr(admission, "AWAKE_WITHIN", admission.timedelta(seconds=0.2))
    monkeypatch.setattr(gate_module, "FRESH_SECONDS", 0.0)
    paused_at = timezone.now()
    await Sandbox.objects.filter(pk=a_view.sandbox.pk).aupdate(paused_at=paused_at, seen_at=None)
    answer = await visitor.ask()
    assert (answer.status, answer["refresh"]) == (503, "3")
    assert behind.reached == []
    row = await Sandbox.objects.aget(pk=a_view.sandbox.pk)
    assert row.seen_at > paused_at
    await Sandbox.objects.filter(pk=a_view.sandbox.pk).aupdate(paused_at=None)
    assert (await visitor.ask()).status == 200


async def test_requests_beyond_what_a_sandbox_may_be_asked_at_once_wait_and_are_told(
    view_server, behind, a_view, monkeypatch
):
    from range.webview import server as server_module

    monkeypatch.setattr(gate_module, "AT_ONCE", 2)
    monkeypatch.setattr(server_module, "WAIT_SECONDS", 0.3)
    holding = asyncio.Event()

    async def hold(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await holding.wait()
        writer.write(behind.answer)

    behind.handler = hold
    visitor = await seated(view_server, a_view)
    held = [asyncio.create_task(visitor.ask()) for _ in range(2)]
    await until(lambda: len(behind.reached) == 2)
    assert (await visitor.ask()).status == 503
    assert len(behind.reached) == 2
    holding.set()
    assert [each.status for each in await asyncio.gather(*held)] == [200, 200]
