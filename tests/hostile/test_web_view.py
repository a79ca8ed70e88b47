"""Attacks on web views; each asserts that no machine was asked, or only the marked one."""

import asyncio
import resource
from urllib.parse import quote, urlsplit

import pytest
import websockets
from asgiref.sync import sync_to_async

from range.webview import exchange as exchange_module
from range.webview import places as places_module
from range.webview import server as server_module
from range.webview import wire as wire_module
from range.webview.addresses import ENTER, WHERE
from tests.console.live import person
from tests.console.support import until
from tests.webview.live import Browser, an_opened, parsed, seated

pytestmark = pytest.mark.django_db(transaction=True)

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: web:8080\r\n\r\n"


def not_asked(behind):
    assert behind.reached == []
    assert behind.asked == []


# --- who ------------------------------------------------------------------------------------


async def test_the_address_alone_opens_nothing(visitor, behind):
    stranger = Browser(visitor.server, visitor.host)
    for target in ("/", "/start?a=1", WHERE):
        answer = await stranger.ask(target)
        assert answer.status == 403
        assert b"Open it from the workspace." in answer.body
    not_asked(behind)


async def test_a_made_up_ticket_opens_nothing(visitor, behind):
    for ticket in ("", "x", "0" * 43, "' OR 1=1 --", "%00", "\xff\xfe", "a" * 30_000):
        visitor.cookie = f"muster-view={ticket}"
        assert (await visitor.ask()).status == 403, ticket
    not_asked(behind)


async def test_an_address_that_was_used_serves_nobody_again(view_server, behind, a_view):
    url = await sync_to_async(a_view.url)()
    host = urlsplit(url).netloc
    first, second = Browser(view_server, host), Browser(view_server, host)
    assert (await first.enter(url)).status == 303
    assert (await second.enter(url)).status == 403
    assert (await second.ask()).status == 403
    assert (await first.ask()).status == 200


async def test_of_many_who_hand_in_a_code_at_once_one_gets_in(view_server, a_view):
    url = await sync_to_async(a_view.url)()
    crowd = [Browser(view_server, urlsplit(url).netloc) for _ in range(8)]
    statuses = [answer.status for answer in await asyncio.gather(*(b.enter(url) for b in crowd))]
    assert sorted(statuses) == [303] + [403] * 7


async def test_the_ticket_of_one_view_opens_no_other(view_server, behind):
    mine, theirs = await an_opened(), await an_opened()
    at_mine, at_theirs = await seated(view_server, mine), await seated(view_server, theirs)
    at_mine.host, at_theirs.host = at_theirs.host, at_mine.host
    assert (await at_mine.ask()).status == 403
    assert (await at_theirs.ask()).status == 403
    not_asked(behind)


async def test_another_attempt_of_the_same_person_is_another_view(view_server, behind):
    trainee = await sync_to_async(person)()
    one, two = await an_opened(trainee), await an_opened(trainee)
    at_one, at_two = await seated(view_server, one), await seated(view_server, two)
    assert at_one.host != at_two.host
    at_one.host = at_two.host
    assert (await at_one.ask()).status == 403
    not_asked(behind)


async def test_tickets_of_neighbours_do_not_shut_the_right_one_out(visitor, behind):
    # A machine's script may set cookies for all views; the browser then sends several.
    visitor.cookie = f"muster-view=tossed; {visitor.cookie}; muster-view=tossed"
    assert (await visitor.ask()).status == 200
    assert b"muster-view" not in behind.asked[0]


# --- where to -------------------------------------------------------------------------------


HOSTS = [
    "127.0.0.1:{port}",
    "localhost:8000",
    "localhost:8003",
    "view.localhost:8003",
    "{label}.view.localhost",
    "{label}.view.localhost:8000",
    "{label}.view.localhost:8003.evil.example",
    "{label}.evil.example:8003",
    "evil.{label}.view.localhost:8003",
    "{label}.view.localhost.:8003",
    "web:8080",
    "a@{label}.view.localhost:8003",
    "{label}.view.localhost:8003/",
    "",
]


