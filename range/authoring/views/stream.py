"""Server-sent events that tell a verification's page, or a trial's, to fetch its panel again."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from typing import cast

from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.http import HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_safe

from range.accounts.models import User
from range.authoring import trials
from range.authoring.models import VerificationRun
from range.authoring.news import CHANNEL, TRIAL, VERIFICATION
from range.authoring.verifications import verification_of
from range.lib.fanout import Fanout, follow
from range.lib.notify import conninfo
from range.sandboxes.models import Trial

_fanouts: dict[int, Fanout] = {}


def fanout() -> Fanout:
    """Return the fan-out of the running event loop."""
    loop = id(asyncio.get_running_loop())
    if loop not in _fanouts:
        where = conninfo(connections["default"].settings_dict)
        _fanouts[loop] = Fanout(where, CHANNEL, everything=(TRIAL, VERIFICATION))
    return _fanouts[loop]


@require_safe
async def verification_stream(request: HttpRequest, run_id: uuid.UUID) -> StreamingHttpResponse:
    """Tell of every step of a verification, until it has ended."""
    person = cast(User, await request.auser())
    await _may_follow(verification_of, person, run_id)
    return _streamed(run_id, VERIFICATION, partial(_is_open, run_id))


@require_safe
async def trial_stream(request: HttpRequest, trial_id: uuid.UUID) -> StreamingHttpResponse:
    """Tell of every step of the viewer's own trial; whoever follows it keeps it."""
    person = cast(User, await request.auser())
    await _may_follow(trials.trial_of, person, trial_id)
    return _streamed(trial_id, TRIAL, partial(_is_live, trial_id))


def _streamed(
    subject: uuid.UUID, part: str, goes_on: Callable[[], Awaitable[bool]]
) -> StreamingHttpResponse:
    told = follow(fanout(), subject, at_first=(part,), goes_on=goes_on, at_last=(part,))
    return StreamingHttpResponse(
        told,
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


# A stream lives long and has a thread of its own: it must not hold a database connection too.
@sync_to_async
def _may_follow(
    found: Callable[[User, uuid.UUID], object], person: User, subject: uuid.UUID
) -> None:
    try:
        found(person, subject)
    finally:
        connection.close()


@sync_to_async
def _is_open(run_id: uuid.UUID) -> bool:
    try:
        return VerificationRun.objects.under_way().filter(pk=run_id).exists()
    finally:
        connection.close()


@sync_to_async
def _is_live(trial_id: uuid.UUID) -> bool:
    try:
        trials.touch(trial_id)
        return Trial.objects.live().filter(pk=trial_id).exists()
    finally:
        connection.close()
