import asyncio

import pytest

from range.console.watchers import HIGH_BYTES, LOW_BYTES, Watcher
from tests.console.support import Page, until


def watching(page: Page) -> Watcher:
    return Watcher(page.take, cols=80, rows=24)


async def test_a_frame_leaves_before_the_call_returns():
    page = Page()
    watching(page).show(b"a")
    # Nothing was awaited in between: no turn of the loop lies between terminal and network.
    assert page.frames == [b"a"]


async def test_frames_keep_their_order_while_the_network_is_full():
    page = Page()
    watcher = watching(page)
    page.open.clear()
    for number in range(50):
        watcher.show(b"%d," % number)
        if number == 20:
            watcher.give("notice")
    assert page.frames == []
    page.open.set()
    await watcher.flushed()
    assert page.shown == b"".join(b"%d," % number for number in range(50))
    assert page.frames[21] == "notice"


async def test_it_holds_no_more_than_the_high_mark_for_a_page_that_takes_nothing():
    page = Page()
    page.open.clear()
    watcher = watching(page)
    for _ in range(1000):
        watcher.show(b"x" * 4096)
    assert watcher.behind
    assert watcher.undrawn_bytes <= HIGH_BYTES + 4096
    watcher.leave()


async def test_a_page_that_draws_slowly_is_caught_up_with_the_whole_screen():
    page, told = Page(), []
    watcher = watching(page)
    watcher.on_room = told.append
    while not watcher.behind:
        watcher.show(b"x" * 10_000)
    sent = len(page.shown)
    watcher.drawn(sent - LOW_BYTES - 1)
    assert told == []
    watcher.drawn(2)
    assert told == [watcher]
    watcher.catch_up("screen", b"the whole screen")
    watcher.show(b" and on")
    assert page.frames[-3:] == ["screen", b"the whole screen", b" and on"]


async def test_catching_up_drops_what_never_left():
    page = Page()
    page.open.clear()
    watcher = watching(page)
    watcher.show(b"on its way")
    watcher.show(b"never left")
    watcher.catch_up("screen", b"whole")
    page.open.set()
    await watcher.flushed()
    assert page.frames == [b"on its way", "screen", b"whole"]
    assert watcher.undrawn_bytes == len(b"on its way" + b"whole")


async def test_acknowledging_more_than_was_sent_counts_as_all_of_it():
    watcher = watching(Page())
    watcher.show(b"abc")
    watcher.drawn(10**9)
    assert watcher.undrawn_bytes == 0


async def test_a_page_that_left_is_noticed_and_sent_nothing_more():
    page, told = Page(), []
    page.left = True
    watcher = watching(page)
    watcher.on_room = told.append
    watcher.show(b"a")
    assert watcher.gone
    assert told == [watcher]
    watcher.show(b"b")
    assert page.frames == []


@pytest.mark.parametrize("wait", [True, False])
async def test_leaving_stops_what_waits_for_the_network(wait):
    page = Page()
    page.open.clear()
    watcher = watching(page)
    watcher.show(b"a")
    if wait:
        await asyncio.sleep(0)
    watcher.leave()
    await until(lambda: watcher._task.done())
    page.open.set()
    assert page.frames == []
