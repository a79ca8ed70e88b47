"""The page of one exercise: everybody at work, what to do to them, and what to tell them."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from range.accounts.access import record_access
from range.accounts.models import User
from range.exercises.assigning import close, exercise_of
from range.exercises.models import Attempt, Exercise
from range.exercises.windows import window_of
from range.lib.errors import RangeError
from range.teaching.at_work import class_at_work
from range.teaching.forms import UntilForm, zone_of
from range.teaching.presenters import happenings_of
from range.teaching.steering import (
    ACTIONS,
    WORDS_AT_MOST,
    Action,
    at_work,
    say,
    steer,
)
from range.teaching.views.cohorts import teacher
from range.workspace.presenters.attempt import url_or_nothing

PAGE = "teaching/exercise.html"
TRAINEE = "teaching/trainee.html"
CONFIRM = "teaching/confirm.html"


@never_cache
@require_safe
def exercise(request: HttpRequest, exercise_id: uuid.UUID) -> HttpResponse:
    """Show everybody of the cohort at work on an exercise."""
    found = exercise_of(request.user, exercise_id)
    context = _common(request, found) | {
        "at_work": class_at_work(found),
        "happenings": happenings_of(found.pk),
        "wall_url": url_or_nothing("exercise-wall", found.pk),
    }
    return render(request, PAGE, context)


@never_cache
@require_safe
def exercise_panel(request: HttpRequest, exercise_id: uuid.UUID) -> HttpResponse:
    """Show the table as it is now."""
    found = exercise_of(request.user, exercise_id)
    context = {"exercise": found, "at_work": class_at_work(found)}
    return render(request, f"{PAGE}#exercise-panel", context)


@never_cache
@require_safe
def exercise_trainee(
    request: HttpRequest, exercise_id: uuid.UUID, person_id: uuid.UUID
) -> HttpResponse:
    """Show one trainee at work, and what can be done for them."""
    found = exercise_of(request.user, exercise_id)
    person = _trainee(found, person_id)
    record_access(teacher(request), subject_id=person.pk, what=f"work on exercise {found.pk}")
    shown = class_at_work(found, only=person)
    line = shown.lines[0]
    context = _common(request, found) | {"at_work": shown, "line": line, "person": person}
    context["own_window"] = line.window
    return render(request, TRAINEE, context)


def _common(request: HttpRequest, found: Exercise) -> dict[str, object]:
    zone = zone_of(teacher(request))
    window = window_of(found)
    ends = (
        {"until": window.closes_at.astimezone(zone).replace(tzinfo=None)}
        if window.closes_at
        else {}
    )
    return {
        "exercise": found,
        "window": window,
        "actions": ACTIONS,
        "until_form": UntilForm(zone=zone, initial=ends),
        "words": WORDS_AT_MOST,
    }


def _trainee(found: Exercise, person_id: uuid.UUID) -> User:
    """Return somebody of the cohort, or who has worked on the exercise."""
    tried = Attempt.objects.filter(exercise=found).values("trainee")
    people = User.objects.filter(pk=person_id)
    person = (
        people.filter(memberships__cohort=found.cohort, memberships__role="TRAINEE")
        | people.filter(pk__in=tried)
    ).first()
    if person is None:
        raise Http404
    return person


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def steer_all(request: HttpRequest, exercise_id: uuid.UUID, action: str) -> HttpResponse:
    """Do one thing to everybody at work; what loses something is asked first."""
    return _steer(request, exercise_of(request.user, exercise_id), None, _action(action))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def steer_one(
    request: HttpRequest, exercise_id: uuid.UUID, person_id: uuid.UUID, action: str
) -> HttpResponse:
    """Do one thing to one trainee's attempt; what loses something is asked first."""
    found = exercise_of(request.user, exercise_id)
    return _steer(request, found, _trainee(found, person_id), _action(action))


def _action(name: str) -> Action:
    if name not in ACTIONS:
        raise Http404
    return ACTIONS[name]


def _steer(
    request: HttpRequest, found: Exercise, person: User | None, action: Action
) -> HttpResponse:
    back = _page_of(found, person)
    if request.method != "POST":
        who = person.shown_name if person else "everybody"
        count = len(at_work(found, person))
        context = {"action": action, "who": who, "count": count, "back_url": back}
        return render(request, CONFIRM, context)
    try:
        report = steer(at_work(found, person), action, viewer=teacher(request))
    except RangeError as refusal:
        messages.error(request, refusal.message)
    else:
        tell = messages.success if report.done else messages.error
        tell(request, report.sentence)
    # The button in the table leads back to the table.
    return redirect(_page_of(found, None) if request.GET.get("to") == "class" else back)


def _page_of(found: Exercise, person: User | None) -> str:
    if person is None:
        return reverse("exercise", args=[found.pk])
    return reverse("exercise-trainee", args=[found.pk, person.pk])


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def close_exercise(request: HttpRequest, exercise_id: uuid.UUID) -> HttpResponse:
    """Ask, and then end the window now."""
    found = exercise_of(request.user, exercise_id)
    if request.method != "POST":
        context = {"exercise": found, "closing": True, "back_url": _page_of(found, None)}
        return render(request, CONFIRM, context)
    closed = close(found, viewer=teacher(request))
    words = "The exercise is closed." if closed else "The exercise was closed already."
    messages.success(request, words)
    return redirect("exercise", found.pk)


@require_POST
def send_message(request: HttpRequest, exercise_id: uuid.UUID) -> HttpResponse:
    """Show a message to everybody at work, or to one trainee."""
    found = exercise_of(request.user, exercise_id)
    person = None
    if wanted := request.POST.get("trainee", ""):
        person = _trainee(found, _uuid(wanted))
    attempts = at_work(found, person)
    text = request.POST.get("text", "")
    try:
        count = say(found, attempts, text, viewer=teacher(request), to_all=person is None)
    except RangeError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, f"Shown to {count} trainee{'' if count == 1 else 's'}.")
    return redirect(_page_of(found, person))


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as nonsense:
        raise Http404 from nonsense
