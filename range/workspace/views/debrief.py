"""The debrief: how an attempt was graded, on what evidence, and what to do next."""

import uuid
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from range.accounts.access import can_see_recording, record_access
from range.accounts.models import User
from range.exercises.models import Attempt
from range.exercises.services import AttemptMissing
from range.workspace.presenters.debrief import debrief_page

PAGE = "workspace/debrief.html"


def _visible(request: HttpRequest, attempt_id: uuid.UUID) -> Attempt:
    found = Attempt.objects.select_related("exercise__version__scenario", "trainee")
    attempt = found.filter(pk=attempt_id).first()
    if attempt is None or not can_see_recording(request.user, attempt.trainee_id):
        raise AttemptMissing
    return attempt


@require_safe
def debrief(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Show grade, evidence, moments and what to practise; whoever else looks is recorded."""
    attempt = _visible(request, attempt_id)
    viewer = cast(User, request.user)
    record_access(viewer, subject_id=attempt.trainee_id, what=f"debrief of attempt {attempt.pk}")
    return render(request, PAGE, {"debrief": debrief_page(attempt, viewer=viewer)})


@require_safe
def grade_panel(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Show the same below the heading, for the page to replace while it is being graded."""
    attempt = _visible(request, attempt_id)
    page = debrief_page(attempt, viewer=cast(User, request.user))
    return render(request, f"{PAGE}#grade-panel", {"debrief": page})
