"""Exercises: assigned, changed before they open, closed and extended."""

import uuid
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from range.accounts.cohorts import cohort_of, member_of, schools_for
from range.accounts.models import User
from range.exercises import assigning
from range.exercises.models import Exercise
from range.exercises.windows import window_of
from range.teaching.forms import TermsForm, UntilForm, zone_of
from range.teaching.views.cohorts import teacher

ASSIGN = "teaching/assign.html"
USUAL_LENGTH = timedelta(days=7)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def assign_exercise(request: HttpRequest) -> HttpResponse:
    """Give a scenario to a cohort."""
    return _terms(request, None)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def change_exercise(request: HttpRequest, exercise_id: uuid.UUID) -> HttpResponse:
    """Change an exercise that has not opened yet."""
    return _terms(request, assigning.exercise_of(request.user, exercise_id))


def _terms(request: HttpRequest, exercise: Exercise | None) -> HttpResponse:
    viewer, schools = teacher(request), schools_for(request.user)
    given = request.POST if request.method == "POST" else None
    form = TermsForm(given, schools=schools, initial=_initial(request, viewer, exercise))
    if given is not None and form.is_valid():
        saved = _save(form, exercise, viewer)
        if saved is not None:
            return redirect("exercise", saved.pk)
    context = {
        "form": form,
        "exercise": exercise,
        "too_late": exercise is not None and window_of(exercise).state != "coming",
    }
    return render(request, ASSIGN, context, status=422 if form.errors else 200)


def _save(form: TermsForm, exercise: Exercise | None, viewer: User) -> Exercise | None:
    given = dict(form.cleaned_data)
    zone = given.pop("time_zone")
    terms = assigning.Terms(**given)
    try:
        if exercise is None:
            exercise = assigning.assign(terms, viewer=viewer)
        else:
            assigning.change(exercise, terms, viewer=viewer)
    except assigning.AssigningRefused as refusal:
        form.add_error(None, refusal.message)
        return None
    User.objects.filter(pk=viewer.pk).exclude(time_zone=zone).update(time_zone=zone)
    return exercise


def _initial(request: HttpRequest, viewer: User, exercise: Exercise | None) -> dict[str, object]:
    zone = zone_of(viewer)
    if exercise is None:
        return _usual(zone) | {"cohort": request.GET.get("cohort")}
    opens, closes = exercise.opens_at, exercise.closes_at
    return {
        "version": exercise.version_id,
        "cohort": exercise.cohort_id,
        "policy": exercise.policy,
        "time_zone": zone.key,
        "opens_at": opens.astimezone(zone).replace(tzinfo=None),
        "closes_at": closes.astimezone(zone).replace(tzinfo=None) if closes else None,
        "attempts_allowed": exercise.attempts_allowed,
    }


def _usual(zone: ZoneInfo) -> dict[str, object]:
    now = timezone.now().astimezone(zone).replace(second=0, microsecond=0, tzinfo=None)
    return {
        "policy": Exercise.Policy.PRACTICE,
        "time_zone": zone.key,
        "opens_at": now,
        "closes_at": now + USUAL_LENGTH,
    }


@require_POST
def extend_window(request: HttpRequest, exercise_id: uuid.UUID) -> HttpResponse:
    """Move the end of the window, for everybody or for one trainee."""
    exercise = assigning.exercise_of(request.user, exercise_id)
    viewer = teacher(request)
    person = _one_of(request, exercise)
    form = UntilForm(request.POST, zone=zone_of(viewer))
    if not form.is_valid():
        messages.error(request, "Nothing was changed: the new end is no date and time.")
    else:
        try:
            _extend(exercise, person, form, viewer)
        except assigning.AssigningRefused as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, f"Extended for {person.shown_name if person else 'all'}.")
    if person is None:
        return redirect("exercise", exercise.pk)
    return redirect("exercise-trainee", exercise.pk, person.pk)


def _one_of(request: HttpRequest, exercise: Exercise) -> User | None:
    wanted = request.POST.get("trainee", "")
    if not wanted:
        return None
    try:
        pk = uuid.UUID(wanted)
    except ValueError as nonsense:
        raise assigning.ExerciseMissing from nonsense
    return member_of(cohort_of(request.user, _cohort_id(exercise)), pk)


def _cohort_id(exercise: Exercise) -> uuid.UUID:
    if exercise.cohort_id is None:
        raise assigning.ExerciseMissing
    return exercise.cohort_id


def _extend(exercise: Exercise, person: User | None, form: UntilForm, viewer: User) -> None:
    until = form.cleaned_data["until"]
    if person is None:
        assigning.extend(exercise, until, viewer=viewer)
    else:
        assigning.extend_for(exercise, person, until, viewer=viewer)
