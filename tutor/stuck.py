"""How stuck a trainee seems, as a rule score in [0, 1] that anybody can recompute."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from tutor.happenings import Command

RECENT = 8
# Time without progress says most; repeats and errors say how; the rest refines.
TIME_WEIGHT = 0.35
REPEAT_WEIGHT = 0.20
ERROR_WEIGHT = 0.20
SUBMISSION_WEIGHT = 0.15
FAMILIAR_WEIGHT = 0.10
WRONG_SUBMISSIONS_AT_FULL = 3


@dataclass(frozen=True, kw_only=True)
class Signs:
    """What the score is made of.

    Args:
        idle: Time since anything was met, or since the beginning.
        expected: The author's expectation for one objective.
        before: Programs used before the recent commands.
    """

    idle: timedelta
    expected: timedelta
    recent: Sequence[Command]
    before: frozenset[str]
    wrong_submissions: int


def score(signs: Signs) -> float:
    """Return the stuck score; 0.6 and above is worth an offer."""
    parts = (
        TIME_WEIGHT * _share(signs.idle / signs.expected),
        REPEAT_WEIGHT * _repeats(signs.recent),
        ERROR_WEIGHT * _errors(signs.recent),
        SUBMISSION_WEIGHT * _share(signs.wrong_submissions / WRONG_SUBMISSIONS_AT_FULL),
        FAMILIAR_WEIGHT * _familiar(signs),
    )
    return round(sum(parts), 2)


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))


def _repeats(recent: Sequence[Command]) -> float:
    """Return the share of commands that were typed before, doubled: half is already much."""
    if len(recent) < 2:
        return 0.0
    distinct = len({command.text for command in recent})
    return _share(2 * (1 - distinct / len(recent)))


def _errors(recent: Sequence[Command]) -> float:
    if not recent:
        return 0.0
    return sum(command.failed for command in recent) / len(recent)


def _familiar(signs: Signs) -> float:
    """Return 1 when many commands brought no program that was not used before."""
    if len(signs.recent) < RECENT:
        return 0.0
    fresh = {command.program for command in signs.recent} - signs.before
    return 0.0 if fresh else 1.0
