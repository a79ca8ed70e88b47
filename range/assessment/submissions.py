"""Takes flags and answers: judged at once, counted, never lost, never shown to others."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from range.assessment.evidence import Finding, current_epoch, latest, write
from range.assessment.models import Submission
from range.assessment.status import objectives_for
from range.catalog.flags import FlagFinding
from range.catalog.models import Objective
from range.catalog.services import examine_flag
from range.checks.answer import AnswerCheck
from range.checks.combine import leaves
from range.checks.flag import FlagCheck
from range.checks.judgements import met
from range.exercises.models import Attempt
from range.exercises.services import AttemptClosed
from range.lib.errors import RangeError
from range.lib.storable import NOT_TEXT, storable
from range.timeline.services import record

VALUE_LIMIT = 2000

MESSAGES = {
    "flag-accepted": "Flag accepted.",
    "answer-right": "That is right.",
    "already-accepted": "This was accepted before; nothing more is needed.",
    "flag-wrong": "That is no flag of this range. A flag looks like FLAG{…}; copy all of it.",
    "flag-old": "This flag is from before the reset. Find the one in the machine as it is now.",
    "flag-other-objective": "This flag is genuine, but it belongs to another objective. "
    "Hand it in there.",
    "flag-foreign": "This flag belongs to another attempt, not to this one. It does not count, "
    "and the range has noted where it came from.",
    "answer-wrong": "That is not right.",
}


class SubmissionRefused(RangeError):
    """Nothing was judged; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What became of a submission.

    Args:
        message: A sentence for the trainee.
    """

    accepted: bool
    reason: str
    message: str


def submit(attempt: Attempt, *, objective: str, check: str, value: str) -> Receipt:
    """Judge a flag or an answer and record it; concurrent ones count one after the other.

    Raises:
        AttemptClosed: The attempt takes no more submissions.
        SubmissionRefused: No such check, too long, too many tries.
    """
    if len(value) > VALUE_LIMIT:
        raise SubmissionRefused(
            f"That is {len(value)} characters long; at most {VALUE_LIMIT} are read.",
            reason="too-long",
        )
    value = storable(value, instead=NOT_TEXT)
    spec = _check(attempt, objective, check)
    with transaction.atomic():
        held = Attempt.objects.select_for_update().get(pk=attempt.pk)
        if held.state != Attempt.State.ACTIVE:
            raise AttemptClosed
        if _is_met(attempt, objective, spec.id):
            return _receipt(accepted=True, reason="already-accepted")
        _refuse_beyond_tries(attempt, objective, spec)
        if isinstance(spec, FlagCheck):
            accepted, reason = _judge_flag(attempt, objective, value)
        else:
            accepted = spec.accepts(value)
            reason = "answer-right" if accepted else "answer-wrong"
        _keep(attempt, objective, spec, value=value, accepted=accepted, reason=reason)
    return _receipt(accepted=accepted, reason=reason)


def _receipt(*, accepted: bool, reason: str) -> Receipt:
    return Receipt(accepted=accepted, reason=reason, message=MESSAGES[reason])


def _check(attempt: Attempt, objective: str, check_id: str) -> FlagCheck | AnswerCheck:
    for spec in objectives_for(attempt):
        for check in leaves(spec.checks):
            is_it = (spec.key, check.id) == (objective, check_id)
            if is_it and isinstance(check, FlagCheck | AnswerCheck):
                return check
    raise SubmissionRefused(
        "There is nothing to hand in under that name in this scenario. Reload the page.",
        reason="no-such-check",
        status=404,
    )


def _is_met(attempt: Attempt, objective: str, check_id: str) -> bool:
    row = latest(attempt).get((objective, check_id))
    return row is not None and row.outcome == "MET"


def _refuse_beyond_tries(attempt: Attempt, objective: str, check: FlagCheck | AnswerCheck) -> None:
    tries = Submission.objects.filter(attempt=attempt, objective__key=objective, check_id=check.id)
    if isinstance(check, AnswerCheck):
        if tries.count() >= check.max_tries:
            raise SubmissionRefused(
                f"All {check.max_tries} tries for this answer are used.",
                reason="no-tries-left",
                status=409,
            )
        return
    since = timezone.now() - timedelta(minutes=1)
    if tries.filter(at__gt=since).count() >= check.max_tries_per_minute:
        raise SubmissionRefused(
            "Too many flags in one minute. Wait a minute, then try again.",
            reason="throttled",
            status=429,
            retryable=True,
        )


def _judge_flag(attempt: Attempt, objective: str, value: str) -> tuple[bool, str]:
    finding = examine_flag(attempt.exercise.version, value)
    if not finding.valid:
        return False, "flag-wrong"
    if finding.attempt_id != attempt.pk:
        _note_foreign(attempt, objective, finding)
        return False, "flag-foreign"
    if not finding.proves(objective):
        return False, "flag-other-objective"
    if finding.epoch != current_epoch(attempt):
        return False, "flag-old"
    return True, "flag-accepted"


def _note_foreign(attempt: Attempt, objective: str, finding: FlagFinding) -> None:
    record(
        attempt.pk,
        kind="integrity.foreign_flag",
        actor=f"trainee:{attempt.trainee_id}",
        payload={"objective": objective, "source_attempt": str(finding.attempt_id)},
    )


def _keep(
    attempt: Attempt,
    objective: str,
    check: FlagCheck | AnswerCheck,
    *,
    value: str,
    accepted: bool,
    reason: str,
) -> None:
    is_flag = isinstance(check, FlagCheck)
    digest = hmac.new(
        str(settings.RANGE_FLAG_SECRET).encode(), value.strip().encode(), hashlib.sha256
    )
    Submission.objects.create(
        attempt=attempt,
        objective=Objective.objects.get(version=attempt.exercise.version, key=objective),
        check_id=check.id,
        value="" if is_flag else value,
        value_digest=digest.hexdigest(),
        accepted=accepted,
        reason=reason,
    )
    record(
        attempt.pk,
        kind="submission.accepted" if accepted else "submission.refused",
        actor=f"trainee:{attempt.trainee_id}",
        payload={"objective": objective, "check": check.id, "reason": reason},
    )
    if accepted:
        finding = Finding(
            objective=objective, check_id=check.id, kind=check.kind, judgement=met(reason)
        )
        write(attempt, finding)