async def test_only_the_exact_host_is_served(visitor, behind):
    label = visitor.host.partition(".")[0]
    for pattern in HOSTS:
        host = pattern.format(label=label, port=visitor.server.port)
        head = visitor.request().replace(visitor.host.encode(), host.encode())
        answer = parsed(await visitor.raw(head))
        assert answer.status in (400, 404), host
    not_asked(behind)


async def test_two_hosts_or_none_are_refused(visitor, behind):
    one = f"Host: {visitor.host}\r\n".encode()
    for instead in (one + one, one + b"Host: web:8080\r\n", b""):
        data = await visitor.raw(visitor.request().replace(one, instead))
        assert parsed(data).status in (400, 404)
    data = await visitor.raw(f"GET / HTTP/1.0\r\nCookie: {visitor.cookie}\r\n\r\n".encode())
    assert parsed(data).status in (400, 404)
    not_asked(behind)


async def test_no_part_of_a_request_chooses_the_machine_or_the_port(visitor, behind, a_view):
    tricks = [
        ("/", [("X-Forwarded-Host", "db:22"), ("X-Forwarded-Port", "22")]),
        ("//db:22/", []),
        ("/http://db:22/", []),
        ("/..;/@db:22", []),
        ("/?url=http://127.0.0.1:22/", [("X-Original-URL", "http://db:22/")]),
    ]
    for target, headers in tricks:
        assert (await visitor.ask(target, headers=headers)).status == 200
    assert set(behind.reached) == {(a_view.sandbox.pk, "lan", "web", 8080)}
    assert b"x-forwarded-host" not in behind.asked[0].lower()


async def test_targets_that_name_another_place_are_refused(visitor, behind):
    host = visitor.host
    for method, target in (
        ("GET", "http://db:22/"),
        ("GET", f"http://{host}/"),
        ("GET", "*"),
        ("OPTIONS", "*"),
        ("CONNECT", "db:22"),
        ("CONNECT", "/"),
        ("TRACE", "/"),
        ("PRI", "/"),
        ("GET", "db:22"),
        ("GET", "?x"),
    ):
        assert (await visitor.ask(target, method=method)).status == 400, (method, target)
    not_asked(behind)


async def test_a_way_in_leads_to_no_other_host(view_server, a_view):
    for path, status in (
        ("//evil.example/", 303),
        ("/\\evil.example", 303),
        ("https://evil.example/", 403),
        ("evil", 403),
        ("", 303),
    ):
        url = urlsplit(await sync_to_async(a_view.url)())
        visitor = Browser(view_server, url.netloc)
        code = url.query.partition("&")[0]
        answer = await visitor.ask(f"{ENTER}?{code}&to={quote(path, safe='')}")
        assert answer.status == status, path
        if status == 303:
            assert answer["location"].startswith(f"http://{url.netloc}/"), path
    split = f"{ENTER}?{code}&to=" + quote("/a\r\nSet-Cookie: x=1")
    assert b"Set-Cookie: x=1" not in await visitor.raw(visitor.request(split))


async def test_a_code_is_taken_by_get_only(view_server, a_view):
    url = await sync_to_async(a_view.url)()
    parts = urlsplit(url)
    visitor = Browser(view_server, parts.netloc)
    for method in ("POST", "HEAD", "PUT", "OPTIONS"):
        answer = await visitor.ask(f"{parts.path}?{parts.query}", method=method)
        assert answer.status == 403, method
    assert (await visitor.enter(url)).status == 303


# --- how ------------------------------------------------------------------------------------


