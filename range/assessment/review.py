"""What the review pages show, and only to those who may decide."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from range.accounts.access import STAFF, can_review, has_role, schools_of_staff, taught_by
from range.accounts.models import User
from range.assessment import appeals, judges
from range.assessment.grading import ReviewRefused, criterion_of
from range.assessment.models import ReviewItem

SHOWN_WAITING = 200
SHOWN_DECIDED = 20


def _of_schools(person: User) -> QuerySet[ReviewItem]:
    return (
        ReviewItem.objects.filter(attempt__trainee__in=taught_by(person))
        .exclude(attempt__trainee=person)
        .select_related(
            "attempt__trainee", "attempt__exercise__version__scenario", "objective", "decided_by"
        )
    )


def queue(person: User) -> dict[str, Any]:
    """Return what waits for this person and what was decided lately.

    Raises:
        ReviewRefused: The person is no instructor.
    """
    _refuse_strangers(person)
    items = _of_schools(person)
    decided = items.filter(state=ReviewItem.State.DECIDED).order_by("-decided_at")
    open_ones = items.filter(state=ReviewItem.State.OPEN)
    known = judges.agreements(list(schools_of_staff(person)))
    return {
        "count": open_ones.count(),
        "waiting": [
            {"item": item, "proposal": _in_short(item, known)}
            for item in open_ones.order_by("created_at", "criterion")[:SHOWN_WAITING]
        ],
        "decided": decided[:SHOWN_DECIDED],
        "contested": appeals.open_for(person)[:SHOWN_WAITING],
    }


def agreement(person: User) -> dict[str, Any]:
    """Return how far judging models agree with the instructors of this person's organisations.

    Raises:
        ReviewRefused: The person is no instructor.
    """
    _refuse_strangers(person)
    found = judges.agreements(list(schools_of_staff(person))).values()
    return {
        "lines": sorted(
            found, key=lambda each: (each.matter.scenario, each.matter.criterion, each.matter.judge)
        ),
        "enough": judges.ENOUGH,
        "agrees_from": judges.AGREES_FROM,
    }


def _refuse_strangers(person: User) -> None:
    if not has_role(person, *STAFF):
        raise ReviewRefused(
            "The review queue is for instructors. Your account has another role.",
            reason="not-a-reviewer",
            status=403,
        )


def _in_short(item: ReviewItem, known: Mapping[judges.Matter, judges.Agreement]) -> str:
    if item.proposal is None or item.proposal.get("level") is None:
        return ""
    shown = judges.is_shown(item, known)
    return f"level {item.proposal['level']}" if shown else "after you decide"


def next_for(person: User) -> ReviewItem | None:
    """Return what has waited longest for this person, if anything does."""
    waiting = _of_schools(person).filter(state=ReviewItem.State.OPEN)
    return waiting.order_by("created_at", "criterion").first()


def item_for(person: User, item_id: uuid.UUID) -> ReviewItem:
    """Return one item.

    Raises:
        ReviewRefused: There is none, or it is not this person's to decide; both look the same.
    """
    item = _of_schools(person).filter(pk=item_id).first()
    if item is None or not can_review(person, item.attempt.trainee_id):
        raise ReviewRefused(
            "There is no such item in your queue. It may have been another school's.",
            reason="review-missing",
            status=404,
        )
    return item


def shown(item: ReviewItem) -> dict[str, Any]:
    """Return what the page of one item shows: report by numbered lines, criterion, proposal.

    A proposal that is being measured is kept back until somebody has decided.
    """
    criterion = criterion_of(item)
    proposal = item.proposal or {}
    is_decided = item.state == ReviewItem.State.DECIDED
    kept_back = proposal.get("level") is not None and not (is_decided or judges.is_shown(item))
    visible = {} if kept_back else proposal
    quoted = _quoted_lines(visible)
    lines = item.artefact.splitlines() or [""]
    return {
        "item": item,
        "criterion": criterion,
        "levels": list(enumerate(criterion.levels)),
        "lines": [
            {"number": number, "text": text, "is_quoted": number in quoted}
            for number, text in enumerate(lines, start=1)
        ],
        "proposal": visible,
        "kept_back": kept_back,
        "marked": item.level if is_decided else visible.get("level"),
        "decisions": item.decisions.select_related("decided_by").order_by("-decided_at", "-pk"),
        "siblings": ReviewItem.objects.filter(attempt=item.attempt, check_id=item.check_id)
        .exclude(pk=item.pk)
        .order_by("criterion"),
    }


def _quoted_lines(proposal: dict[str, Any]) -> set[int]:
    lines: set[int] = set()
    for span in proposal.get("spans", []):
        first, last = int(span.get("from", 0)), int(span.get("to", 0))
        lines |= {number for number in (first, last) if number > 0}
        lines |= {first + step for step in _steps(last - first)}
    return lines


def _steps(count: int) -> list[int]:
    # A proposal is a model's word: never let its numbers decide how much memory is used.
    return list(range(max(0, min(count, 500))))
