"""The instructor's pages about the tutor: a class, its hints, one hint, settings, all exercises."""

import uuid
from typing import cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from range.accounts.access import record_access
from range.accounts.models import User
from range.workspace.presenters.attempt import url_or_nothing
from tutor import class_hints, class_view, steering
from tutor.class_pages import exercises_for, filters_of, hint_page
from tutor.forms import SettingsForm
from tutor.rungs import RUNGS

FOLDER = "tutor/teaching"
CLASS = f"{FOLDER}/class.html"
HINT = f"{FOLDER}/hint.html"
PER_PAGE = 50


@never_cache
@require_safe
def tutor_exercises(request: HttpRequest) -> HttpResponse:
    """Show the tutor's work in every exercise of the viewer's organisations."""
    context = {"lines": exercises_for(request.user), "knowledge_url": url_or_nothing("knowledge")}
    return render(request, f"{FOLDER}/exercises.html", context)


@never_cache
@require_safe
def tutor_class(request: HttpRequest, exercise_id: uuid.UUID) -> HttpResponse:
    """Show where a class is stuck, what it asks, and what came lately."""
    exercise = steering.exercise_to_steer(request.user, exercise_id)
    context = {
        "exercise": exercise,
        "chosen": steering.settings_of(exercise),
        "objectives": class_view.objective_lines(exercise),
        "questions": class_view.questions_of(exercise),
        "counts": class_hints.counts_of([exercise]).get(exercise.pk),
        "lately": class_view.lately(exercise),
        "knowledge_url": url_or_nothing("knowledge"),
    }
    return render(request, CLASS, context)


@never_cache
@require_safe
def tutor_lately(request: HttpRequest, exercise_id: uuid.UUID) -> HttpResponse:
    """Show the newest hints as they are now."""
    exercise = steering.exercise_to_steer(request.user, exercise_id)
    context = {"exercise": exercise, "lately": class_view.lately(exercise)}
    return render(request, f"{CLASS}#tutor-lately", context)


@never_cache
@require_safe
def tutor_hints(request: HttpRequest, exercise_id: uuid.UUID) -> HttpResponse:
    """List the hints of an exercise, newest first, as the filters in the address say."""
    exercise = steering.exercise_to_steer(request.user, exercise_id)
    wanted = filters_of(request.GET)
    page = Paginator(class_hints.chosen(exercise, wanted), PER_PAGE).get_page(
        request.GET.get("page")
    )
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "exercise": exercise,
        "wanted": wanted,
        "page": page,
        "lines": class_view.lines_of(exercise, list(page)),
        "titles": class_view.titles_of(exercise),
        "rungs": RUNGS,
        "query": query.urlencode(),
    }
    return render(request, f"{FOLDER}/hints.html", context)


@never_cache
@require_safe
def tutor_hint(request: HttpRequest, exercise_id: uuid.UUID, hint_id: uuid.UUID) -> HttpResponse:
    """Show one hint with what the tutor saw, its passages and the guard's verdict."""
    exercise = steering.exercise_to_steer(request.user, exercise_id)
    hint = class_hints.hint_of(exercise, hint_id)
    record_access(
        cast(User, request.user), subject_id=hint.attempt.trainee_id, what=f"hint {hint.pk}"
    )
    return render(request, HINT, hint_page(exercise, hint))


@require_POST
def note_hint(request: HttpRequest, exercise_id: uuid.UUID, hint_id: uuid.UUID) -> HttpResponse:
    """Take what an instructor did about a hint."""
    exercise = steering.exercise_to_steer(request.user, exercise_id)
    hint = class_hints.hint_of(exercise, hint_id)
    text = request.POST.get("text", "")
    try:
        class_hints.add_note(hint, person=cast(User, request.user), text=text)
    except class_hints.NoteRefused as refusal:
        context = hint_page(exercise, hint) | {"problem": refusal.message}
        return render(request, HINT, context, status=refusal.status)
    messages.success(request, "Kept. The hint has left the list of what awaits a look.")
    return redirect("tutor-hint", exercise.pk, hint.pk)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tutor_settings(request: HttpRequest, exercise_id: uuid.UUID) -> HttpResponse:
    """Show and change how the tutor behaves in an exercise."""
    exercise = steering.exercise_to_steer(request.user, exercise_id)
    given = request.POST if request.method == "POST" else None
    form = SettingsForm(given, exercise=exercise, chosen=steering.settings_of(exercise))
    if given is not None and form.is_valid():
        changed = steering.change(exercise, form.wanted(), person=cast(User, request.user))
        messages.success(request, "Kept. It holds from the next hint on." if changed else
                         "Nothing was different, so nothing changed.")  # fmt: skip
        return redirect("tutor-class", exercise.pk)
    context = {"exercise": exercise, "form": form}
    status = 422 if form.errors else 200
    return render(request, f"{FOLDER}/settings.html", context, status=status)
