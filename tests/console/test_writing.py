"""From what a terminal shows to the timeline, the recording's row, and the checks."""

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from range.console import cast, writer
from range.console.models import Recording
from range.console.services import (
    end_abandoned,
    recordings_folder,
    recordings_of,
    typed_commands,
)
from range.exercises.models import Attempt
from range.timeline.services import broken_at, events_of
from tests.console.live import Page, a_desk, serving
from tests.console.looks import a_staff, look_path
from tests.console.support import until
from tests.console.test_transcripts import PROMPT, C, ended, ran
from tests.support.consoles import SECRETS

pytestmark = pytest.mark.django_db(transaction=True)
FLAG, PASSWORD = SECRETS


@pytest.fixture
async def server(console_role):
    async with serving() as running:
        yield running


async def payloads(desk, count, *, seconds=30.0):
    """Wait until as many commands stand in the timeline, and return what they say."""

    def read():
        return [event.payload for event in events_of(desk.attempt.pk, kinds=["console.command"])]

    async with asyncio.timeout(seconds):
        while len(found := await sync_to_async(read)()) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found


async def showing(server, desk, *chunks):
    """Let the trainee's terminal show chunks, and wait until the page has them."""
    async with server.sit(desk) as socket:
        page = await Page(socket).until(lambda p: p.shown)
        for chunk in chunks:
            desk.terminal().console.print(chunk)
        await page.until_shown(chunks[-1])


async def test_a_command_becomes_an_event_while_its_console_stays_open(server):
    desk = await a_desk()
    data = ran(b"cat /etc/shadow", b"cat: /etc/shadow: Permission denied\r\n", 1)
    await showing(server, desk, PROMPT, data)
    (payload,) = await payloads(desk, 1)
    assert payload == {
        "number": 1,
        "machine": "web",
        "console": "main",
        "text": "cat /etc/shadow",
        "exit": 1,
        "ms": payload["ms"],
        "output": {
            "first": ["cat: /etc/shadow: Permission denied"],
            "last": [],
            "lines": 1,
        },
        "error": "denied",
        "assembled": False,
        "recording": str((await Recording.objects.aget()).pk),
        "offset_ms": payload["offset_ms"],
    }
    assert await sync_to_async(broken_at)(desk.attempt.pk) is None


async def test_commands_of_two_consoles_are_numbered_in_one_line(server):
    desk = await a_desk()
    async with server.sit(desk, "web") as web, server.sit(desk, "db") as db:
        await Page(web).until(lambda p: p.shown)
        await Page(db).until(lambda p: p.shown)
        for machine in ("web", "db", "web"):
            desk.terminal(machine).console.print(PROMPT + ran(b"id " + machine.encode()))
        found = await payloads(desk, 3)
    assert [payload["number"] for payload in found] == [1, 2, 3]
    commands = await sync_to_async(typed_commands)(desk.attempt)
    assert {(c.machine, c.text) for c in commands} == {("web", "id web"), ("db", "id db")}


async def test_numbers_go_on_after_a_restart(console_role):
    desk = await a_desk()
    for count in (1, 2):
        async with serving() as server:
            await showing(server, desk, PROMPT + ran(b"id"))
            found = await payloads(desk, count)
    assert [payload["number"] for payload in found] == [1, 2]


async def test_no_secret_reaches_the_timeline_or_a_marker_in_any_form(server):
    desk = await a_desk()
    shown = f"{FLAG}\r\n{FLAG[::-1]}\r\n{FLAG.encode().hex()}\r\n{PASSWORD}\r\n".encode()
    chunks = [PROMPT + b"echo " + FLAG.encode() + b"\r\n" + C]
    # Any piece may end inside a secret.
    chunks += [shown[at : at + 5] for at in range(0, len(shown), 5)] + [ended(0) + PROMPT]
    await showing(server, desk, *chunks)
    (payload,) = await payloads(desk, 1)
    text = str(payload)
    assert payload["text"] == "echo [flag]"
    for secret in (FLAG, FLAG[::-1], FLAG.encode().hex(), PASSWORD, FLAG[5:20]):
        assert secret not in text
    assert payload["output"]["first"] == ["[flag]", "[flag]"]
    marks = [e.data for e in (await a_recording()).events if e.code == "m"]
    assert marks == ["echo [flag]"]


async def a_recording():
    recording = await Recording.objects.order_by("started_at").alast()
    return cast.read(recordings_folder() / recording.path)


async def test_a_password_that_is_not_echoed_is_recorded_nowhere(server, console_role):
    desk = await a_desk()
    async with server.sit(desk) as socket:
        page = await Page(socket).until(lambda p: p.shown)
        # Echo off: the terminal takes the keys and shows nothing.
        desk.terminal().console.write = lambda data: asyncio.sleep(0)
        await page.type(b"correct horse\r")
        desk.terminal().console.print(b"\r\nSorry\r\n")
        await page.until_shown(b"Sorry")
    await server.role.registry.close_all(1000)
    for path in console_role.rglob("*.cast"):
        assert b"correct horse" not in path.read_bytes()


