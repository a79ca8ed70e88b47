"""Where each objective of an attempt stands, in the words of the pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from range.assessment.services import CheckStatus, ObjectiveStatus, status_of
from range.checks.base import Outcome
from range.exercises.models import Attempt


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One objective's standing.

    Args:
        state: open, partial, waiting or met.
        share: Its part of the whole weight, in [0, 1].
        met_at: When the last of its checks was met; None while it is not met.
    """

    objective: ObjectiveStatus
    state: str
    share: float
    met_at: datetime | None

    @property
    def earned(self) -> float:
        """Return the part of the whole grade it has brought, in [0, 1]."""
        return self.share * self.objective.score

    @property
    def required(self) -> list[CheckStatus]:
        """Return the checks that decide."""
        return [check for check in self.objective.checks if check.role == "required"]


def standings(attempt: Attempt) -> list[Standing]:
    """Return where each objective stands, in order."""
    objectives = status_of(attempt)
    whole = sum(each.weight for each in objectives) or 1
    return [
        Standing(
            objective=each,
            state=_state(each),
            share=each.weight / whole,
            met_at=_met_at(each.checks) if each.is_met else None,
        )
        for each in objectives
    ]


def _state(objective: ObjectiveStatus) -> str:
    if objective.is_met:
        return "met"
    if objective.waits:
        return "waiting"
    some = any(check.outcome is Outcome.MET for check in objective.checks)
    return "partial" if some else "open"


def _met_at(checks: Sequence[CheckStatus]) -> datetime | None:
    times = [check.at for check in checks if check.outcome is Outcome.MET and check.at]
    return max(times, default=None)
