import asyncio
import random

import pytest
import websockets
from asgiref.sync import sync_to_async

from range.console.models import Recording
from range.console.protocol import Close
from range.runtime.driver import Size
from range.sandboxes.models import Sandbox
from tests.console.live import Page, a_desk, serving
from tests.console.support import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("console_role")]


@pytest.fixture
async def server(console_role):
    async with serving() as running:
        yield running


async def test_a_key_comes_back_as_an_echo(server):
    desk = await a_desk()
    async with server.sit(desk) as socket:
        page = Page(socket)
        await page.type(b"whoami")
        await page.until_shown(b"whoami")
    assert desk.terminal().typed == b"whoami"


async def test_the_size_asked_for_is_the_terminals_and_is_clamped(server):
    desk = await a_desk()
    async with server.sit(desk, query="?cols=120&rows=99999") as socket:
        page = await Page(socket).until(lambda p: p.controls)
        assert desk.terminal().sizes[0] == Size(columns=120, rows=500)
        await page.say(type="resize", cols=-5, rows=10**9)
        await until(lambda: desk.terminal().sizes[-1] == Size(columns=2, rows=500))


@pytest.mark.parametrize("query", ["", "?cols=x&rows=", "?cols=%00&rows=1e9", "?cols=99999999999"])
async def test_a_size_that_is_none_counts_as_the_usual_one(server, query):
    desk = await a_desk()
    async with server.sit(desk, query=query) as socket:
        await Page(socket).until(lambda p: p.controls)
    assert desk.terminal().sizes[0] == Size()


async def test_coming_back_shows_the_screen_at_once_on_the_same_terminal(server):
    desk = await a_desk()
    async with server.sit(desk) as socket:
        await Page(socket).type(b"unsaved work")
        await until(lambda: desk.terminal().typed == b"unsaved work")
    async with server.sit(desk) as socket:
        await Page(socket).until_shown(b"unsaved work")
    assert desk.driver.calls.count("open_console") == 1


async def test_two_tabs_share_one_terminal(server):
    desk = await a_desk()
    async with server.sit(desk) as first, server.sit(desk) as second:
        await Page(first).type(b"from the first")
        await Page(second).until_shown(b"from the first")
    assert len(server.role.registry.relays()) == 1


async def test_consoles_of_two_machines_do_not_mix(server):
    desk = await a_desk()
    async with server.sit(desk, "web") as web, server.sit(desk, "db") as db:
        await Page(web).type(b"on web")
        await Page(db).type(b"on db")
        await Page(web).until_shown(b"on web")
        page = await Page(db).until_shown(b"on db")
        assert b"on web" not in page.shown


@pytest.mark.parametrize("seed", range(3))
async def test_any_chunking_of_input_comes_out_as_it_went_in(server, seed):
    desk, generator = await a_desk(), random.Random(seed)
    data = generator.randbytes(60_000).replace(b"\r", b"-")
    async with server.sit(desk) as socket:
        page = await Page(socket).until(lambda p: p.shown)
        start, at = len(page.shown), 0
        while at < len(data):
            size = generator.choice([1, 2, 30, 511, 512, 5000])
            await page.type(data[at : at + size])
            at += size
            if generator.random() < 0.1:
                await page.say(type="resize", cols=generator.randrange(2, 300), rows=24)
        await page.until(lambda p: len(p.shown) >= start + len(data), seconds=20)
    assert page.shown[start:] == data
    assert desk.terminal().typed == data


async def test_a_page_that_stops_drawing_stops_the_flood_and_memory_stays_bounded(server):
    desk = await a_desk()
    async with server.sit(desk) as socket:
        await Page(socket).until(lambda p: p.shown)
        terminal = desk.terminal().console
        for _ in range(200):
            terminal.print(b"y\r\n" * 10_000)
        (relay,) = server.role.registry.relays()
        (watcher,) = relay.watchers
        await until(lambda: watcher.full)
        await asyncio.sleep(0.3)
        assert watcher.undrawn_bytes < 512 * 1024
        assert terminal._output.qsize() > 150


