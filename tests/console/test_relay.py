import asyncio
import json
import random
import uuid

import pytest
from structlog.testing import capture_logs

from range.console.protocol import Close
from range.console.relay import ATTACH_CLEARS, Key, Relay
from range.console.screen import Screen
from range.console.watchers import HIGH_BYTES, LOW_BYTES, Watcher
from range.runtime.driver import EngineDown, SandboxGone, Size
from tests.console.support import Page, PlainTape, ScriptedStream, until

KEY = Key(sandbox_id=uuid.uuid4(), machine="web", console="main")


class Bench:
    """A relay with its terminal and tape, and pages to put on it."""

    def __init__(self, *, continues=False, before=b"", echo=False):
        self.stream, self.tape, screen = ScriptedStream(echo=echo), PlainTape(), Screen()
        screen.append(before)
        self.relay = Relay(
            KEY, self.stream, tape=self.tape, screen=screen, size=Size(), continues=continues
        )
        self.watchers = {}

    def page(self, *, cols=80, rows=24):
        page = Page()
        watcher = Watcher(page.take, cols=cols, rows=rows)
        self.watchers[page] = watcher
        self.relay.join(watcher)
        return page

    def leave(self, page):
        self.relay.leave(self.watchers[page])

    def draw(self, page):
        self.watchers[page].drawn(len(page.shown))

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.relay.close(Close.NORMAL)


async def test_bytes_out_are_bytes_in_to_page_and_tape():
    async with Bench() as bench:
        page = bench.page()
        generator = random.Random(1)
        sent = b""
        for _ in range(300):
            chunk = generator.randbytes(generator.choice([1, 3, 40, 511, 512, 900]))
            sent += chunk
            bench.stream.show(chunk)
            bench.watchers[page].drawn(10**6)
        await until(lambda: len(page.shown) >= len(sent))
        assert page.shown == sent
        assert bench.tape.shown == sent


async def test_what_is_typed_reaches_the_terminal_in_order():
    async with Bench() as bench:
        bench.page()
        for number in range(100):
            await bench.relay.type(b"%d " % number)
        assert bench.stream.typed == b"".join(b"%d " % number for number in range(100))


async def test_a_terminal_that_shows_nothing_is_told_of_once(monkeypatch):
    monkeypatch.setattr("range.console.relay.SILENT_SECONDS", 0.0)
    async with Bench() as bench:
        with capture_logs() as logs:
            bench.relay.note_silence()
            assert logs == [], "nobody waits for it"
            page = bench.page()
            bench.relay.note_silence()
            bench.relay.note_silence()
            bench.stream.show(b"$ ")
            await until(lambda: page.shown)
            bench.relay.note_silence()
            await bench.relay.type(b"secret")
            bench.relay.note_silence()
        told = [(each["event"], each["shown"]) for each in logs]
        assert told == [("console.silent", 0), ("console.silent", 2)]
        assert "secret" not in str(logs)


async def test_the_log_tells_why_a_console_was_closed():
    with capture_logs() as logs:
        async with Bench() as bench:
            bench.stream.show(b"")
            await bench.relay.closed
    assert [(each["event"], each["code"]) for each in logs] == [("console.closed", Close.ENDED)]


async def test_return_keys_are_noted_but_never_what_was_typed():
    async with Bench() as bench:
        bench.page()
        await bench.relay.type(b"hunter2\r")
        await bench.relay.type(b"one\rtwo\r")
        assert bench.tape.enters == 3
        assert bench.tape.shown == b""


async def test_a_small_chunk_goes_at_once_and_a_large_one_lets_more_gather(monkeypatch):
    # Longer than this test takes to look.
    monkeypatch.setattr("range.console.pace.COALESCE_SECONDS", 0.1)
    async with Bench() as bench:
        page = bench.page()
        loop = asyncio.get_running_loop()
        began = loop.time()
        bench.stream.show(b"x" * 600, b"after")
        await until(lambda: b"x" in page.shown)
        await until(lambda: page.shown.endswith(b"after"))
        assert loop.time() - began >= 0.05


async def test_a_second_page_sees_the_screen_at_once():
    async with Bench() as bench:
        first = bench.page()
        bench.stream.show(b"$ ls\r\nnotes.txt\r\n$ ")
        await until(lambda: first.shown)
        second = bench.page()
        assert second.shown == first.shown
        assert json.loads(second.said[1]) == {"type": "screen", "cols": 80, "rows": 24}


async def test_only_the_newest_page_answers_the_terminals_questions():
    async with Bench() as bench:
        first, second = bench.page(), bench.page()
        roles = {name: [json.loads(s) for s in p.said] for name, p in ((1, first), (2, second))}
        last = {k: [m for m in v if m["type"] == "role"][-1]["answers"] for k, v in roles.items()}
        assert last == {1: False, 2: True}
        bench.leave(second)
        assert json.loads(first.said[-1]) == {"type": "role", "answers": True}


async def test_the_console_takes_the_smallest_pages_size_and_all_are_told():
    async with Bench() as bench:
        first, second = bench.page(cols=120, rows=40), bench.page(cols=90, rows=50)
        assert json.loads(first.said[-1]) == {"type": "size", "cols": 90, "rows": 40}
        bench.leave(second)
        await until(lambda: bench.stream.sizes[-1:] == [Size(columns=120, rows=40)])
        assert bench.tape.sizes[-1] == Size(columns=120, rows=40)