async def test_requests_cannot_be_smuggled_to_the_machine(visitor, behind):
    chunked, length = b"Transfer-Encoding: chunked\r\n", b"Content-Length: 6\r\n"
    for extra, body in (
        (chunked + length, b"0\r\n\r\n" + SMUGGLED),
        (length + chunked, b"0\r\n\r\n" + SMUGGLED),
        (b"Content-Length: 0\r\n" + length, SMUGGLED),
        (b"Content-Length: +6\r\n", SMUGGLED),
        (b"Content-Length: 0x6\r\n", SMUGGLED),
        (b"Content-Length: -1\r\n", SMUGGLED),
        (b"Content-Length : 6\r\n", SMUGGLED),
        (b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n" + SMUGGLED),
        (b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n" + SMUGGLED),
        (b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n" + SMUGGLED),
        (chunked + chunked, b"0\r\n\r\n" + SMUGGLED),
        (b"X: y\r\rTransfer-Encoding: chunked\r\n", SMUGGLED),
        (b"X: \x00\r\n", SMUGGLED),
    ):
        head = visitor.request("/first", method="POST")[:-2] + extra + b"\r\n"
        data = await visitor.raw(head + body)
        assert data.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501")), (extra, data[:80])
    not_asked(behind)


async def test_broken_chunks_never_become_another_request(visitor, behind):
    for chunk in (b"FFFFFFFFFFFFFFFFFFFFFF\r\n", b"-1\r\n", b"0x1\r\n", b"1;\r\r\n", b"g\r\n"):
        head = visitor.request(method="POST", headers=[("Transfer-Encoding", "chunked")])
        data = await visitor.raw(head + chunk + SMUGGLED)
        assert data.count(b"HTTP/1.1 200") <= 1
        assert all(b"/smuggled HTTP" not in asked.partition(b"\r\n")[0] for asked in behind.asked)


async def test_an_answer_cannot_be_split_for_the_next_request(visitor, behind):
    behind.answer = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
        b"HTTP/1.1 200 OK\r\nSet-Cookie: muster-view=evil\r\nContent-Length: 4\r\n\r\nevil"
    )
    one = visitor.request("/1").replace(b"Connection: close\r\n", b"")
    data = await visitor.raw(one + visitor.request("/2"))
    assert data.count(b"HTTP/1.1") == 2
    assert b"evil" not in data


async def test_huge_heads_are_refused_without_being_kept(visitor, behind):
    big = "x" * (4 * wire_module.HEAD_LIMIT_BYTES)
    for headers in ([("X-Big", big)], [(f"X-{n}", "y" * 100) for n in range(3000)]):
        data = await visitor.raw(visitor.request(headers=headers))
        assert data == b"" or data.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))
    not_asked(behind)
    behind.answer = b"HTTP/1.1 200 OK\r\nX-Big: " + big.encode() + b"\r\n\r\n"
    assert (await visitor.ask()).status == 502


async def test_whoever_sends_a_head_slowly_is_hung_up_on(visitor, behind, monkeypatch):
    monkeypatch.setattr(server_module, "HEAD_SECONDS", 0.5)
    reader, writer = await asyncio.open_connection("127.0.0.1", visitor.server.port)
    sent = 0
    try:
        async with asyncio.timeout(30):
            for byte in visitor.request():
                writer.write(bytes([byte]))
                await writer.drain()
                sent += 1
                await asyncio.sleep(0.02)
    except OSError:
        pass
    assert sent < len(visitor.request())
    assert reader.at_eof() or reader.exception() or not await reader.read()
    not_asked(behind)


async def test_silent_connections_shut_out_nobody(visitor, monkeypatch):
    monkeypatch.setattr(places_module, "CONNECTIONS", 5)
    port = visitor.server.port
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
    for _ in range(3):
        assert (await visitor.ask()).status == 200
    # Those who came first were hung up on, and no more than needed be.
    gone = [reader.at_eof() or reader.exception() is not None for reader, _ in held]
    assert gone[:16] == [True] * 16
    assert not any(gone[18:])
    for _, writer in held:
        writer.transport.abort()


