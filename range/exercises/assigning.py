"""What an instructor does to an exercise: assign, change, close, extend."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from range.accounts.access import Viewer, can_teach_in
from range.accounts.cohorts import actor_of
from range.accounts.models import Cohort, User
from range.catalog.models import ScenarioVersion
from range.exercises.models import Attempt, Exercise, Extension
from range.exercises.windows import window_for
from range.lib.errors import RangeError
from range.lib.notify import notify
from range.timeline.services import record

ATTEMPTS_AT_MOST = 20


class ExerciseMissing(RangeError):
    """There is no such exercise, or it is another organisation's; both look the same."""

    def __init__(self) -> None:
        super().__init__(
            "There is no such exercise of your cohorts. Choose one under Teaching.",
            reason="exercise-missing",
            status=404,
        )


class AssigningRefused(RangeError):
    """The exercise cannot be as it was asked for."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message, reason=reason, status=422)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Under which conditions a cohort works on a scenario version.

    Args:
        closes_at: None where it stays open.
        attempts_allowed: None for any number.
    """

    version: ScenarioVersion
    cohort: Cohort
    policy: str
    opens_at: datetime
    closes_at: datetime | None
    attempts_allowed: int | None


def exercise_of(viewer: Viewer, exercise_id: uuid.UUID) -> Exercise:
    """Return an exercise assigned to a cohort of the viewer's own organisations.

    Raises:
        ExerciseMissing: It does not exist, is nobody's cohort's, or another organisation's.
    """
    known = Exercise.objects.select_related("version__scenario", "cohort", "organisation")
    exercise = known.filter(pk=exercise_id).exclude(cohort=None).first()
    if exercise is None or not can_teach_in(viewer, exercise.organisation_id):
        raise ExerciseMissing
    return exercise


def assign(terms: Terms, *, viewer: User) -> Exercise:
    """Give a scenario version to a cohort.

    Raises:
        AssigningRefused: The window, cohort or number of attempts makes no sense.
    """
    _refuse_senseless(terms)
    with transaction.atomic():
        exercise = Exercise.objects.create(
            version=terms.version,
            cohort=terms.cohort,
            organisation_id=terms.cohort.organisation_id,
            policy=terms.policy,
            opens_at=terms.opens_at,
            closes_at=terms.closes_at,
            attempts_allowed=terms.attempts_allowed,
        )
        _note(exercise, "exercise.assigned", viewer, **_told(terms))
    return exercise


def change(exercise: Exercise, terms: Terms, *, viewer: User) -> None:
    """Change an exercise that has not opened yet and that nobody has begun.

    Raises:
        AssigningRefused: It is open already, or the new terms make no sense.
    """
    _refuse_senseless(terms)
    with transaction.atomic():
        waiting = Exercise.objects.select_for_update().filter(
            pk=exercise.pk, opens_at__gt=timezone.now()
        )
        changed = waiting.update(
            version=terms.version,
            cohort=terms.cohort,
            organisation_id=terms.cohort.organisation_id,
            policy=terms.policy,
            opens_at=terms.opens_at,
            closes_at=terms.closes_at,
            attempts_allowed=terms.attempts_allowed,
        )
        if not changed:
            raise AssigningRefused(
                "The exercise has opened, so what it is cannot change under its trainees. Close "
                "it or extend it instead.",
                reason="already-open",
            )
        _note(exercise, "exercise.changed", viewer, **_told(terms))


def close(exercise: Exercise, *, viewer: User) -> bool:
    """End the window now; whoever is at work goes on until the machines' time is over.

    Own extensions end with it. Before it opens, it then never does.

    Returns:
        Whether it was open until now.
    """
    now = timezone.now()
    with transaction.atomic():
        row = Exercise.objects.select_for_update().get(pk=exercise.pk)
        ends = max(now, row.opens_at)
        gone = Extension.objects.filter(exercise=row, closes_at__gt=now).delete()[0]
        open_still = row.closes_at is None or row.closes_at > ends
        if open_still:
            Exercise.objects.filter(pk=row.pk).update(closes_at=ends)
        if open_still or gone:
            _note(exercise, "exercise.closed", viewer)
    return bool(open_still or gone)


def extend(exercise: Exercise, until: datetime, *, viewer: User) -> None:
    """Move the end of the window for everybody; it may open a closed one again.

    Raises:
        AssigningRefused: The new end is not later than now and than the present end.
    """
    _refuse_earlier(until, exercise.closes_at)
    with transaction.atomic():
        Exercise.objects.filter(pk=exercise.pk).update(closes_at=until)
        told = {"until": until.isoformat(timespec="seconds")}
        _note(exercise, "exercise.extended", viewer, **told)
        for attempt in Attempt.objects.open().filter(exercise=exercise):
            _tell(attempt, viewer, told)


def extend_for(exercise: Exercise, trainee: User, until: datetime, *, viewer: User) -> None:
    """Let one trainee begin until later than the others.

    Raises:
        AssigningRefused: The exercise never closes, or the new end is not later.
    """
    if exercise.closes_at is None:
        raise AssigningRefused(
            "This exercise has no end, so there is nothing to extend.", reason="never-closes"
        )
    _refuse_earlier(until, window_for(exercise, trainee.pk).closes_at)
    with transaction.atomic():
        Extension.objects.update_or_create(
            exercise=exercise, trainee=trainee, defaults={"closes_at": until}
        )
        told = {"until": until.isoformat(timespec="seconds")}
        _note(exercise, "exercise.extended_for", viewer, trainee=str(trainee.pk), **told)
        for attempt in Attempt.objects.open().filter(exercise=exercise, trainee=trainee):
            _tell(attempt, viewer, told)


def _refuse_senseless(terms: Terms) -> None:
    if terms.cohort.archived_at is not None:
        raise AssigningRefused(
            "This cohort is archived. Restore it or choose another.", reason="archived"
        )
    if terms.closes_at is not None and terms.closes_at <= max(terms.opens_at, timezone.now()):
        raise AssigningRefused(
            "The exercise must close later than it opens, and later than now.",
            reason="closes-too-early",
        )
    allowed = terms.attempts_allowed
    if allowed is not None and not 1 <= allowed <= ATTEMPTS_AT_MOST:
        raise AssigningRefused(
            f"Each trainee may have 1 to {ATTEMPTS_AT_MOST} attempts, or any number.",
            reason="out-of-bounds",
        )


def _refuse_earlier(until: datetime, present: datetime | None) -> None:
    if present is None:
        raise AssigningRefused(
            "This exercise has no end, so there is nothing to extend.", reason="never-closes"
        )
    if until <= max(present, timezone.now()):
        raise AssigningRefused(
            "The new end must be later than the present one, and later than now.",
            reason="not-later",
        )


def _told(terms: Terms) -> dict[str, object]:
    return {
        "scenario": terms.version.digest,
        "cohort": str(terms.cohort.pk),
        "policy": terms.policy,
        "opens": terms.opens_at.isoformat(timespec="seconds"),
        "until": terms.closes_at.isoformat(timespec="seconds") if terms.closes_at else None,
        "attempts": terms.attempts_allowed,
    }


def _note(exercise: Exercise, kind: str, viewer: User, **payload: object) -> None:
    # An exercise has a time line of its own, under its own id.
    record(exercise.pk, kind=kind, actor=actor_of(viewer), payload=payload)


def _tell(attempt: Attempt, viewer: User, payload: dict[str, str]) -> None:
    record(attempt.pk, kind="exercise.extended", actor=actor_of(viewer), payload=payload)
    notify("attempt_changed", f"{attempt.pk} messages")
