"""Holds an attempt's evidence against its chain, and erases what evidence and events carry."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from range.assessment.evidence import RECORDED, content_digest, evidence_of, record_of
from range.assessment.models import Evidence, EvidenceContent
from range.console.erasure import subject_of as recording_subject
from range.console.services import recordings_of
from range.exercises.models import Attempt
from range.lib.errors import RangeError
from range.timeline import tombstones
from range.timeline.canonical import digest
from range.timeline.services import broken_at, erase, events_of, record

# What people typed, asked, wrote and handed in; everything else is needed to retrace a score.
PERSONAL_KINDS = (
    "console.command",
    "console.message",
    "hint.answered",
    "hint.asked",
    "hint.given",
    "message.sent",
    "submission.accepted",
    "submission.refused",
)


class ErasureRefused(RangeError):
    """Nothing was erased; the message says why."""


def problems_of(attempt: Attempt) -> list[str]:
    """Return what is wrong with an attempt's evidence and chain, in words; empty if all holds."""
    found = []
    if (number := broken_at(attempt.pk)) is not None:
        found.append(f"the timeline is broken at event {number}")
    chained = {
        str(event.payload.get("evidence")): event.payload.get("sha256")
        for event in events_of(attempt.pk, kinds=[RECORDED])
    }
    rows = {str(row.pk): row for row in evidence_of(attempt).select_related(*_CONTEXT)}
    found += [
        f"recording {row.pk} was erased without a valid tombstone"
        for row in recordings_of(attempt).exclude(erased_at=None)
        if not tombstones.holds(row.tombstone, of=recording_subject(row))
    ]
    found += [f"evidence {pk} is in no event" for pk in sorted(rows.keys() - chained.keys())]
    found += [f"evidence {pk} is missing" for pk in sorted(chained.keys() - rows.keys())]
    for pk, row in rows.items():
        if row.sha256 != chained.get(pk, row.sha256):
            found.append(f"evidence {pk} is not what its event recorded")
        found += [f"evidence {pk} {wrong}" for wrong in _wrong_with(row)]
    return found


_CONTEXT = ("objective", "content", "attempt__exercise__version")


def _wrong_with(row: Evidence) -> Iterable[str]:
    content = getattr(row, "content", None)
    erased = content is not None and content.erased_at is not None
    if content is None:
        yield "has lost what was seen"
    elif erased and not tombstones.holds(content.tombstone, of=subject_of(row)):
        yield "was erased without a valid tombstone"
    elif not erased and row.content_sha256 not in ("", _seen(content)):
        yield "does not hold what was seen"
    # A record from before the content lay apart cannot be recomputed once that is gone.
    if not (erased and not row.content_sha256) and digest(record_of(row)) != row.sha256:
        yield "was changed"


def _seen(content: EvidenceContent) -> str:
    return content_digest(content.detail, content.excerpt)


def subject_of(row: Evidence) -> dict[str, object]:
    """Return what a tombstone in the place of a record's content must speak of."""
    return {
        "attempt": str(row.attempt_id),
        "evidence": str(row.pk),
        "sha256": row.sha256,
        "content_sha256": row.content_sha256,
    }


@transaction.atomic
def erase_payloads(attempt: Attempt, *, reason: str, actor: str) -> int:
    """Erase what a graded attempt's evidence and personal events carry; return how many.

    Outcomes, scores, times and hints stay, so grades and estimates stay as they were; each
    erased payload leaves a signed tombstone, and the erasure itself is an event.

    Raises:
        ErasureRefused: The attempt is not graded yet, or its chain does not hold.
    """
    if attempt.state != Attempt.State.GRADED:
        raise ErasureRefused(
            f"Attempt {attempt.pk} is not graded yet; what it carries is still needed.",
            reason="erasure-too-early",
        )
    if problems := problems_of(attempt):
        # A tombstone vouches for what it replaces.
        raise ErasureRefused(
            f"Attempt {attempt.pk} does not verify ({problems[0]}); erasing would hide it.",
            reason="erasure-unverified",
        )
    erased = 0
    for event in events_of(attempt.pk, kinds=PERSONAL_KINDS).filter(content__erased_at=None):
        erase(event, reason=reason, actor=actor)
        erased += 1
    for row in evidence_of(attempt).filter(content__erased_at=None):
        stone, at = tombstones.carve(subject_of(row), reason=reason, actor=actor)
        EvidenceContent.objects.filter(evidence=row, erased_at=None).update(
            detail={}, excerpt="", erased_at=at, tombstone=stone
        )
        erased += 1
    if erased:
        payload = {"count": erased, "reason": reason[:200]}
        record(attempt.pk, kind="payloads.erased", actor=actor, payload=payload)
    return erased


def graded_before(moment: datetime) -> QuerySet[Attempt]:
    """Return the attempts that were graded before a moment, oldest first."""
    graded = Attempt.objects.filter(state=Attempt.State.GRADED, graded_at__lt=moment)
    return graded.order_by("graded_at", "pk")
