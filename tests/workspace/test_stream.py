"""Server-sent events: one listener for all pages, and only one's own attempt."""

import asyncio
import uuid

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test import AsyncClient
from django.urls import reverse

from range.exercises.models import Attempt
from range.workspace.views import stream
from range.workspace.views.stream import EVERYTHING, QUEUE_LENGTH, Fanout

ONE, OTHER = uuid.uuid4(), uuid.uuid4()


@pytest.fixture
async def fanout(monkeypatch):
    """A fan-out whose listener waits for ever, so that only `deliver` delivers."""

    async def silence(self):
        await asyncio.Event().wait()

    monkeypatch.setattr(Fanout, "_listen", silence)
    shared = Fanout("")
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
    assert await stream._changes(queue) == ["objectives", "events"]


async def test_silence_is_broken_by_a_heartbeat(monkeypatch):
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.01)
    assert await stream._changes(asyncio.Queue()) == []


def _notify(payload):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('attempt_changed', %s)", [payload])


async def _next(events, wanted):
    """Return once an event of that name came."""
    async with asyncio.timeout(10):
        async for chunk in events:
            if chunk.startswith(f"event: {wanted}\n".encode()):
                return


@pytest.mark.django_db(transaction=True)
async def test_a_change_in_the_database_reaches_the_page_and_the_end_closes_it(
    trainee, attempt, loopback
):
    client = AsyncClient()
    await client.aforce_login(trainee)
    answer = await client.get(reverse("attempt-stream", args=[attempt.pk]))
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    events = aiter(answer.streaming_content)
    for what in EVERYTHING:
        await _next(events, what)
    # The listener announces its first connection as a change of everything.
    await _next(events, "sandbox")
    await sync_to_async(_notify)(f"{attempt.pk} objectives")
    await _next(events, "objectives")
    await Attempt.objects.aupdate(state="FINISHING")
    await sync_to_async(_notify)(f"{attempt.pk} sandbox")
    await _next(events, "ended")
    with pytest.raises(StopAsyncIteration):
        await anext(events)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("who", ["other_trainee", "instructor"])
async def test_nobody_follows_anothers_attempt(other_trainee, instructor, attempt, who):
    client = AsyncClient()
    await client.aforce_login({"other_trainee": other_trainee, "instructor": instructor}[who])
    answer = await client.get(reverse("attempt-stream", args=[attempt.pk]))
    assert answer.status_code == 404
    assert not stream.fanout()._pages


@pytest.mark.django_db(transaction=True)
async def test_a_finished_attempt_ends_at_once(trainee, attempt):
    await Attempt.objects.aupdate(state="GRADED")
    client = AsyncClient()
    await client.aforce_login(trainee)
    answer = await client.get(reverse("attempt-stream", args=[attempt.pk]))
    whole = b"".join([chunk async for chunk in answer.streaming_content])
    assert whole.endswith(b"event: ended\ndata: ended\n\n")
