"""Gathers what one attempt looks like to the tutor: state, ladder, limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from range.assessment.status import ObjectiveStatus, status_of
from range.exercises.models import Attempt
from range.lib.errors import RangeError
from range.timeline.services import events_of
from tutor import happenings as timeline
from tutor.context import TraineeState, fold, ladder_of
from tutor.policy import Ladder, Limits
from tutor.steering import limits_of

# What the fold reads; a long attempt has many other events.
KINDS = (
    "attempt.begun",
    timeline.COMMAND,
    timeline.EVIDENCE,
    timeline.REFUSED,
    timeline.HINT_ASKED,
    timeline.HINT_UNLOCKED,
)


class ObjectiveUnknown(RangeError):
    """A request names an objective that the scenario does not have."""

    def __init__(self) -> None:
        super().__init__(
            "That objective is not part of this scenario. Choose one from the list.",
            reason="objective-unknown",
            status=404,
        )


@dataclass(frozen=True, kw_only=True)
class Situation:
    """One objective of one attempt at one moment."""

    objectives: Sequence[ObjectiveStatus]
    state: TraineeState
    ladder: Ladder
    limits: Limits


def gather(attempt: Attempt, objective: str = "", *, now: datetime | None = None) -> Situation:
    """Fold an attempt's timeline for one objective.

    Args:
        objective: The first one that is not met when empty.

    Raises:
        ObjectiveUnknown: The scenario has no such objective.
    """
    now = now or timezone.now()
    objectives = status_of(attempt)
    key = objective or default_objective(objectives)
    if key not in {each.key for each in objectives}:
        raise ObjectiveUnknown
    read = timeline.read(events_of(attempt.pk, kinds=KINDS))
    spec = {
        "objectives": [{"key": each.key, "title": each.title} for each in objectives],
        "estimated_minutes": attempt.exercise.version.spec.get("estimated_minutes"),
    }
    met = {each.key for each in objectives if each.is_met}
    return Situation(
        objectives=objectives,
        state=fold(read, spec, key, now=now, met=met),
        ladder=ladder_of(read, key, now=now),
        limits=limits_of(attempt.exercise),
    )


def default_objective(objectives: Sequence[ObjectiveStatus]) -> str:
    """Return the first objective that is not met, else the last one."""
    waiting = [each.key for each in objectives if not each.is_met]
    return waiting[0] if waiting else objectives[-1].key
