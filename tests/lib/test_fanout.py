"""One listening connection for all pages: each hears of its own subject, in bounded queues."""

import asyncio
import uuid

import pytest

from range.lib import fanout as fanouts
from range.lib.fanout import QUEUE_LENGTH, Fanout, follow

EVERYTHING = ("sandbox", "objectives", "events")
ONE, OTHER = uuid.uuid4(), uuid.uuid4()


@pytest.fixture
async def fanout(monkeypatch):
    """A fan-out whose listener waits for ever, so that only `deliver` delivers."""

    async def silence(self):
        await asyncio.Event().wait()

    monkeypatch.setattr(Fanout, "_listen", silence)
    shared = Fanout("", "anything", everything=EVERYTHING)
    yield shared
    if shared._work is not None:
        shared._work.cancel()


def drained(queue):
    return [queue.get_nowait() for _ in range(queue.qsize())]


async def test_a_page_hears_of_its_own_attempt_only(fanout):
    mine, theirs = fanout.join(ONE), fanout.join(OTHER)
    fanout.deliver(f"{ONE} objectives")
    assert drained(mine) == ["objectives"]
    assert drained(theirs) == []


async def test_every_page_of_an_attempt_hears(fanout):
    pages = [fanout.join(ONE) for _ in range(3)]
    fanout.deliver(f"{ONE} sandbox")
    assert [drained(page) for page in pages] == [["sandbox"]] * 3


async def test_a_new_connection_means_that_anything_may_have_changed(fanout):
    pages = [fanout.join(ONE), fanout.join(OTHER)]
    fanout.deliver("")
    assert [drained(page) for page in pages] == [list(EVERYTHING)] * 2


async def test_what_nobody_follows_is_dropped(fanout):
    fanout.join(ONE)
    fanout.deliver(f"{OTHER} sandbox")
    assert str(OTHER) not in fanout._pages


async def test_a_page_that_does_not_read_costs_a_bounded_queue(fanout):
    slow, quick = fanout.join(ONE), fanout.join(ONE)
    for _ in range(QUEUE_LENGTH + 10):
        fanout.deliver(f"{ONE} events")
        drained(quick)
    fanout.deliver(f"{ONE} sandbox")
    assert slow.qsize() == QUEUE_LENGTH
    assert drained(quick) == ["sandbox"]


async def test_the_listener_lives_as_long_as_there_are_pages(fanout):
    first, second = fanout.join(ONE), fanout.join(OTHER)
    work = fanout._work
    fanout.leave(ONE, first)
    assert fanout._work is work
    fanout.leave(OTHER, second)
    await asyncio.sleep(0)
    assert fanout._work is None
    assert work.cancelled()
    assert not fanout._pages


async def test_a_listener_that_died_is_begun_again(fanout):
    queue = fanout.join(ONE)
    fanout._work.cancel()
    await asyncio.sleep(0)
    fanout.join(OTHER)
    assert not fanout._work.done()
    fanout.leave(ONE, queue)


async def test_changes_that_came_together_are_told_once():
    queue = asyncio.Queue()
    for what in ("objectives", "events", "objectives"):
        queue.put_nowait(what)
    assert await fanouts.changes(queue) == ["objectives", "events"]


async def test_silence_is_broken_by_a_heartbeat(monkeypatch):
    monkeypatch.setattr(fanouts, "HEARTBEAT_SECONDS", 0.01)
    assert await fanouts.changes(asyncio.Queue()) == []


async def test_following_tells_first_changes_and_the_end_and_leaves_nothing(fanout):
    states = iter([True, True, False])

    async def goes_on():
        return next(states)

    told = follow(fanout, ONE, at_first=("sandbox",), goes_on=goes_on, at_last=("events",))
    assert await anext(told) == b"event: sandbox\ndata: sandbox\n\n"
    fanout.deliver(f"{ONE} objectives")
    assert await anext(told) == b"event: objectives\ndata: objectives\n\n"
    assert await anext(told) == b": alive\n\n"
    fanout.deliver("")
    rest = [chunk async for chunk in told]
    assert rest[-2:] == [fanouts.event("events"), fanouts.event("ended")]
    assert [each.split()[1] for each in rest[:3]] == [b"sandbox", b"objectives", b"events"]
    assert not fanout._pages
    assert fanout._work is None


async def test_a_page_that_goes_away_is_forgotten(fanout):
    async def goes_on():
        return True

    told = follow(fanout, ONE, at_first=("sandbox",), goes_on=goes_on, at_last=())
    await anext(told)
    assert fanout._pages
    await told.aclose()
    assert not fanout._pages
