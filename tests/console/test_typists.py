import asyncio
import json

from range.console.protocol import Close
from range.console.typists import MOST_PAGES, TELL_SECONDS
from range.console.watchers import MOST_NOTES, Watcher
from tests.console.support import Page, until
from tests.console.test_relay import Bench


def sit(bench, name="page-one"):
    """A page on the console, and what it types through."""
    page = bench.page()
    return page, bench.relay.typists.sit(name, bench.watchers[page])


def told(page):
    """How many bytes the page was told are taken, each time, and by which opening."""
    said = [json.loads(each) for each in page.said]
    return [(each["bytes"], each["of"]) for each in said if each["type"] == "taken"]


async def test_a_page_is_told_what_was_taken_once_for_many_keys():
    async with Bench() as bench:
        page, typing = sit(bench)
        for _ in range(20):
            await bench.relay.type(b"ab", typing=typing)
        await until(lambda: len(told(page)) > 1)
        await asyncio.sleep(2 * TELL_SECONDS)
        assert [count for count, _ in told(page)] == [0, 40]


async def test_a_page_that_comes_back_is_told_how_far_it_came():
    async with Bench() as bench:
        first, typing = sit(bench)
        await bench.relay.type(b"abc", typing=typing)
        bench.leave(first)
        second, typing = sit(bench)
        assert told(second) == [(3, told(first)[0][1])]
        await bench.relay.type(b"d", typing=typing)
        await until(lambda: told(second)[-1][0] == 4)


async def test_what_an_earlier_socket_still_holds_is_not_typed():
    async with Bench() as bench:
        _, earlier = sit(bench)
        await bench.relay.type(b"abc", typing=earlier)
        _, typing = sit(bench)
        await bench.relay.type(b"def", typing=earlier)
        await bench.relay.type(b"def", typing=typing)
        assert bench.stream.typed == b"abcdef"


async def test_what_waits_behind_a_key_that_is_not_taken_yet_is_not_typed_either():
    async with Bench() as bench:
        _, earlier = sit(bench)
        taking = asyncio.Event()
        write = bench.stream.write

        async def slow(data):
            await write(data)
            await taking.wait()

        bench.stream.write = slow
        late = [
            asyncio.create_task(bench.relay.type(each, typing=earlier)) for each in (b"a", b"b")
        ]
        await asyncio.sleep(0)
        second, typing = sit(bench)
        # What is on its way counts: the terminal has it, or the console ends.
        assert told(second)[0][0] == 1
        taking.set()
        await asyncio.gather(*late)
        await bench.relay.type(b"b", typing=typing)
        assert bench.stream.typed == b"ab"


async def test_the_last_count_is_told_before_the_console_ends():
    bench = Bench()
    page, typing = sit(bench)
    await bench.relay.type(b"abc", typing=typing)
    await bench.relay.close(Close.RESTART)
    assert told(page)[-1][0] == 3


async def test_only_pages_that_left_are_forgotten():
    async with Bench() as bench:
        _, staying = sit(bench)
        await bench.relay.type(b"abc", typing=staying)
        for number in range(MOST_PAGES + 10):
            page, _ = sit(bench, f"page-{number}")
            bench.leave(page)
        assert len(bench.relay.typists._pages) == MOST_PAGES
        back, _ = sit(bench)
        assert told(back)[0][0] == 3


async def test_a_page_that_takes_nothing_is_let_go():
    page, let_go = Page(), []
    page.open.clear()
    watcher = Watcher(page.take, cols=80, rows=24)
    watcher.on_deaf = lambda: let_go.append(1)
    for _ in range(3 * MOST_NOTES):
        watcher.give("{}")
    assert let_go == [1]
    assert watcher.gone
    assert len(watcher._queue) == 0
    watcher.leave()
