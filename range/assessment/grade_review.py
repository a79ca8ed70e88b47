"""How one attempt was graded, for whoever answers for it: each check and every record of it."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from range.accounts.access import can_review
from range.accounts.models import User
from range.assessment.evidence import evidence_of
from range.assessment.grading import ReviewRefused
from range.assessment.models import Evidence, Grade, ReviewItem
from range.assessment.overruling import may_be_overruled
from range.assessment.status import ObjectiveStatus, status_of
from range.exercises.models import Attempt


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One record about a check.

    Args:
        given: The reason a person wrote for it; empty for what a check judged.
    """

    row: Evidence
    given: str


@dataclass(frozen=True, kw_only=True)
class CheckReview:
    """One check: the record that stands, those before it, and criteria decided by a person.

    Args:
        standing: None where nothing was recorded.
        may_overrule: Whether a person may judge it otherwise here.
    """

    id: str
    kind: str
    role: str
    standing: Entry | None
    before: Sequence[Entry]
    criteria: Sequence[ReviewItem]
    may_overrule: bool


@dataclass(frozen=True, kw_only=True)
class ObjectiveReview:
    """One objective with its checks."""

    status: ObjectiveStatus
    checks: Sequence[CheckReview]


@dataclass(frozen=True, kw_only=True)
class GradeReview:
    """An attempt's grade, taken apart.

    Args:
        grades: Every grade it ever had, the newest first.
    """

    attempt: Attempt
    grades: Sequence[Grade]
    objectives: Sequence[ObjectiveReview]

    @property
    def grade(self) -> Grade | None:
        """Return the grade that stands."""
        return self.grades[0] if self.grades else None


def attempt_for(person: User, attempt_id: uuid.UUID) -> Attempt:
    """Return an attempt whose grade this person answers for.

    Raises:
        ReviewRefused: There is none, or it is not theirs to review; both look the same.
    """
    found = Attempt.objects.select_related("exercise__version__scenario", "trainee")
    attempt = found.filter(pk=attempt_id).first()
    if attempt is None or not can_review(person, attempt.trainee_id):
        raise ReviewRefused(
            "There is no such attempt for you to review. It may have been another school's.",
            reason="review-missing",
            status=404,
        )
    return attempt


def grade_review(attempt: Attempt) -> GradeReview:
    """Take an attempt's grade apart into objectives, checks and records."""
    history = _history(attempt)
    criteria = defaultdict(list)
    for item in attempt.review_items.select_related("objective").order_by("criterion"):
        criteria[item.objective.key, item.check_id].append(item)
    return GradeReview(
        attempt=attempt,
        grades=list(attempt.grades.order_by("-at")),
        objectives=[
            ObjectiveReview(
                status=status,
                checks=[
                    _check(
                        check.id,
                        check.kind,
                        check.role,
                        history.get((status.key, check.id), []),
                        criteria.get((status.key, check.id), []),
                    )
                    for check in status.checks
                ],
            )
            for status in status_of(attempt)
        ],
    )


def _history(attempt: Attempt) -> dict[tuple[str, str], list[Evidence]]:
    history: dict[tuple[str, str], list[Evidence]] = defaultdict(list)
    for row in evidence_of(attempt).select_related("superseded_by"):
        # One attempt serves all: no row asks the database for it again.
        row.attempt = attempt
        history[row.objective.key, row.check_id].append(row)
    return history


def _check(
    name: str, kind: str, role: str, rows: list[Evidence], criteria: list[ReviewItem]
) -> CheckReview:
    entries = [_entry(row) for row in _newest_first(rows)]
    standing = entries[0] if entries else None
    return CheckReview(
        id=name,
        kind=kind,
        role=role,
        standing=standing,
        before=entries[1:],
        criteria=criteria,
        may_overrule=standing is not None and may_be_overruled(standing.row),
    )


def _newest_first(rows: list[Evidence]) -> list[Evidence]:
    """Return what stands, what it took the place of, step by step, then earlier observations.

    A correction keeps the moment of what it corrects, so time alone orders observations only.
    """
    known, found = {row.pk: row for row in rows}, []
    for head in reversed(rows):
        if getattr(head, "superseded_by", None) is not None:
            continue
        row: Evidence | None = head
        while row is not None:
            found.append(row)
            row = known.get(row.supersedes_id) if row.supersedes_id else None
    return found


def _entry(row: Evidence) -> Entry:
    given = row.detail.get("reason_given", "")
    return Entry(row=row, given=given if isinstance(given, str) else "")
