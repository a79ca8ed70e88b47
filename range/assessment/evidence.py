"""Writes evidence and reads the latest of each check; rows are never changed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from range.accounts.models import User
from range.assessment.models import Evidence
from range.assessment.runner import GRADER_VERSION
from range.catalog.models import Objective
from range.checks.base import Judgement, Outcome
from range.console.redacting import redactor_of
from range.console.services import moment, others_who_typed
from range.exercises.models import Attempt
from range.lib.notify import notify
from range.timeline.services import canonical, events_of, record

EXCERPT_LIMIT_BYTES = 4096


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
    supersedes: Evidence | None = None


def latest(attempt: Attempt) -> dict[tuple[str, str], Evidence]:
    """Return the newest evidence of each check that nothing supersedes."""
    rows = (
        Evidence.objects.filter(attempt=attempt, superseded_by=None)
        .select_related("objective")
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
    objective = Objective.objects.get(version=attempt.exercise.version, key=finding.objective)
    at = timezone.now()
    fields = _fields(attempt, finding, at)
    seen = moment(attempt, at)
    evidence = Evidence.objects.create(
        attempt=attempt,
        objective=objective,
        observed_at=at,
        judged_by=finding.judged_by,
        supersedes=finding.supersedes,
        recording=seen.recording if seen else None,
        recording_offset_ms=seen.offset_ms if seen else None,
        sha256=hashlib.sha256(canonical(fields)).hexdigest(),
        **{name: fields[name] for name in _COLUMNS},
    )
    record(
        attempt.pk,
        kind="evidence.recorded",
        actor="range" if finding.judged_by is None else f"instructor:{finding.judged_by.pk}",
        payload={
            "evidence": str(evidence.pk),
            "sha256": evidence.sha256,
            "objective": finding.objective,
            "check": finding.check_id,
            "outcome": evidence.outcome,
            "reason": evidence.reason,
        },
    )
    notify("attempt_changed", f"{attempt.pk} objectives")
    return evidence


_COLUMNS = (
    "check_id",
    "kind",
    "outcome",
    "score",
    "source",
    "reason",
    "detail",
    "excerpt",
    "hint_rung",
    "grader_version",
)


def _fields(attempt: Attempt, finding: Finding, at: datetime) -> dict[str, object]:
    judgement = finding.judgement
    return {
        "attempt": str(attempt.pk),
        "scenario": attempt.exercise.version.digest,
        "objective": finding.objective,
        "check_id": finding.check_id,
        "kind": finding.kind,
        "outcome": str(judgement.outcome),
        "score": judgement.score,
        "source": str(finding.source),
        "reason": judgement.reason[:64],
        "detail": _detail(attempt, finding),
        "excerpt": _excerpt(attempt, judgement.excerpt),
        "observed_at": at.isoformat(timespec="microseconds"),
        "hint_rung": hint_rung(attempt, finding.objective),
        "grader_version": GRADER_VERSION,
        "supersedes": str(finding.supersedes.pk) if finding.supersedes else None,
    }


def _detail(attempt: Attempt, finding: Finding) -> dict[str, object]:
    detail = dict(finding.detail or {})
    # Whoever reads the evidence must be able to tell work done alone from work done with others.
    if others := others_who_typed(attempt):
        detail["others_typed_before"] = ", ".join(others)
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
        .select_related("objective", "recording", "judged_by")
        .order_by("observed_at", "pk")
    )
