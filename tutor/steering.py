"""What an instructor sets for the tutor of one exercise, and what follows from it for a hint."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings as site
from django.db import transaction

from range.accounts.access import Viewer, can_steer_tutor
from range.accounts.cohorts import actor_of
from range.accounts.models import User
from range.catalog.services import spec_of
from range.exercises.assigning import ExerciseMissing
from range.exercises.models import Exercise
from range.lib.errors import RangeError
from range.timeline.services import record
from tutor.models import AVOIDED_LONGEST, TutorSettings
from tutor.policy import Limits
from tutor.retrieval import Narrowed

CHANGED = "tutor.settings_changed"
AVOIDED_AT_MOST = 40
Mode = TutorSettings.Mode


class SteeringRefused(RangeError):
    """The tutor cannot be set like this."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="tutor-settings", status=422)


def exercise_to_steer(viewer: Viewer, exercise_id: uuid.UUID) -> Exercise:
    """Return an exercise of the viewer's own organisations, assigned or open to all of one.

    Raises:
        ExerciseMissing: It does not exist, or is another organisation's.
    """
    known = Exercise.objects.select_related("version__scenario", "cohort", "organisation")
    exercise = known.filter(pk=exercise_id).first()
    if exercise is None or not can_steer_tutor(viewer, exercise.organisation_id):
        raise ExerciseMissing
    return exercise


def settings_of(exercise: Exercise) -> TutorSettings:
    """Return what was set, else what holds where nothing was: assessed means off."""
    found = TutorSettings.objects.filter(exercise=exercise).first()
    is_assessed = exercise.policy == Exercise.Policy.ASSESSED
    if found is None:
        return TutorSettings(exercise=exercise, mode=Mode.OFF if is_assessed else Mode.ON)
    if is_assessed and found.mode == Mode.ON:
        # What was set for practice says nothing about equal conditions.
        found.mode = Mode.OFF
    return found


def limits_of(exercise: Exercise) -> Limits:
    """Return what the scenario, the operator and the instructor allow, the least of each."""
    chosen = settings_of(exercise)
    highest = spec_of(exercise.version).tutor.max_rung
    hourly = site.TUTOR_HINTS_PER_HOUR
    return Limits(
        enabled=chosen.mode != Mode.OFF,
        why_off=_why_off(exercise) if chosen.mode == Mode.OFF else "",
        is_counted=chosen.mode == Mode.ASSESSED,
        max_rung=highest if chosen.max_rung is None else min(highest, chosen.max_rung),
        hints_per_hour=min(hourly, chosen.hints_per_hour or hourly),
        offers=chosen.offers,
    )


def narrowed(chosen: TutorSettings) -> Narrowed:
    """Return what is left of the passages."""
    return Narrowed(
        own_only=chosen.sources == TutorSettings.Sources.SCENARIO,
        left_out=tuple(chosen.left_out),
        avoid=tuple(chosen.avoid),
    )


def _why_off(exercise: Exercise) -> str:
    if exercise.policy == Exercise.Policy.ASSESSED:
        return "The tutor is off in an assessed attempt: you work from the brief and the machines."
    return "Your instructor has switched the tutor off in this exercise."


def change(exercise: Exercise, wanted: Mapping[str, Any], *, person: User) -> list[str]:
    """Set the tutor of an exercise; return which settings changed.

    Raises:
        SteeringRefused: Help that is not counted has no place in an assessed exercise.
    """
    if wanted["mode"] == Mode.ON and exercise.policy == Exercise.Policy.ASSESSED:
        raise SteeringRefused(
            "This exercise is assessed: the tutor is either off, or on and counted."
        )
    with transaction.atomic():
        Exercise.objects.select_for_update().get(pk=exercise.pk)
        before = settings_of(exercise)
        changed = sorted(key for key, value in wanted.items() if getattr(before, key) != value)
        if changed:
            TutorSettings.objects.update_or_create(exercise=exercise, defaults=dict(wanted))
            record(
                exercise.pk,
                kind=CHANGED,
                actor=actor_of(person),
                payload={"settings": changed, "set_to": {key: wanted[key] for key in changed}},
            )
    return changed


def avoided(text: str) -> list[str]:
    """Read an avoid-list, one word or phrase a line.

    Raises:
        SteeringRefused: There are too many, or one is no words or too long.
    """
    lines = list(dict.fromkeys(" ".join(line.split()) for line in text.splitlines()))
    found = [line for line in lines if line]
    longest = AVOIDED_LONGEST
    if len(found) > AVOIDED_AT_MOST:
        raise SteeringRefused(f"Name at most {AVOIDED_AT_MOST} words or phrases to avoid.")
    for each in found:
        if len(each) > longest or len(re.findall(r"\w", each)) < 2:
            raise SteeringRefused(
                f"“{each[:40]}” cannot be avoided: use 2 to {longest} characters a line."
            )
    return found