async def test_the_recording_is_what_was_shown_with_sizes_and_commands(server):
    desk = await a_desk()
    async with server.sit(desk) as socket:
        page = await Page(socket).until(lambda p: p.shown)
        await page.say(type="resize", cols=132, rows=43)
        await page.until(lambda p: any(c.get("cols") == 132 for c in p.controls))
        desk.terminal().console.print(PROMPT + "é 中".encode() + ran(b"\b\b\bls", b"notes\r\n"))
        await page.until_shown(b"notes")
        await payloads(desk, 1)
        shown = page.shown
    played = await a_recording()
    assert "".join(e.data for e in played.events if e.code == "o").encode() == shown
    assert "132x43" in [e.data for e in played.events if e.code == "r"]
    assert len([e for e in played.events if e.code == "m"]) == 1


async def test_each_command_asks_for_checks(server):
    desk = await a_desk()
    await showing(server, desk, PROMPT + ran(b"id"))
    await payloads(desk, 1)

    async def wanted():
        return (await Attempt.objects.aget(pk=desk.attempt.pk)).checks_wanted_at

    async with asyncio.timeout(30):
        while await wanted() is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_database_that_is_away_loses_no_command_and_stops_no_key(server, monkeypatch):
    desk, real, calls = await a_desk(), writer.record, []
    is_back = threading.Event()

    def away(*args, **kwargs):
        calls.append(1)
        if not is_back.is_set() or len(calls) < 4:
            raise OperationalError("the server closed the connection")
        return real(*args, **kwargs)

    monkeypatch.setattr(writer, "record", away)
    async with server.sit(desk) as socket:
        page = await Page(socket).until(lambda p: p.shown)
        for number in range(3):
            desk.terminal().console.print(PROMPT + ran(b"command %d" % number))
        await page.type(b"typing goes on")
        await page.until_shown(b"typing goes on")
        is_back.set()
        found = await payloads(desk, 3)
    assert [payload["text"] for payload in found] == [f"command {n}" for n in range(3)]
    assert len(calls) >= 6


async def test_a_full_disk_does_not_end_the_console(server, monkeypatch):
    desk = await a_desk()

    def full(*_):
        raise OSError(28, "No space left on device")

    async with server.sit(desk) as socket:
        page = await Page(socket).until(lambda p: p.shown)
        monkeypatch.setattr("range.console.recorder.Recorder.flush", full)
        desk.terminal().console.print(PROMPT + ran(b"id"))
        await asyncio.sleep(0.2)
        await page.type(b"still typing")
        await page.until_shown(b"still typing")
        monkeypatch.undo()


async def test_what_a_crash_left_open_is_sealed_at_the_next_start(console_role):
    desk = await a_desk()
    async with serving() as server:
        await showing(server, desk, b"before the crash")
        recording = await Recording.objects.aget()
        # In progress: its file is locked, so nobody seals it.
        assert await sync_to_async(end_abandoned)() == 0
    await Recording.objects.aupdate(ended_at=None, sha256="", size_bytes=0)
    assert await sync_to_async(end_abandoned)() == 1
    sealed = await Recording.objects.aget(pk=recording.pk)
    assert sealed.ended_at is not None
    assert sealed.size_bytes == (recordings_folder() / sealed.path).stat().st_size
    assert len(sealed.sha256) == 64


async def test_a_second_recording_goes_on_where_the_first_ended(console_role):
    desk = await a_desk()
    for text in (b"first part", b"second part"):
        async with serving() as server:
            await showing(server, desk, text)
    recordings = await sync_to_async(lambda: list(recordings_of(desk.attempt)))()
    assert len(recordings) == 2
    shown = "".join(event.data for event in (await a_recording()).events)
    assert "first part" in shown
    assert "second part" in shown


async def test_the_quota_is_the_attempts_and_not_each_recordings(console_role, monkeypatch):
    desk = await a_desk()
    monkeypatch.setattr("range.console.opening.QUOTA_BYTES", 20_000)
    for _ in range(2):
        async with serving() as server:
            await showing(server, desk, b"x" * 15_000, b"the end")
    sizes = [r.size_bytes async for r in Recording.objects.order_by("started_at")]
    assert sum(sizes) < 21_000


async def test_commands_typed_with_somebody_else_say_so_and_count_for_no_check(server):
    desk = await a_desk()
    _, cookie = await a_staff()
    async with server.sit(desk) as mine:
        trainee = await Page(mine).until(lambda page: page.shown)
        async with server.connect(look_path(desk), cookie=cookie) as theirs:
            instructor = Page(theirs)
            await instructor.say(type="keys", hands="along")
            await trainee.until(lambda page: any("along" in str(c) for c in page.controls))
            await instructor.type(b"x")
            await until(lambda: desk.terminal().typed == b"x")
            desk.terminal().console.print(PROMPT + ran(b"helped", b"\r\n"))
            await payloads(desk, 1)
        desk.terminal().console.print(ran(b"alone", b"\r\n"))
        helped, alone = await payloads(desk, 2)
    assert helped["text"] == "helped"
    assert helped["typed_by"] == ["Ines Weber"]
    assert "typed_by" not in alone
    counted = await sync_to_async(typed_commands)(desk.attempt)
    assert [command.text for command in counted] == ["alone"]
    marks = [event.data for event in (await a_recording()).events if event.code == "m"]
    assert "Ines Weber types along" in marks
    assert "Ines Weber no longer types" in marks