async def test_a_burst_of_sizes_tells_the_engine_only_what_matters():
    async with Bench() as bench:
        page = bench.page()
        for side in range(30, 130):
            bench.relay.resize(bench.watchers[page], cols=side, rows=24)
        await until(lambda: bench.stream.sizes[-1:] == [Size(columns=129, rows=24)])
        assert len(bench.stream.sizes) <= 3


async def test_a_full_screen_program_is_made_to_redraw_for_a_returning_page():
    async with Bench() as bench:
        page = bench.page()
        bench.stream.show(b"\x1b[?1049h~\r\n~")
        await until(lambda: page.shown)
        bench.leave(page)
        bench.page()
        await until(lambda: len(bench.stream.sizes) >= 2)
        assert bench.stream.sizes[-2:] == [Size(columns=80, rows=23), Size(columns=80, rows=24)]


async def test_a_page_that_does_not_draw_stops_the_reading_of_the_terminal():
    async with Bench() as bench:
        page = bench.page()
        bench.stream.show(*[b"x" * 32_768] * 100)
        await until(lambda: len(page.shown) > HIGH_BYTES)
        await asyncio.sleep(0.1)
        assert len(page.shown) <= HIGH_BYTES + 2 * 32_768
        assert bench.stream.unread > 80
        bench.draw(page)
        await until(lambda: len(page.shown) > 2 * HIGH_BYTES)


async def test_a_page_that_acknowledges_in_small_pieces_is_read_for_again():
    async with Bench() as bench:
        page = bench.page()
        bench.stream.show(*[b"x" * 32_768] * 100)
        await until(lambda: bench.watchers[page].full)
        while bench.watchers[page].undrawn_bytes >= LOW_BYTES:
            bench.watchers[page].drawn(16 * 1024)
        await until(lambda: len(page.shown) > HIGH_BYTES + 4 * 32_768)


async def test_a_stalled_page_does_not_slow_another_one_and_is_caught_up_later():
    async with Bench() as bench:
        slow, quick = bench.page(), bench.page()
        bench.stream.show(*[b"%07d\r\n" % n * 2000 for n in range(60)])
        while bench.stream.unread:
            bench.draw(quick)
            bench.watchers[quick].drawn(HIGH_BYTES)
            await asyncio.sleep(0.002)
        assert len(quick.shown) == 60 * 2000 * 9
        assert bench.watchers[slow].behind
        assert len(slow.shown) <= HIGH_BYTES + 2000 * 9
        bench.watchers[slow].drawn(len(slow.shown) - LOW_BYTES + 1)
        assert json.loads(slow.said[-1])["type"] == "screen"
        assert slow.shown.endswith(b"0000059\r\n")


async def test_a_tape_that_is_behind_stops_the_reading_too():
    async with Bench() as bench:
        page = bench.page()
        bench.tape.full = True
        bench.stream.show(b"a", b"b")
        await until(lambda: page.shown == b"a")
        await asyncio.sleep(0.05)
        assert page.shown == b"a"
        bench.tape.full = False
        await until(lambda: page.shown == b"ab")


async def test_output_is_recorded_while_nobody_looks():
    async with Bench() as bench:
        bench.leave(bench.page())
        bench.stream.show(b"still here\r\n")
        await until(lambda: bench.tape.shown)
        assert bench.page().shown == b"still here\r\n"


async def test_the_end_of_the_terminal_ends_the_console_and_its_recording():
    async with Bench() as bench:
        bench.page()
        bench.stream.show(b"bye\r\n", b"")
        assert await bench.relay.closed == Close.ENDED
        await until(lambda: bench.tape.closed)
        assert bench.stream.closed


async def test_closing_lets_go_of_the_terminal_with_the_code_given():
    bench = Bench()
    bench.page()
    await bench.relay.close(Close.NOT_RUNNING)
    assert bench.relay.closed.result() == Close.NOT_RUNNING
    assert bench.stream.closed
    assert bench.tape.closed


async def test_closing_before_the_first_byte_still_ends_the_recording():
    bench = Bench()
    await bench.relay.close(Close.NORMAL)
    assert bench.tape.closed


@pytest.mark.parametrize("error", [SandboxGone(), EngineDown("gone"), OSError("reset")])
async def test_a_terminal_that_breaks_ends_the_console_cleanly(error):
    bench = Bench()

    async def broken():
        raise error

    bench.stream.read = broken
    code = await bench.relay.closed
    assert code == (Close.FAILED if isinstance(error, OSError) else Close.ENDED)
    await until(lambda: bench.tape.closed)


async def test_the_holders_clearing_is_left_out_when_an_earlier_screen_is_shown():
    async with Bench(continues=True, before=b"$ make\r\nok\r\n") as bench:
        page = bench.page()
        bench.stream.show(ATTACH_CLEARS + b"\r$ ", ATTACH_CLEARS)
        await until(lambda: page.shown.endswith(ATTACH_CLEARS))
        assert page.shown == b"$ make\r\nok\r\n\r$ " + ATTACH_CLEARS


async def test_a_notice_reaches_every_page_outside_the_terminal():
    async with Bench() as bench:
        pages = bench.page(), bench.page()
        bench.relay.tell("Five minutes left.")
        for page in pages:
            assert json.loads(page.said[-1])["text"] == "Five minutes left."
            assert page.shown == b""
