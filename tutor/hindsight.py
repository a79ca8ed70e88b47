"""What the tutor had before it when it gave a hint, folded once more from the timeline."""

from dataclasses import dataclass

from range.assessment.models import Evidence
from range.assessment.status import status_of
from range.timeline.services import events_of
from tutor import happenings as timeline
from tutor.context import fold, render
from tutor.models import Hint
from tutor.situation import KINDS


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The trainee's state at the moment of a hint.

    Args:
        is_exact: The digest that was kept with the hint says that it is the very same.
    """

    text: str
    stuck: float
    is_exact: bool


def seen_at(hint: Hint) -> Seen:
    """Fold what had happened before a hint was asked for."""
    attempt, at = hint.attempt, hint.asked_at
    events = events_of(attempt.pk, kinds=KINDS).filter(at__lt=at)
    objectives = status_of(attempt)
    later = set(
        Evidence.objects.filter(attempt=attempt, observed_at__gte=at).values_list(
            "objective__key", flat=True
        )
    )
    state = fold(
        timeline.read(events),
        {
            "objectives": [{"key": each.key, "title": each.title} for each in objectives],
            "estimated_minutes": attempt.exercise.version.spec.get("estimated_minutes"),
        },
        hint.objective,
        now=at,
        met={each.key for each in objectives if each.is_met and each.key not in later},
    )
    return Seen(text=render(state), stuck=state.stuck, is_exact=state.digest == hint.context_digest)