async def test_one_flood_leaves_another_console_alone(server):
    desk, other = await a_desk(), await a_desk()
    async with server.sit(desk) as flooded, server.sit(other) as quiet:
        await Page(flooded).until(lambda p: p.shown)
        for _ in range(300):
            desk.terminal().console.print(b"y\r\n" * 10_000)
        page = await Page(quiet).until(lambda p: p.shown)
        loop, slowest = asyncio.get_running_loop(), 0.0
        for number in range(20):
            began = loop.time()
            await page.type(b"k%d." % number)
            await page.until_shown(b"k%d." % number)
            slowest = max(slowest, loop.time() - began)
        # On a busy machine; behind the flood, which nobody draws, no key would ever come back.
        assert slowest < 10


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("not json", Close.MALFORMED),
        ('{"type":"resize","cols":"wide","rows":1}', Close.MALFORMED),
        ('{"type":"exec","argv":["sh"]}', Close.MALFORMED),
        ("x" * 2000, Close.TOO_LARGE),
        # The server itself ends what is larger than any frame of ours.
        (b"x" * 100_000, 1009),
    ],
)
async def test_frames_no_page_sends_end_the_socket_with_a_code(server, frame, code):
    desk = await a_desk()
    async with server.sit(desk) as socket:
        page = await Page(socket).until(lambda p: p.shown)
        await socket.send(frame)
        assert await page.until_closed() == code
    assert desk.terminal().typed == b""


async def test_a_heartbeat_is_answered(server):
    desk = await a_desk()
    async with server.sit(desk) as socket:
        page = Page(socket)
        await page.say(type="heartbeat")
        await page.until(lambda p: {"type": "heartbeat"} in p.controls)


async def test_the_end_of_the_shell_is_told(server):
    desk = await a_desk()
    async with server.sit(desk) as socket:
        page = await Page(socket).until(lambda p: p.shown)
        desk.terminal().end()
        assert await page.until_closed() == Close.ENDED


@pytest.mark.parametrize(
    "fields", [{"state": Sandbox.State.FAILED}, {"wanted": Sandbox.Wanted.STOPPED}]
)
async def test_a_sandbox_that_does_not_run_is_told_to_its_trainee(server, fields):
    desk = await a_desk()
    await Sandbox.objects.filter(pk=desk.sandbox.pk).aupdate(**fields)
    async with server.sit(desk) as socket:
        assert await Page(socket).until_closed() == Close.NOT_RUNNING
    assert desk.driver.calls.count("open_console") == 0


async def test_an_engine_that_is_down_is_told_and_can_be_tried_again(server):
    desk = await a_desk()
    desk.driver.fail_next("open_console")
    async with server.sit(desk) as socket:
        assert await Page(socket).until_closed() == Close.FAILED
    assert await Recording.objects.acount() == 0
    async with server.sit(desk) as socket:
        await Page(socket).until(lambda p: p.shown)


async def test_a_person_has_no_more_sockets_than_the_setting_says(server, settings):
    settings.RANGE_CONSOLES_PER_TRAINEE = 2
    desk = await a_desk()
    async with server.sit(desk) as first, server.sit(desk) as second:
        for socket in (first, second):
            await Page(socket).until(lambda p: p.shown)
        async with server.sit(desk) as third:
            assert await Page(third).until_closed() == Close.TOO_MANY
    await until(lambda: not server.role.registry.seats)
    async with server.sit(desk) as socket:
        await Page(socket).until(lambda p: p.shown)


async def test_a_stop_of_the_role_tells_pages_to_come_back_and_seals_recordings(console_role):
    desk = await a_desk()
    async with serving() as server:
        socket = await server.sit(desk)
        page = await Page(socket).until(lambda p: p.shown)
    assert await page.until_closed() == Close.RESTART
    recording = await Recording.objects.aget()
    assert recording.ended_at is not None
    assert len(recording.sha256) == 64


async def test_after_a_restart_the_screen_is_as_it_was(console_role):
    desk = await a_desk()
    async with serving() as server, server.sit(desk) as socket:
        await Page(socket).type(b"before the restart")
        await Page(socket).until_shown(b"before the restart")
    async with serving() as server, server.sit(desk) as socket:
        page = await Page(socket).until_shown(b"before the restart")
        assert b"\x1b[H\x1b[J" not in page.shown.partition(b"before the restart")[2]
    assert await Recording.objects.acount() == 2


async def test_a_refused_socket_never_blocks_the_next_one(server):
    desk = await a_desk()
    for _ in range(5):
        with pytest.raises(websockets.InvalidStatus):
            await server.connect(desk.path(), cookie="nonsense")
    async with server.sit(desk) as socket:
        await Page(socket).until(lambda p: p.shown)


async def test_keys_meet_no_database_after_connecting(server):
    desk = await a_desk()
    async with server.sit(desk) as socket:
        page = await Page(socket).until(lambda p: p.shown)
        release = asyncio.Event()
        loop = asyncio.get_running_loop()
        # The one thread that all synchronous database work shares is busy the whole time.
        busy = asyncio.create_task(
            sync_to_async(lambda: asyncio.run_coroutine_threadsafe(release.wait(), loop).result())()
        )
        try:
            await page.type(b"while the thread is busy")
            await page.until_shown(b"while the thread is busy")
        finally:
            release.set()
            await busy