async def streaming(visitor):
    """Open an endless stream and return its first line and how to end it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", visitor.server.port)
    writer.write(visitor.request(WHERE, headers=[("Origin", "http://localhost:8000")]))
    async with asyncio.timeout(5):
        return (await reader.readline()).split()[1], writer


async def test_one_attempt_holds_no_more_connections_than_its_share(
    visitor, view_server, behind, monkeypatch
):
    monkeypatch.setattr(places_module, "CONNECTIONS", 12)
    monkeypatch.setattr(places_module, "SHARE", 8)
    monkeypatch.setattr(server_module, "HEARTBEAT_SECONDS", 0.1)
    neighbour = await seated(view_server, await an_opened())
    opened = [await streaming(visitor) for _ in range(30)]
    assert [status for status, _ in opened] == [b"200"] * 8 + [b"503"] * 22
    assert (await neighbour.ask()).status == 200
    opened.append(await streaming(neighbour))
    assert opened[-1][0] == b"200"
    crowded = await visitor.ask()
    assert crowded.status == 503
    assert b"too many connections" in crowded.body
    assert len(behind.asked) == 1
    # Whoever goes leaves a place, as soon as it is noticed that nobody reads.
    for _, writer in opened:
        writer.transport.abort()
    async with asyncio.timeout(30):
        while (await visitor.ask()).status != 200:
            pass


async def test_connections_kept_after_an_answer_count_too(
    visitor, view_server, behind, monkeypatch
):
    monkeypatch.setattr(places_module, "SHARE", 3)
    kept = []
    for _ in range(6):
        reader, writer = await asyncio.open_connection("127.0.0.1", view_server.port)
        writer.write(visitor.request().replace(b"Connection: close\r\n", b""))
        kept.append((await asyncio.wait_for(reader.readline(), 5), writer))
    assert [line.split()[1] for line, _ in kept] == [b"200"] * 3 + [b"503"] * 3
    assert len(behind.asked) == 3
    # A connection that has its place goes on with it.
    kept[0][1].write(visitor.request())
    await until(lambda: len(behind.asked) == 4)
    for _, writer in kept:
        writer.close()
        await writer.wait_closed()


async def test_a_flood_that_nobody_reads_stops_at_the_machine(visitor, behind):
    sent = 0

    async def flood(reader, writer):
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()
            sent += 65_536

    behind.handler = flood
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _reader, writer = await asyncio.open_connection("127.0.0.1", visitor.server.port, limit=1024)
    writer.write(visitor.request())
    async with asyncio.timeout(60):
        rest = 0
        # Until nothing moves for a second; it goes on and on where nobody stops it.
        while sent != rest or not sent:
            rest = sent
            await asyncio.sleep(1)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 32 * 1024
    writer.close()


async def test_a_reader_that_takes_nothing_is_hung_up_on(visitor, behind, monkeypatch):
    monkeypatch.setattr(wire_module, "SEND_SECONDS", 0.5)
    gone = asyncio.Event()

    async def flood(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()
        finally:
            gone.set()

    behind.handler = flood
    _reader, writer = await asyncio.open_connection("127.0.0.1", visitor.server.port, limit=1024)
    writer.write(visitor.request())
    async with asyncio.timeout(30):
        await gone.wait()
    writer.close()


async def test_a_machine_that_dribbles_does_not_hold_others_up(visitor, behind, monkeypatch):
    monkeypatch.setattr(exchange_module, "SILENT_SECONDS", 0.3)

    async def dribble(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
        await reader.read()

    behind.handler = dribble
    data = await visitor.raw(visitor.request())
    assert data.endswith(b"x")


# --- what pages may do ----------------------------------------------------------------------


async def test_no_worker_is_left_in_the_browser(visitor, behind):
    answer = await visitor.ask("/worker.js", headers=[("Service-Worker", "script")])
    assert answer.status == 403
    not_asked(behind)


async def test_only_the_page_itself_opens_a_websocket(visitor, behind):
    for origin in (None, "null", "http://evil.example", "http://localhost:8000"):
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with websockets.connect(
                f"ws://{visitor.host}/socket",
                host="127.0.0.1",
                port=visitor.server.port,
                origin=origin,
                additional_headers={"Cookie": visitor.cookie},
                proxy=None,
            ):
                pass
        assert refused.value.response.status_code == 403, origin
    not_asked(behind)


async def test_a_protocol_nobody_asked_for_is_not_switched_to(visitor, behind):
    behind.answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: evil\r\n\r\nevil"
    answer = await visitor.ask()
    assert answer.status == 502
    assert b"evil" not in answer.body


async def test_only_the_workspace_learns_where_the_frame_is(visitor):
    for origin in (
        "http://evil.example",
        "null",
        f"http://{visitor.host}",
        "http://localhost:80000",
    ):
        answer = await visitor.ask(WHERE, headers=[("Origin", origin)])
        assert answer.status == 403, origin
        assert answer.all("access-control-allow-origin") == []


async def test_words_of_a_refusal_hold_nothing_of_the_request(visitor):
    answer = await visitor.ask("<script>alert(1)</script>")
    assert answer.status == 400
    assert b"<script" not in answer.body
    policies = " ".join(answer.all("content-security-policy"))
    assert "default-src 'none'" in policies
