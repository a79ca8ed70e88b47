"""An instructor overrules one judged check, with a reason: new evidence supersedes, no edit."""

import uuid

from django.db import transaction

from range.accounts.access import can_review
from range.accounts.models import User
from range.assessment.evidence import CorrectedMeanwhile, Correction, hold, supersede
from range.assessment.grading import ReviewRefused, grade
from range.assessment.models import Evidence
from range.checks.base import Outcome
from range.exercises.models import Attempt
from range.lib.notify import notify
from range.lib.storable import storable
from range.timeline.services import record

OVERRULED = "evidence.overruled"
# What a reason must at least say, and may at most.
REASON_AT_LEAST = 10
REASON_AT_MOST = 2000
CHOICES = (Outcome.MET, Outcome.UNMET, Outcome.INCONCLUSIVE)


def may_be_overruled(row: Evidence) -> bool:
    """Tell whether this record stands, its attempt is graded, and no rubric decides it."""
    stands = getattr(row, "superseded_by", None) is None
    return stands and row.kind != "rubric" and row.attempt.state == Attempt.State.GRADED


def overrule(evidence_id: uuid.UUID, *, person: User, outcome: str, reason: str) -> Evidence:
    """Record that a person judges a check otherwise; grade, debrief and estimates follow.

    Where the record was contested, that answers it: the reason is the answer.

    Args:
        outcome: MET, UNMET, or INCONCLUSIVE for what counts neither way.
        reason: Shown to the trainee and to whoever sees the evidence.

    Raises:
        ReviewRefused: The record is not this person's to overrule, says so already, or the reason
            says too little.
        CorrectedMeanwhile: A newer record stands in its place.
    """
    wanted, words = _outcome(outcome), storable(reason).strip()
    if not REASON_AT_LEAST <= len(words) <= REASON_AT_MOST:
        raise ReviewRefused(
            f"Give the reason in {REASON_AT_LEAST} to {REASON_AT_MOST:,} characters; it had "
            f"{len(words):,}. The trainee reads it.",
            reason="reason-missing",
        )
    with transaction.atomic():
        row = _held(evidence_id, person)
        if row.outcome == wanted:
            raise ReviewRefused("The check is judged so already.", reason="nothing-changes")
        made = supersede(
            row,
            Correction(
                outcome=wanted,
                score=1.0 if wanted is Outcome.MET else 0.0,
                reason="overruled",
                words=words,
                detail={"judged_before": row.outcome},
            ),
            person=person,
        )
        record(
            row.attempt_id,
            kind=OVERRULED,
            actor=f"instructor:{person.pk}",
            payload={
                "objective": row.objective.key,
                "check": row.check_id,
                "outcome": str(wanted),
                "evidence": str(made.pk),
            },
        )
        grade(row.attempt)
        notify("attempts", str(row.attempt_id))
    return made


def _held(evidence_id: uuid.UUID, person: User) -> Evidence:
    """Return the record, its attempt locked so that two decisions follow one another."""
    rows = Evidence.objects.select_related(
        "attempt__exercise__version__scenario", "objective", "content", "superseded_by"
    )
    row = rows.filter(pk=evidence_id).first()
    if row is None or not can_review(person, row.attempt.trainee_id):
        raise ReviewRefused(
            "There is no such record for you to judge.", reason="evidence-missing", status=404
        )
    hold(row.attempt_id)
    if Evidence.objects.filter(supersedes=row).exists():
        raise CorrectedMeanwhile
    if not may_be_overruled(row):
        raise ReviewRefused(
            "Only checks of graded attempts can be overruled here; written work is decided "
            "criterion by criterion.",
            reason="not-to-overrule",
            status=409,
        )
    return row


def _outcome(text: str) -> Outcome:
    for choice in CHOICES:
        if text == choice:
            return choice
    raise ReviewRefused(
        "Choose how the check is to be judged: met, not met, or not counted.", reason="no-outcome"
    )
