"""What an instructor did or said, shown in the workspace until it is put away."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from range.exercises.models import Attempt
from range.exercises.services import attempt_of
from range.workspace.presenters.messages import messages_of

PANEL = "workspace/_messages.html#messages-panel"
# A session remembers so many of an attempt; older messages are not shown anyway.
KEPT = 50


@never_cache
@require_safe
def messages_panel(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Show the newest few; nothing is sent to a page that shows them already."""
    attempt = attempt_of(request.user, attempt_id)
    told = messages_of(attempt, dismissed=_put_away(request, attempt))
    if request.GET.get("seen") == told.seen:
        return HttpResponse(status=204)
    return render(request, PANEL, {"attempt": attempt, "told": told})


@require_POST
def dismiss_message(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Put a message away; it stays in the time line."""
    attempt = attempt_of(request.user, attempt_id)
    number = request.POST.get("number", "")
    if number.isascii() and number.isdigit() and len(number) < 9:
        kept = [*_put_away(request, attempt), int(number)]
        request.session[_key(attempt)] = list(dict.fromkeys(kept))[-KEPT:]
    if request.headers.get("HX-Request") != "true":
        return redirect("workspace", attempt.pk)
    told = messages_of(attempt, dismissed=_put_away(request, attempt))
    return render(request, PANEL, {"attempt": attempt, "told": told})


def _put_away(request: HttpRequest, attempt: Attempt) -> list[int]:
    return list(request.session.get(_key(attempt), ()))


def _key(attempt: Attempt) -> str:
    return f"put-away-{attempt.pk}"
