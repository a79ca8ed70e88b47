"""The debrief page: the grade, the evidence behind it, the moments, and what to practise."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from range.accounts.access import can_review, can_work_in_attempt
from range.accounts.models import User
from range.assessment.models import Grade, ReviewItem
from range.assessment.services import latest_grade
from range.catalog.services import spec_of
from range.exercises.models import Attempt
from range.workspace.presenters.attempt import url_or_nothing
from range.workspace.presenters.moments import Moment, moments_of
from range.workspace.presenters.practice import Suggestion, suggestions
from range.workspace.presenters.proofs import Proof, proofs_of
from range.workspace.presenters.sandbox import Step

State = Attempt.State
_STAGES = (
    ("Check every objective one last time", State.FINISHING),
    ("Stop the machines and grade", State.COLLECTED),
)
_REASONS = {
    "time-over": "The time was over, so what had been done by then was graded.",
    "by-instructor": "Your instructor finished it, so what had been done by then was graded.",
}


@dataclass(frozen=True, kw_only=True)
class DebriefPage:
    """Everything the debrief shows to one viewer.

    Args:
        share: Share of the grade in [0, 1]; None while there is no grade.
        waiting: How many criteria wait for an instructor.
        account_url: Where the tutor's account comes from; empty without a tutor.
    """

    id: uuid.UUID
    slug: str
    title: str
    trainee: str
    policy: str
    started_at: datetime
    took: timedelta | None
    open: bool
    settled: bool
    may_work: bool
    may_review: bool
    steps: Sequence[Step]
    share: float | None
    passed: bool
    provisional: bool
    waiting: int
    verdict: str
    account_url: str
    proofs: Sequence[Proof]
    moments: Sequence[Moment]
    next: Sequence[Suggestion]

    @property
    def ring(self) -> int:
        """Return the share as the length of the ring, in whole percent."""
        return round(100 * (self.share or 0))


def debrief_page(attempt: Attempt, *, viewer: User) -> DebriefPage:
    """Gather the debrief of an attempt; evidence and moments only once it is graded."""
    grade = latest_grade(attempt)
    settled = attempt.state == State.GRADED and grade is not None
    mine = can_work_in_attempt(viewer, attempt.trainee_id)
    proofs = proofs_of(attempt) if settled else []
    version = attempt.version
    return DebriefPage(
        id=attempt.pk,
        slug=version.scenario.slug,
        title=spec_of(version).title,
        trainee=attempt.trainee.shown_name,
        policy=attempt.exercise.policy.lower(),
        started_at=attempt.started_at,
        took=attempt.finished_at - attempt.started_at if attempt.finished_at else None,
        open=attempt.state == State.ACTIVE,
        settled=settled,
        may_work=mine,
        may_review=can_review(viewer, attempt.trainee_id),
        steps=_stages(attempt),
        share=grade.share if grade else None,
        passed=bool(grade and grade.passed),
        provisional=bool(grade and grade.provisional),
        waiting=_waiting(attempt),
        verdict=_verdict(attempt, grade, proofs) if grade else "",
        account_url=url_or_nothing("debrief-account", attempt.pk) if settled else "",
        proofs=proofs,
        moments=moments_of(attempt) if settled else [],
        next=suggestions(attempt, proofs) if settled and mine else [],
    )


def _waiting(attempt: Attempt) -> int:
    return attempt.review_items.filter(state=ReviewItem.State.OPEN).count()


def _stages(attempt: Attempt) -> list[Step]:
    order = [State.FINISHING, State.COLLECTED, State.GRADED]
    if attempt.state not in order:
        return []
    at = order.index(State(attempt.state))
    return [
        Step(name=name, state="done" if index < at else "now" if index == at else "todo")
        for index, (name, _) in enumerate(_STAGES)
    ]


def _verdict(attempt: Attempt, grade: Grade, proofs: Sequence[Proof]) -> str:
    met = sum(proof.state == "met" for proof in proofs)
    hints = {proof.key for proof in proofs if any(check.hint_rung for check in proof.checks)}
    helped = f", {len(hints)} of them after a hint" if hints else ", without hints"
    waiting = sum(proof.state == "waiting" for proof in proofs)
    waits = f"; {waiting} wait{'s' if waiting == 1 else ''} for an instructor" if waiting else ""
    sentence = f"{met} of {len(proofs)} objectives met{helped if met else ''}{waits}."
    return " ".join(filter(None, [sentence, _REASONS.get(attempt.finish_reason, "")]))
