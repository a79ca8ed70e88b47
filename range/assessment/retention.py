"""Erases what finished attempts left behind once it was kept as long as the operator wants."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from range.assessment.models import Appeal, Evidence, ReviewItem, Submission
from range.assessment.provenance import ErasureRefused, erase_payloads, graded_before
from range.console import erasure
from range.console.models import Recording
from range.exercises.models import Attempt
from range.lib.logs import get_logger
from range.timeline import tombstones
from range.timeline.services import record

log = get_logger(__name__)
ACTOR = "range"
# Nobody's grade waits for the night's work longer than so many attempts take.
ATTEMPTS_AT_ONCE = 20


def subject_of(row: Submission | ReviewItem, *, text: str) -> dict[str, object]:
    """Return what a tombstone in the place of a submission or a report must speak of."""
    kind = "submission" if isinstance(row, Submission) else "report"
    return {
        "attempt": str(row.attempt_id),
        kind: str(row.pk),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }


def _submissions(attempt: Attempt, reason: str) -> int:
    rows = list(attempt.submissions.filter(erased_at=None))
    for row in rows:
        about = subject_of(row, text=row.value)
        stone, at = tombstones.carve(about, reason=reason, actor=ACTOR)
        # The keyed digest would still tell whether a guess is right.
        Submission.objects.filter(pk=row.pk, erased_at=None).update(
            value="", value_digest="", erased_at=at, tombstone=stone
        )
    return len(rows)


def _reports(attempt: Attempt, reason: str) -> int:
    rows = list(attempt.review_items.filter(erased_at=None))
    for row in rows:
        about = subject_of(row, text=row.artefact)
        stone, at = tombstones.carve(about, reason=reason, actor=ACTOR)
        ReviewItem.objects.filter(pk=row.pk, erased_at=None).update(
            artefact="", erased_at=at, tombstone=stone
        )
    return len(rows)


def _recordings(attempt: Attempt, reason: str) -> int:
    rows = Recording.objects.filter(sandbox__attempt=attempt, erased_at=None)
    found = list(rows.exclude(ended_at=None).select_related("sandbox"))
    for row in found:
        erasure.erase(row, reason=reason, actor=ACTOR)
    return len(found)


def _payloads(attempt: Attempt, reason: str) -> int:
    return erase_payloads(attempt, reason=reason, actor=ACTOR)


type Sort = tuple[str, QuerySet[Attempt], Callable[[Attempt, str], int]]


def _due(now: datetime) -> list[Sort]:
    """Return each sort that is not kept for good, with the attempts that still hold some."""
    days: Mapping[str, int] = settings.RANGE_KEEP_DAYS
    attempts = Attempt.objects.filter(pk=OuterRef("pk"))
    held: dict[str, tuple[QuerySet[Attempt], Callable[[Attempt, str], int]]] = {
        "recordings": (
            attempts.filter(
                sandboxes__recordings__ended_at__isnull=False,
                sandboxes__recordings__erased_at=None,
            ),
            _recordings,
        ),
        "submissions": (
            attempts.filter(submissions__isnull=False, submissions__erased_at=None),
            _submissions,
        ),
        "reports": (
            attempts.filter(review_items__isnull=False, review_items__erased_at=None),
            _reports,
        ),
        "payloads": (
            attempts.filter(evidence__content__isnull=False, evidence__content__erased_at=None),
            _payloads,
        ),
    }
    return [
        (name, _settled(now - timedelta(days=days[name])).filter(Exists(some)), how)
        for name, (some, how) in held.items()
        if days[name]
    ]


def _settled(before: datetime) -> QuerySet[Attempt]:
    """Return the attempts graded before a moment about which nothing waits for a person."""
    waiting = Evidence.objects.filter(appeal__state=Appeal.State.OPEN, superseded_by=None)
    contested = waiting.filter(attempt=OuterRef("pk"))
    undecided = ReviewItem.objects.filter(attempt=OuterRef("pk"), state=ReviewItem.State.OPEN)
    return graded_before(before).exclude(Exists(contested)).exclude(Exists(undecided))


def erase_due(between: Callable[[], None] | None = None) -> dict[str, int]:
    """Erase what was kept long enough; return how much of each sort.

    An attempt that cannot be erased is told of, and holds up no other.

    Args:
        between: Called now and then, so that nobody's grade waits for the night's work.
    """
    counts: dict[str, int] = {}
    for name, attempts, how in _due(timezone.now()):
        days = settings.RANGE_KEEP_DAYS[name]
        reason = f"{name} are kept for {days} days after the grade"
        for number, attempt in enumerate(list(attempts), start=1):
            counts[name] = counts.get(name, 0) + _erased(attempt, name, reason, how)
            if between is not None and number % ATTEMPTS_AT_ONCE == 0:
                between()
    if counts:
        log.info("retention.erased", **counts)
    return counts


def _erased(attempt: Attempt, name: str, reason: str, how: Callable[[Attempt, str], int]) -> int:
    try:
        with transaction.atomic():
            count = how(attempt, reason)
            # Payloads note their own erasure, with everything else that carries it.
            if count and name != "payloads":
                payload = {"count": count, "reason": reason, "what": name}
                record(attempt.pk, kind="payloads.erased", actor=ACTOR, payload=payload)
    except ErasureRefused as refused:
        log.error("retention.refused", attempt=str(attempt.pk), why=refused.message)
        return 0
    return count
