"""Evidence that a trainee contests: raised, answered by an instructor, settled by a new record."""

import uuid
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Count, QuerySet

from range.accounts.access import can_contest, can_review, taught_by
from range.accounts.models import User
from range.assessment.evidence import Correction, hold, redacted, supersede
from range.assessment.grading import grade
from range.assessment.models import Appeal, Evidence
from range.checks.base import Outcome
from range.exercises.models import Attempt
from range.lib.errors import RangeError
from range.lib.notify import notify
from range.lib.storable import storable
from range.timeline.services import record

LENGTH = 2000
KEEP = "KEEP"
# What an instructor may answer: the record stands, or what it should have said.
ANSWERS = {
    KEEP: "The record stands",
    Outcome.MET.value: "It should be: met",
    Outcome.UNMET.value: "It should be: not met",
    Outcome.INCONCLUSIVE.value: "It cannot be judged, so it counts nothing",
}


class AppealRefused(RangeError):
    """Nothing was contested or answered; the message says why."""


def _missing() -> AppealRefused:
    return AppealRefused(
        "There is no such evidence that you could contest or answer for.",
        reason="appeal-missing",
        status=404,
    )


def is_contestable(row: Evidence) -> bool:
    """Tell whether a record may be contested: the newest of its check, graded, not yet answered."""
    return (
        row.attempt.state == Attempt.State.GRADED
        and not hasattr(row, "superseded_by")
        and not hasattr(row, "appeal")
        and not hasattr(row, "decided_appeal")
    )


@transaction.atomic
def contest(trainee: User, *, evidence_id: uuid.UUID, words: str) -> Appeal:
    """Contest one piece of one's own evidence, with the reason in one's own words.

    Raises:
        AppealRefused: Not one's own, no reason, corrected or answered already, or not graded.
    """
    row = Evidence.objects.filter(pk=evidence_id).first()
    if row is None or not can_contest(trainee, row.attempt.trainee_id):
        raise _missing()
    # Of two clicks at once, the second finds the first one's appeal.
    hold(row.attempt_id)
    words = storable(words).strip()[:LENGTH]
    if not words:
        raise AppealRefused("Say what is wrong with the record.", reason="appeal-words")
    if not is_contestable(row):
        raise AppealRefused(
            "This record cannot be contested: it was contested, answered or corrected already, or "
            "its attempt is not graded yet.",
            reason="appeal-closed",
            status=409,
        )
    # Whoever may see the record reads it, and it may quote a flag.
    made = Appeal.objects.create(evidence=row, words=redacted(row.attempt, words))
    payload = {"check": row.check_id, "objective": row.objective.key, "evidence": str(row.pk)}
    record(row.attempt_id, kind="appeal.raised", actor=f"trainee:{trainee.pk}", payload=payload)
    return made


@transaction.atomic
def answer(person: User, *, appeal_id: uuid.UUID, choice: str, words: str) -> Appeal:
    """Answer an appeal; the outcome is a record that supersedes the contested one.

    It keeps when, after which hints and where in the recording the contested one was made: the
    person judges anew what was seen then.

    Raises:
        AppealRefused: Not theirs to answer, answered already, no such answer, or no reason.
    """
    found = Appeal.objects.select_related("evidence__attempt").filter(pk=appeal_id).first()
    if found is None or not can_review(person, found.evidence.attempt.trainee_id):
        raise _missing()
    hold(found.evidence.attempt_id)
    found.refresh_from_db(fields=["state"])
    words = storable(words).strip()[:LENGTH]
    if choice not in ANSWERS or not words:
        raise AppealRefused(
            "Choose an answer and give its reason; the trainee reads it.", reason="appeal-answer"
        )
    if found.state != Appeal.State.OPEN or hasattr(found.evidence, "superseded_by"):
        raise AppealRefused(
            "This was answered or corrected meanwhile; nothing was changed now.",
            reason="appeal-late",
            status=409,
        )
    old = found.evidence
    if choice == KEEP:
        outcome, score, reason = old.outcome, old.score, "appeal-upheld"
    else:
        outcome, score, reason = choice, float(choice == Outcome.MET), "appeal-corrected"
    correction = Correction(outcome=outcome, score=score, reason=reason, words=words)
    row = supersede(old, correction, person=person)
    grade(row.attempt)
    notify("attempts", str(row.attempt_id))
    found.refresh_from_db()
    return found


def about(row: Evidence) -> Appeal | None:
    """Return the appeal against a record, or the one that it is the outcome of."""
    return getattr(row, "appeal", None) or getattr(row, "decided_appeal", None)


def open_for(person: User) -> QuerySet[Appeal]:
    """Return what waits for an answer of this person's schools, oldest first."""
    rows = Appeal.objects.filter(
        state=Appeal.State.OPEN,
        # What was overruled meanwhile needs no answer any more.
        evidence__superseded_by=None,
        evidence__attempt__trainee__in=taught_by(person),
    ).exclude(evidence__attempt__trainee=person)
    found = rows.select_related(
        "evidence__objective",
        "evidence__attempt__trainee",
        "evidence__attempt__exercise__version__scenario",
    )
    return found.order_by("raised_at", "pk")


def raised_by(trainee: User) -> QuerySet[Appeal]:
    """Return everything that a person ever contested, newest first."""
    rows = Appeal.objects.filter(evidence__attempt__trainee=trainee).select_related(
        "evidence__objective", "evidence__attempt__exercise__version__scenario", "answered_by"
    )
    return rows.order_by("-raised_at", "pk")


def open_counts(trainees: Iterable[User]) -> dict[uuid.UUID, int]:
    """Return how many records of each person are contested and wait for an answer."""
    rows = Appeal.objects.filter(
        state=Appeal.State.OPEN,
        evidence__superseded_by=None,
        evidence__attempt__trainee__in=list(trainees),
    )
    counted = rows.values("evidence__attempt__trainee").annotate(count=Count("pk"))
    return dict(counted.values_list("evidence__attempt__trainee", "count"))
