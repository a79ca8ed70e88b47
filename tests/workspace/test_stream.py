"""Server-sent events: what changed, and only in one's own attempt."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test import AsyncClient
from django.urls import reverse

from range.exercises.models import Attempt
from range.workspace.views import stream
from range.workspace.views.stream import EVERYTHING


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
