"""Server-sent events that tell a workspace which of its fragments to fetch again."""

import asyncio
import uuid
from functools import partial
from typing import cast

from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.http import HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_safe

from range.accounts.models import User
from range.exercises.models import Attempt
from range.exercises.services import attempt_of
from range.lib.fanout import Fanout, follow
from range.lib.notify import conninfo
from range.sandboxes.activity import touch_attempt

CHANNEL = "attempt_changed"
EVERYTHING = ("sandbox", "objectives", "hints", "events", "messages", "consoles")

_fanouts: dict[int, Fanout] = {}


def fanout() -> Fanout:
    """Return the fan-out of the running event loop."""
    loop = id(asyncio.get_running_loop())
    if loop not in _fanouts:
        where = conninfo(connections["default"].settings_dict)
        _fanouts[loop] = Fanout(where, CHANNEL, everything=EVERYTHING)
    return _fanouts[loop]


@require_safe
async def attempt_stream(request: HttpRequest, attempt_id: uuid.UUID) -> StreamingHttpResponse:
    """Stream the names of fragments that changed, until the attempt ends."""
    person = cast(User, await request.auser())
    await _authorise(person, attempt_id)
    told = follow(
        fanout(),
        attempt_id,
        at_first=EVERYTHING,
        goes_on=partial(_is_active, attempt_id),
        at_last=("sandbox",),
    )
    return StreamingHttpResponse(
        told,
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


# A stream lives long and has a thread of its own: it must not hold a database connection too.
@sync_to_async
def _authorise(person: User, attempt_id: uuid.UUID) -> None:
    try:
        attempt_of(person, attempt_id)
    finally:
        connection.close()


@sync_to_async
def _is_active(attempt_id: uuid.UUID) -> bool:
    try:
        # A page that follows an attempt is somebody who is at its machines.
        touch_attempt(attempt_id)
        return Attempt.objects.filter(pk=attempt_id, state=Attempt.State.ACTIVE).exists()
    finally:
        connection.close()
