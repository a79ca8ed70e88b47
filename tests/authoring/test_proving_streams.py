"""Server-sent events of verifications and trials: every step, to those who may see them alone."""

import asyncio
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient
from django.urls import reverse
from django.utils import timezone

from range.authoring.models import VerificationRun
from range.authoring.news import line_changed, trial_changed, verification_changed
from range.authoring.trials import begin, want_end
from range.authoring.verifications import ask_for_draft, want_stop
from range.authoring.views import stream
from range.sandboxes.models import Trial
from tests.authoring.test_verify import solvable
from tests.authoring.workshop_support import drafted

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def draft(instructor, school, tmp_path):
    return drafted(instructor, school, tmp_path, solvable())


@pytest.fixture
def run(draft, instructor):
    return ask_for_draft(draft.pk, author=instructor)


@pytest.fixture
def of_draft(draft, instructor):
    return begin(draft.pk, author=instructor)


async def opened(person, name, subject):
    client = AsyncClient()
    await client.aforce_login(person)
    return await client.get(reverse(name, args=[subject]))


async def until(events, wanted):
    """Return once an event of that name came."""
    async with asyncio.timeout(10):
        async for chunk in events:
            if chunk.startswith(f"event: {wanted}\n".encode()):
                return


async def test_each_step_of_a_verification_is_told_until_it_has_ended(run, instructor, loopback):
    answer = await opened(instructor, "verification-stream", run.pk)
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    events = aiter(answer.streaming_content)
    await until(events, "verification")
    # The listener announces its connection as a change of everything.
    await until(events, "verification")
    await sync_to_async(verification_changed)(run.pk)
    await until(events, "verification")
    await sync_to_async(line_changed)()
    await until(events, "verification")
    await sync_to_async(want_stop)(run)
    await until(events, "ended")
    with pytest.raises(StopAsyncIteration):
        await anext(events)
    assert not stream.fanout()._pages
    assert stream.fanout()._work is None


async def test_whoever_follows_a_trial_keeps_it_and_hears_its_end(of_draft, instructor, loopback):
    long_ago = timezone.now() - timedelta(minutes=2)
    await Trial.objects.aupdate(seen_at=long_ago)
    answer = await opened(instructor, "trial-stream", of_draft.pk)
    assert (await Trial.objects.aget()).seen_at == long_ago
    events = aiter(answer.streaming_content)
    await until(events, "trial")
    await until(events, "trial")
    assert (await Trial.objects.aget()).seen_at > long_ago
    await sync_to_async(trial_changed)(of_draft.pk)
    await until(events, "trial")
    await Trial.objects.aupdate(state=Trial.State.ENDED)
    await sync_to_async(trial_changed)(of_draft.pk)
    await until(events, "ended")


async def test_wishes_wake_the_pages_that_follow(of_draft, run, instructor, loopback):
    events = aiter((await opened(instructor, "trial-stream", of_draft.pk)).streaming_content)
    await until(events, "trial")
    await until(events, "trial")
    await sync_to_async(want_end)(of_draft)
    await until(events, "trial")
    await events.aclose()


@pytest.mark.parametrize("who", ["trainee", "assessor"])
async def test_strangers_follow_nothing(run, of_draft, trainee, assessor, who):
    person = {"trainee": trainee, "assessor": assessor}[who]
    for name, subject in (("verification-stream", run.pk), ("trial-stream", of_draft.pk)):
        assert (await opened(person, name, subject)).status_code == 404
    assert not stream.fanout()._pages


async def test_a_verification_that_is_over_is_told_at_once(run, instructor):
    await VerificationRun.objects.aupdate(state=VerificationRun.State.PASSED)
    answer = await opened(instructor, "verification-stream", run.pk)
    whole = b"".join([chunk async for chunk in answer.streaming_content])
    assert whole.endswith(b"event: ended\ndata: ended\n\n")
