"""What a trainee was assigned: with its window, what is left of it, and where it stands."""

import uuid
from dataclasses import dataclass

from django.http import Http404

from range.accounts.models import User
from range.exercises.models import Attempt, Exercise, Extension
from range.exercises.windows import Window, assigned_to, extended, window_for
from range.workspace.presenters.catalogue import BULKY


@dataclass(frozen=True, kw_only=True)
class Assigned:
    """One exercise that was given to somebody's cohort.

    Args:
        attempts_left: None for any number.
        attempt_state: Of the newest attempt; empty before the first.
    """

    exercise: Exercise
    window: Window
    attempts_left: int | None
    attempt_state: str

    @property
    def may_begin(self) -> bool:
        """Tell whether another attempt can be begun now."""
        return self.window.state == "open" and self.attempts_left != 0

    @property
    def is_retired(self) -> bool:
        """Tell whether the scenario was taken out of the offer; who was given it keeps it."""
        return self.exercise.version.scenario.retired_at is not None

    @property
    def is_done(self) -> bool:
        """Tell whether there is nothing to do in it any more."""
        return self.attempt_state != Attempt.State.ACTIVE and (
            self.window.state == "closed" or self.attempts_left == 0
        )


def assigned_work(person: User) -> list[Assigned]:
    """Return everything assigned to a person: what can be done, what comes, what is over."""
    exercises = list(assigned_to(person).defer(*(f"version__{name}" for name in BULKY)))
    if not exercises:
        return []
    ends = Extension.objects.filter(trainee=person, exercise__in=exercises)
    later = dict(ends.values_list("exercise", "closes_at"))
    tried: dict[uuid.UUID, list[str]] = {}
    attempts = Attempt.objects.filter(trainee=person, exercise__in=exercises)
    for exercise_id, state in attempts.order_by("started_at").values_list("exercise", "state"):
        tried.setdefault(exercise_id, []).append(state)
    found = [
        _assigned(each, extended(each, later.get(each.pk)), tried.get(each.pk, []))
        for each in exercises
    ]
    order = {"open": 0, "coming": 1, "closed": 2}
    return sorted(found, key=lambda each: (each.is_done, order[each.window.state]))


def assigned(person: User, exercise: Exercise) -> Assigned:
    """Return one exercise as it was given to a person."""
    states = Attempt.objects.filter(trainee=person, exercise=exercise).order_by("started_at")
    window = window_for(exercise, person.pk)
    return _assigned(exercise, window, list(states.values_list("state", flat=True)))


def assigned_exercise(person: User, slug: str, wanted: str) -> Exercise:
    """Return an exercise of a scenario that was assigned to a person, whatever the hour.

    Raises:
        Http404: It was not.
    """
    try:
        pk = uuid.UUID(wanted)
    except ValueError as nonsense:
        raise Http404 from nonsense
    found = assigned_to(person).filter(pk=pk, version__scenario__slug=slug).first()
    if found is None:
        raise Http404
    return found


def _assigned(exercise: Exercise, window: Window, states: list[str]) -> Assigned:
    allowed = exercise.attempts_allowed
    return Assigned(
        exercise=exercise,
        window=window,
        attempts_left=None if allowed is None else max(0, allowed - len(states)),
        attempt_state=states[-1] if states else "",
    )
