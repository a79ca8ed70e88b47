"""Writes evidence and reads the latest of each check; rows are never changed."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from range.accounts.models import User
from range.assessment.models import Appeal, Evidence, EvidenceContent
from range.assessment.runner import GRADER_VERSION
from range.catalog.models import Objective
from range.checks.base import Judgement, Outcome
from range.console.redacting import redactor_of
from range.console.services import moment, others_who_typed
from range.exercises.models import Attempt
from range.lib.errors import RangeError
from range.lib.notify import notify
from range.timeline.canonical import digest
from range.timeline.services import events_of, record

EXCERPT_LIMIT_BYTES = 4096
# The event that binds a record into its attempt's chain.
RECORDED = "evidence.recorded"
# Where a record says who else had typed before.
OTHERS = "others_typed_before"
# What answers an appeal where whoever decided gave no words of their own.
DECIDED_ANEW = "It was decided anew; the record that counts now says how."


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is to be recorded about one check.

    Args:
        detail: JSON values such as criteria and spans.
        judged_by: The person, when the source is a person.
    """

    objective: str
    check_id: str
    kind: str
    judgement: Judgement
    source: str = Evidence.Source.CHECK
    detail: Mapping[str, object] | None = None
    judged_by: User | None = None


@dataclass(frozen=True, kw_only=True)
class Correction:
    """What a person decides in the place of a record.

    Args:
        words: The person's reason; the trainee and whoever sees the evidence reads it.
        excerpt: What was seen, where it differs from what the record holds.
    """

    outcome: str
    score: float
    reason: str
    words: str
    detail: Mapping[str, object] | None = None
    excerpt: str | None = None


class CorrectedMeanwhile(RangeError):
    """A newer record stands in the place of the one that somebody wanted to correct."""

    def __init__(self) -> None:
        super().__init__(
            "This record was corrected meanwhile. Look at the newer one, then decide.",
            reason="corrected-meanwhile",
            status=409,
        )


def hold(attempt_id: uuid.UUID) -> None:
    """Lock an attempt, so that decisions about its records follow one another.

    Taken before any event is written, which has a lock of its own; rows that name the attempt may
    be written meanwhile.
    """
    Attempt.objects.select_for_update(no_key=True).get(pk=attempt_id)


def latest(attempt: Attempt) -> dict[tuple[str, str], Evidence]:
    """Return the newest evidence of each check that nothing supersedes."""
    rows = (
        Evidence.objects.filter(attempt=attempt, superseded_by=None)
        .select_related("objective", "content")
        .order_by("observed_at", "pk")
    )
    return {(row.objective.key, row.check_id): row for row in rows}


def judgements_of(attempt: Attempt) -> dict[tuple[str, str], Judgement]:
    """Return what the latest evidence says, as judgements to combine."""
    return {
        key: Judgement(
            outcome=Outcome(row.outcome), score=row.score, reason=row.reason, excerpt=row.excerpt
        )
        for key, row in latest(attempt).items()
    }


def hint_rung(attempt: Attempt, objective: str) -> int:
    """Return the highest rung of help unlocked on an objective so far; 0 for none."""
    rungs = [
        event.payload.get("rung")
        for event in events_of(attempt.pk, kinds=["hint.unlocked"])
        if event.payload.get("objective") == objective
    ]
    return max((rung for rung in rungs if isinstance(rung, int)), default=0)


def write(attempt: Attempt, finding: Finding) -> Evidence:
    """Append one piece of evidence, its event, and wake the attempt's page.

    The excerpt is cleared of the attempt's secrets before anything is written.
    """
    at = timezone.now()
    judgement = finding.judgement
    seen = moment(attempt, at)
    row = Evidence(
        attempt=attempt,
        objective=Objective.objects.get(version=attempt.exercise.version, key=finding.objective),
        check_id=finding.check_id,
        kind=finding.kind,
        outcome=str(judgement.outcome),
        score=float(judgement.score),
        source=finding.source,
        reason=judgement.reason[:64],
        observed_at=at,
        hint_rung=hint_rung(attempt, finding.objective),
        grader_version=GRADER_VERSION,
        judged_by=finding.judged_by,
        recording=seen.recording if seen else None,
        recording_offset_ms=seen.offset_ms if seen else None,
    )
    detail, excerpt = _detail(attempt, finding), _excerpt(attempt, judgement.excerpt)
    evidence = append(row, detail=detail, excerpt=excerpt)
    notify("attempt_changed", f"{attempt.pk} objectives")
    return evidence


