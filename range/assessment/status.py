"""Where an attempt stands: each objective and check, folded from the latest evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from range.assessment.evidence import current_epoch, judgements_of, latest
from range.assessment.models import Evidence, ReviewItem, Submission
from range.assessment.runner import combined
from range.catalog.schema_objectives import ObjectiveSpec
from range.catalog.services import attempt_spec
from range.checks.base import Outcome
from range.checks.combine import Observation, leaves
from range.checks.kinds import Check
from range.exercises.models import Attempt


@dataclass(frozen=True, kw_only=True)
class CheckStatus:
    """One check as a trainee sees it.

    Args:
        outcome: None while nothing has been observed.
        prompt: The question, for kinds that take an answer.
        tries_left: For kinds that count tries.
    """

    id: str
    kind: str
    role: str
    outcome: Outcome | None
    reason: str
    feedback: str
    at: datetime | None
    evidence: Evidence | None = None
    prompt: str = ""
    tries_left: int | None = None

    @property
    def takes_answer(self) -> bool:
        """Tell whether a trainee hands something in for it."""
        return self.kind in {"flag", "answer"}


@dataclass(frozen=True, kw_only=True)
class ObjectiveStatus:
    """One objective as a trainee sees it.

    Args:
        score: Share achieved in [0, 1].
        observations: What it tells about skills.
        waits: Whether an instructor has yet to judge a part of it.
    """

    key: str
    title: str
    description: str
    mode: str
    weight: int
    outcome: Outcome
    score: float
    checks: tuple[CheckStatus, ...]
    observations: tuple[Observation, ...]
    waits: bool

    @property
    def is_met(self) -> bool:
        """Tell whether the objective is achieved."""
        return self.outcome is Outcome.MET


def objectives_for(attempt: Attempt) -> Sequence[ObjectiveSpec]:
    """Return the attempt's objectives, filled in with its values."""
    version = attempt.exercise.version
    return attempt_spec(version, attempt.pk, current_epoch(attempt)).objectives


def status_of(attempt: Attempt) -> list[ObjectiveStatus]:
    """Return every objective with its checks, as the evidence so far says."""
    objectives = objectives_for(attempt)
    rows = latest(attempt)
    outcomes = combined(objectives, judgements_of(attempt))
    tries = _tries(attempt)
    waiting = _waiting(attempt)
    return [
        ObjectiveStatus(
            key=objective.key,
            title=objective.title,
            description=objective.description,
            mode=objective.mode or "",
            weight=objective.weight,
            outcome=outcomes[objective.key].outcome,
            score=outcomes[objective.key].score,
            checks=tuple(
                _check_status(
                    check, rows.get((objective.key, check.id)), tries.get((objective.key, check.id))
                )
                for check in leaves(objective.checks)
            ),
            observations=outcomes[objective.key].observations,
            waits=objective.key in waiting,
        )
        for objective in objectives
    ]


def _waiting(attempt: Attempt) -> set[str]:
    waiting = ReviewItem.objects.filter(attempt=attempt, state=ReviewItem.State.OPEN)
    return set(waiting.values_list("objective__key", flat=True))


def _tries(attempt: Attempt) -> dict[tuple[str, str], int]:
    counts: dict[tuple[str, str], int] = {}
    for key, check in Submission.objects.filter(attempt=attempt).values_list(
        "objective__key", "check_id"
    ):
        counts[key, check] = counts.get((key, check), 0) + 1
    return counts


def _check_status(check: Check, row: Evidence | None, tried: int | None) -> CheckStatus:
    limit = check.max_tries if check.kind == "answer" else None
    return CheckStatus(
        id=check.id,
        kind=check.kind,
        role=check.role,
        outcome=Outcome(row.outcome) if row else None,
        reason=row.reason if row else "not-observed",
        feedback=check.feedback,
        at=row.observed_at if row else None,
        evidence=row,
        prompt=check.prompt if check.kind == "answer" else "",
        tries_left=None if limit is None else max(0, limit - (tried or 0)),
    )
