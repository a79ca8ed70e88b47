"""Where many attempts stand at once, in as many queries as for one."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from range.assessment.models import Evidence, ReviewItem
from range.assessment.runner import combined
from range.catalog.services import attempt_spec
from range.checks.base import Judgement, Outcome
from range.exercises.models import Attempt

type Judged = dict[tuple[str, str], Judgement]


@dataclass(frozen=True, kw_only=True)
class Overview:
    """Where one attempt stands.

    Args:
        states: By objective: met, waiting, partial or open.
        progress_at: When a check was last met; None while none was.
    """

    states: Mapping[str, str]
    progress_at: datetime | None


def overview_of(
    attempts: Sequence[Attempt], *, epochs: Mapping[uuid.UUID, int]
) -> dict[uuid.UUID, Overview]:
    """Return where each attempt stands, by its id.

    Args:
        attempts: With their exercise and its version at hand.
        epochs: Number of the newest sandbox, of the attempts that have one.
    """
    judged: dict[uuid.UUID, Judged] = defaultdict(dict)
    progress: dict[uuid.UUID, datetime] = {}
    rows = Evidence.objects.filter(attempt__in=attempts, superseded_by=None)
    for attempt_id, key, check, outcome, score, reason, at in rows.order_by(
        "observed_at", "pk"
    ).values_list(
        "attempt", "objective__key", "check_id", "outcome", "score", "reason", "observed_at"
    ):
        before = judged[attempt_id].get((key, check))
        now = Judgement(outcome=Outcome(outcome), score=score, reason=reason)
        judged[attempt_id][key, check] = now
        if now.outcome is Outcome.MET and (before is None or before.outcome is not Outcome.MET):
            progress[attempt_id] = at
    waiting = _waiting(attempts)
    return {
        attempt.pk: Overview(
            states=_states(
                attempt, epochs.get(attempt.pk, 1), judged[attempt.pk], waiting[attempt.pk]
            ),
            progress_at=progress.get(attempt.pk),
        )
        for attempt in attempts
    }


def _waiting(attempts: Sequence[Attempt]) -> dict[uuid.UUID, set[str]]:
    waiting: dict[uuid.UUID, set[str]] = defaultdict(set)
    rows = ReviewItem.objects.filter(attempt__in=attempts, state=ReviewItem.State.OPEN)
    for attempt_id, key in rows.values_list("attempt", "objective__key"):
        waiting[attempt_id].add(key)
    return waiting


def _states(attempt: Attempt, epoch: int, judged: Judged, waiting: set[str]) -> dict[str, str]:
    objectives = attempt_spec(attempt.exercise.version, attempt.pk, epoch).objectives
    states = {}
    for key, whole in combined(objectives, judged).items():
        some = any(
            each.outcome is Outcome.MET for (other, _), each in judged.items() if other == key
        )
        if whole.outcome is Outcome.MET:
            states[key] = "met"
        elif key in waiting:
            states[key] = "waiting"
        else:
            states[key] = "partial" if some else "open"
    return states