@transaction.atomic
def supersede(old: Evidence, correction: Correction, *, person: User) -> Evidence:
    """Append what a person decides in the place of a record, and settle what was contested in it.

    The person judges anew what was seen then: when, after which hints and where in the recording
    stay those of the record that gives way. Texts are cleared of the attempt's secrets.

    Raises:
        CorrectedMeanwhile: Something took the record's place already.
    """
    hold(old.attempt_id)
    if Evidence.objects.filter(supersedes=old).exists():
        raise CorrectedMeanwhile
    row = Evidence(
        attempt=old.attempt,
        objective=old.objective,
        check_id=old.check_id,
        kind=old.kind,
        outcome=str(correction.outcome),
        score=correction.score,
        source=Evidence.Source.PERSON,
        reason=correction.reason,
        observed_at=old.observed_at,
        hint_rung=old.hint_rung,
        recording=old.recording,
        recording_offset_ms=old.recording_offset_ms,
        grader_version=GRADER_VERSION,
        judged_by=person,
        supersedes=old,
    )
    contested = Appeal.objects.filter(evidence=old, state=Appeal.State.OPEN).first()
    said: dict[str, object] = {"reason_given": correction.words} if correction.words else {}
    if contested:
        said["contested"] = contested.words
    detail = {
        # Agencies read it too, and anybody may have quoted a flag.
        name: redacted(old.attempt, value) if isinstance(value, str) else value
        for name, value in (_with_others(old) | said | dict(correction.detail or {})).items()
    }
    excerpt = old.excerpt if correction.excerpt is None else correction.excerpt
    made = append(row, detail=detail, excerpt=_excerpt(old.attempt, excerpt))
    if contested:
        _settle(contested, made, words=correction.words)
    notify("attempt_changed", f"{old.attempt_id} objectives")
    return made


def _with_others(old: Evidence) -> dict[str, object]:
    others = old.detail.get(OTHERS)
    return {OTHERS: others} if others else {}


def _settle(appeal: Appeal, made: Evidence, *, words: str) -> None:
    """Close an appeal with the record that came of it; whoever waits for it reads why."""
    old = appeal.evidence
    stands = (made.outcome, made.score) == (old.outcome, old.score)
    appeal.state = Appeal.State.UPHELD if stands else Appeal.State.CORRECTED
    appeal.answer = redacted(made.attempt, words or DECIDED_ANEW)
    appeal.answered_by, appeal.answered_at = made.judged_by, timezone.now()
    appeal.outcome = made
    appeal.save()
    record(
        made.attempt_id,
        kind="appeal.answered",
        actor=f"instructor:{made.judged_by_id}",
        payload={
            "check": made.check_id,
            "objective": made.objective.key,
            "evidence": str(made.pk),
        },
    )


def append(row: Evidence, *, detail: Mapping[str, object], excerpt: str) -> Evidence:
    """Seal an unsaved record with its digests, save it with its content, and chain it."""
    row.content_sha256 = content_digest(detail, excerpt)
    row.sha256 = digest(record_of(row))
    with transaction.atomic():
        row.save(force_insert=True)
        EvidenceContent.objects.create(evidence=row, detail=dict(detail), excerpt=excerpt)
        record(
            row.attempt_id,
            kind=RECORDED,
            actor="range" if row.judged_by_id is None else f"instructor:{row.judged_by_id}",
            payload={
                "evidence": str(row.pk),
                "sha256": row.sha256,
                "objective": row.objective.key,
                "check": row.check_id,
                "outcome": row.outcome,
                "reason": row.reason,
            },
        )
    return row


def content_digest(detail: Mapping[str, object], excerpt: str) -> str:
    """Return the digest of what was seen; the record holds it in place of the content."""
    return digest({"detail": detail, "excerpt": excerpt})


def record_of(row: Evidence) -> dict[str, object]:
    """Return a record as JSON values, as its digest covers them."""
    fields: dict[str, object] = {
        "attempt": str(row.attempt_id),
        "scenario": row.attempt.exercise.version.digest,
        "objective": row.objective.key,
        "check_id": row.check_id,
        "kind": row.kind,
        "outcome": row.outcome,
        "score": row.score,
        "source": str(row.source),
        "reason": row.reason,
        "observed_at": row.observed_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "hint_rung": row.hint_rung,
        "grader_version": row.grader_version,
        "supersedes": _text(row.supersedes_id),
    }
    if not row.content_sha256:
        return fields | {"detail": row.detail, "excerpt": row.excerpt}
    return fields | {
        "id": str(row.pk),
        "content_sha256": row.content_sha256,
        "judged_by": _text(row.judged_by_id),
        "recording": _text(row.recording_id),
        "recording_offset_ms": row.recording_offset_ms,
    }


def _text(pk: uuid.UUID | None) -> str | None:
    return None if pk is None else str(pk)


def _detail(attempt: Attempt, finding: Finding) -> dict[str, object]:
    detail = dict(finding.detail or {})
    # Whoever reads the evidence must be able to tell work done alone from work done with others.
    if others := others_who_typed(attempt):
        detail[OTHERS] = ", ".join(others)
    return detail


def _excerpt(attempt: Attempt, text: str) -> str:
    clean = redacted(attempt, text)
    return clean.encode()[:EXCERPT_LIMIT_BYTES].decode(errors="ignore")


def redacted(attempt: Attempt, text: str) -> str:
    """Replace the secrets of every sandbox the attempt had by their placeholders."""
    if not text:
        return text
    return redactor_of(attempt, epoch=current_epoch(attempt)).redact(text)


def current_epoch(attempt: Attempt) -> int:
    """Return the number of the attempt's newest sandbox, 1 before there is any."""
    return max(attempt.sandboxes.values_list("epoch", flat=True), default=1)


def evidence_of(attempt: Attempt) -> QuerySet[Evidence]:
    """Return all evidence of an attempt in the order it was observed."""
    return (
        Evidence.objects.filter(attempt=attempt)
        .select_related("objective", "recording", "judged_by", "content")
        .order_by("observed_at", "pk")
    )
