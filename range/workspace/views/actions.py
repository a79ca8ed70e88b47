"""What a trainee does to an attempt: hand in, check, stop, reset, extend, finish."""

import uuid
from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from range.accounts.models import User
from range.assessment import services as assessment
from range.exercises import services as exercises
from range.exercises.models import Attempt
from range.exercises.windows import refuse_outside, window_for
from range.lib.errors import RangeError
from range.sandboxes import services as sandboxes
from range.workspace.presenters.objectives import Refused
from range.workspace.views.attempt import advise, render_objectives, render_sandbox


def _actor(request: HttpRequest) -> str:
    return f"trainee:{cast(User, request.user).pk}"


def _active(request: HttpRequest, attempt_id: uuid.UUID) -> Attempt:
    return exercises.active_attempt_of(request.user, attempt_id)


def _is_part(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def _sandbox_answer(request: HttpRequest, attempt: Attempt) -> HttpResponse:
    if _is_part(request):
        return render_sandbox(request, attempt)
    return redirect("workspace", attempt.pk)


@require_POST
def submit_answer(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Judge an answer or flag at once and show the objectives with the result in place."""
    attempt = _active(request, attempt_id)
    refused = _hand_in(request, attempt)
    if _is_part(request):
        return render_objectives(request, attempt, refused=refused)
    if refused is not None:
        messages.error(request, refused.problem)
    return redirect("workspace", attempt.pk)


def _hand_in(request: HttpRequest, attempt: Attempt) -> Refused | None:
    """Hand in what the form holds; None when it was accepted."""
    objective, check, value = (request.POST.get(k, "") for k in ("objective", "check", "value"))
    try:
        receipt = assessment.submit(attempt, objective=objective, check=check, value=value)
    except RangeError as refusal:
        problem = refusal.message
    else:
        if receipt.accepted:
            return None
        problem = receipt.message
    return Refused(objective=objective, check=check, given=value[:500], problem=problem)


@require_POST
def run_checks(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Ask the checker to look now; the objectives follow by themselves."""
    attempt = _active(request, attempt_id)
    exercises.want_checks(attempt.pk)
    advise(request, attempt)
    attempt.refresh_from_db(fields=["checks_wanted_at", "checks_run_at"])
    if _is_part(request):
        return render_objectives(request, attempt)
    return redirect("workspace", attempt.pk)


@require_POST
def stop_sandbox(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Ask that the machines end; the attempt stays open."""
    attempt = _active(request, attempt_id)
    sandboxes.stop(attempt, actor=_actor(request))
    return _sandbox_answer(request, attempt)


@require_POST
def reset_sandbox(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Ask for fresh machines in place of the present ones, or where there are none."""
    attempt = _active(request, attempt_id)
    if sandboxes.live_sandbox(attempt) is None:
        # Machines that run may be replaced at any time; new ones are a launch like any other.
        refuse_outside(window_for(attempt.exercise, attempt.trainee_id))
    sandboxes.reset(attempt, actor=_actor(request))
    return _sandbox_answer(request, attempt)


@require_POST
def reset_machine(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Ask for a fresh machine in place of one; the others go on."""
    attempt = _active(request, attempt_id)
    sandboxes.reset_machine(attempt, request.POST.get("machine", ""), actor=_actor(request))
    return _sandbox_answer(request, attempt)


@require_POST
def extend_sandbox(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Move the end of the machines' time."""
    attempt = _active(request, attempt_id)
    sandboxes.extend(attempt, actor=_actor(request))
    return _sandbox_answer(request, attempt)


@require_POST
def finish_attempt(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Close the attempt and open its debrief, which follows the grading."""
    attempt = exercises.attempt_of(request.user, attempt_id)
    exercises.finish(attempt.pk, reason="finished", actor=_actor(request))
    return redirect("debrief", attempt.pk)
