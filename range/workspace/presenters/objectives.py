"""The objectives of an attempt: what is met, what is open, and the forms to hand in answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from range.assessment.models import Submission
from range.assessment.services import CheckStatus
from range.checks.base import Outcome
from range.exercises.models import Attempt
from range.workspace.presenters import reasons
from range.workspace.presenters.outcomes import Standing, standings

# How long a newly met objective is set off from the others.
FRESH = timedelta(seconds=12)
# A check run that has not come back by then is no longer announced as running.
PATIENCE = timedelta(seconds=30)
# Below this many, the tries left are shown.
FEW_TRIES = 5
ADVICE_SHOWN = 3

type Place = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Refused:
    """What was handed in a moment ago and not accepted.

    Args:
        given: What was typed, shown again so that it can be mended.
        problem: A sentence on why.
    """

    objective: str
    check: str
    given: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class AnswerForm:
    """One thing to hand in.

    Args:
        given: What was just refused; None leaves the field as the trainee has it.
        problem: A sentence about the last answer, when it was not accepted.
        tries_left: None where tries are not counted, or plenty are left.
    """

    check: str
    label: str
    is_flag: bool
    accepted: bool
    at: datetime | None
    given: str | None
    problem: str
    tries_left: int | None


@dataclass(frozen=True, kw_only=True)
class ObjectiveItem:
    """One objective in the list.

    Args:
        state: open, partial, waiting or met.
        advice: What the author says about checks that were looked at and are not met.
        fresh: Whether it was met a moment ago.
    """

    key: str
    title: str
    share: float
    state: str
    note: str
    advice: Sequence[str]
    fresh: bool
    answers: Sequence[AnswerForm]


@dataclass(frozen=True, kw_only=True)
class ObjectivesView:
    """The list with its summary.

    Args:
        percent: Share of the grade earned so far, in whole percent.
    """

    items: Sequence[ObjectiveItem]
    met: int
    percent: int
    checking: bool
    checked_at: datetime | None


def objectives_view(
    attempt: Attempt, *, advised: bool = False, refused: Refused | None = None
) -> ObjectivesView:
    """Return the objectives as the trainee sees them now.

    Args:
        advised: Whether the trainee asked to be checked. Before, what an author says about open
            checks would tell where to look before anybody looked.
    """
    found = standings(attempt)
    last = _last_submissions(attempt)
    return ObjectivesView(
        items=[_item(each, last, refused, advised=advised) for each in found],
        met=sum(each.state == "met" for each in found),
        percent=round(100 * sum(each.earned for each in found)),
        checking=_is_checking(attempt),
        checked_at=attempt.checks_run_at,
    )


def _item(
    standing: Standing,
    last: Mapping[Place, Submission],
    refused: Refused | None,
    *,
    advised: bool,
) -> ObjectiveItem:
    objective = standing.objective
    recent = standing.met_at is not None and timezone.now() - standing.met_at < FRESH
    return ObjectiveItem(
        key=objective.key,
        title=objective.title,
        share=standing.share,
        state=standing.state,
        note=_note(standing),
        advice=_advice(standing) if advised else (),
        fresh=recent,
        answers=[
            _answer(check, last.get((objective.key, check.id)), _at(refused, objective.key, check))
            for check in objective.checks
            if check.takes_answer
        ],
    )


def _note(standing: Standing) -> str:
    if standing.state == "waiting":
        return "waits for an instructor"
    if standing.state != "partial":
        return ""
    met = sum(check.outcome is Outcome.MET for check in standing.required)
    return f"{met} of {len(standing.required)} checks met"


def _advice(standing: Standing) -> list[str]:
    if standing.state in ("met", "waiting"):
        return []
    unmet = [check for check in standing.required if check.outcome is not Outcome.MET]
    return [check.feedback for check in unmet if check.feedback][:ADVICE_SHOWN]


def _at(refused: Refused | None, objective: str, check: CheckStatus) -> Refused | None:
    if refused is None:
        return None
    return refused if (refused.objective, refused.check) == (objective, check.id) else None


def _answer(check: CheckStatus, last: Submission | None, refused: Refused | None) -> AnswerForm:
    told = reasons.sentence(last.reason) if last and not last.accepted else ""
    accepted = check.outcome is Outcome.MET
    left = check.tries_left
    tried = last is not None and not last.accepted
    return AnswerForm(
        check=check.id,
        label=check.prompt or "Flag",
        is_flag=check.kind == "flag",
        accepted=accepted,
        at=check.at if accepted else None,
        given=refused.given if refused else None,
        problem=refused.problem if refused else told,
        tries_left=left if left is not None and tried and left < FEW_TRIES else None,
    )


def _last_submissions(attempt: Attempt) -> dict[Place, Submission]:
    rows = attempt.submissions.select_related("objective").order_by("at")
    return {(each.objective.key, each.check_id): each for each in rows}


def _is_checking(attempt: Attempt) -> bool:
    wanted, run = attempt.checks_wanted_at, attempt.checks_run_at
    if wanted is None or timezone.now() - wanted > PATIENCE:
        return False
    return run is None or run < wanted
