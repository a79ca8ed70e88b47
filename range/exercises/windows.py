"""When an exercise may be begun, by whom and how often; refused in words otherwise."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from range.accounts.models import Membership, User
from range.exercises.models import Attempt, Exercise, Extension
from range.lib.errors import RangeError


class ExerciseRefused(RangeError):
    """This trainee cannot begin this exercise now."""

    def __init__(self, message: str, *, reason: str, retryable: bool = False) -> None:
        super().__init__(message, reason=reason, status=409, retryable=retryable)


@dataclass(frozen=True, kw_only=True)
class Window:
    """From when until when an exercise may be begun.

    Args:
        closes_at: None where it stays open.
        extended: Whether one trainee has longer than the others.
    """

    opens_at: datetime
    closes_at: datetime | None
    extended: bool = False

    @property
    def state(self) -> str:
        """Return `coming`, `open` or `closed`, as it is now."""
        now = timezone.now()
        if self.closes_at is not None and self.closes_at <= now:
            return "closed"
        return "coming" if self.opens_at > now else "open"


def window_of(exercise: Exercise) -> Window:
    """Return the window that holds for everybody without an extension."""
    return Window(opens_at=exercise.opens_at, closes_at=exercise.closes_at)


def window_for(exercise: Exercise, trainee_id: uuid.UUID) -> Window:
    """Return the window that holds for one trainee."""
    if exercise.closes_at is None:
        return window_of(exercise)
    found = Extension.objects.filter(exercise=exercise, trainee=trainee_id).first()
    return extended(exercise, found.closes_at if found else None)


def extended(exercise: Exercise, until: datetime | None) -> Window:
    """Return the window with a trainee's own end, where that is later.

    Args:
        until: The trainee's own end; None without an extension.
    """
    closes_at = exercise.closes_at
    if until is None or closes_at is None or until <= closes_at:
        return window_of(exercise)
    return Window(opens_at=exercise.opens_at, closes_at=until, extended=True)


def assigned_to(person: User) -> QuerySet[Exercise]:
    """Return what the person's cohorts were given, whatever the hour, what ends first first."""
    cohorts = person.memberships.filter(
        role=Membership.Role.TRAINEE, cohort__archived_at=None
    ).exclude(cohort=None)
    return (
        Exercise.objects.filter(cohort__in=cohorts.values("cohort"))
        .select_related("version__scenario", "organisation", "cohort")
        .order_by("closes_at", "opens_at")
    )


def refuse_to_begin(trainee: User, exercise: Exercise) -> None:
    """Refuse a new attempt outside of the window, or beyond the attempts allowed.

    Raises:
        ExerciseRefused: Not open yet, closed, or every attempt was used.
    """
    window = window_for(exercise, trainee.pk)
    refuse_outside(window)
    allowed = exercise.attempts_allowed
    if allowed is None:
        return
    used = Attempt.objects.filter(trainee=trainee, exercise=exercise).count()
    if used >= allowed:
        times = "once" if allowed == 1 else f"{allowed} times"
        raise ExerciseRefused(
            f"This exercise can be attempted {times}, and you have. Ask your instructor if you "
            "need another attempt.",
            reason="attempts-used",
        )


def refuse_outside(window: Window) -> None:
    """Refuse what a window does not allow now.

    Raises:
        ExerciseRefused: Not open yet, or closed.
    """
    if window.state == "coming":
        raise ExerciseRefused(
            "This exercise is not open yet. Its page says from when it can be launched.",
            reason="not-open-yet",
            retryable=True,
        )
    if window.state == "closed":
        raise ExerciseRefused(
            "This exercise is closed, so nothing new can be launched in it. Ask your instructor "
            "to extend it for you.",
            reason="exercise-closed",
        )
