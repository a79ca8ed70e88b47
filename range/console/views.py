"""The replay page and the recordings it plays."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from range.accounts.access import record_access
from range.accounts.models import User
from range.console import cast
from range.console.replay import replay_page
from range.console.services import attempt_to_see, played, recording_to_see

CONTENT_TYPE = "application/x-asciicast"


@require_safe
def replay(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Show all consoles of an attempt with its events; others' looks are written down."""
    attempt = attempt_to_see(request.user, attempt_id)
    is_owner = request.user.pk == attempt.trainee_id
    page = replay_page(
        attempt,
        is_owner=is_owner,
        recording=request.GET.get("recording", ""),
        machine=request.GET.get("machine", ""),
        at_ms=_milliseconds(request.GET.get("at", "")),
    )
    _note_look(request, attempt.trainee_id, f"the replay of {page.title}")
    return render(request, "console/replay.html", {"page": page})


@require_safe
def recording(request: HttpRequest, recording_id: uuid.UUID) -> HttpResponse:
    """Send a recording; secrets are masked for everybody but its owner."""
    found = recording_to_see(request.user, recording_id)
    trainee_id = found.sandbox.attempt.trainee_id
    shown = played(found, is_owner=request.user.pk == trainee_id)
    older = request.GET.get("version") == "2"
    lines = cast.written(shown, version=2 if older else 3)
    _note_look(request, trainee_id, f"a recording of {found.machine}")
    response = HttpResponse(b"".join(lines), content_type=CONTENT_TYPE)
    response["Cache-Control"] = "private, no-store"
    if "download" in request.GET:
        response["Content-Disposition"] = f'attachment; filename="{found.pk}.cast"'
    return response


def _note_look(request: HttpRequest, trainee_id: uuid.UUID, what: str) -> None:
    if isinstance(request.user, User):
        record_access(request.user, subject_id=trainee_id, what=what)


def _milliseconds(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0
