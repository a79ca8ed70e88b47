"""Turns evidence into a grade, and a person's decisions into evidence."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from range.accounts.access import can_review
from range.accounts.models import User
from range.assessment.evidence import Correction, Finding, hold, latest, supersede, write
from range.assessment.judges import is_shown, judge_of
from range.assessment.models import Decision, Evidence, Grade, ReviewItem
from range.assessment.runner import GRADER_VERSION
from range.assessment.status import ObjectiveStatus, objectives_for, status_of
from range.catalog.schema_policies import PassSpec
from range.catalog.services import attempt_spec
from range.checks.base import Judgement, Outcome
from range.checks.combine import leaves
from range.checks.rubric import Criterion, RubricCheck
from range.exercises.models import Attempt
from range.lib.errors import RangeError
from range.lib.notify import notify
from range.lib.storable import storable
from range.timeline.services import record

NOTE_LIMIT = 2000


class ReviewRefused(RangeError):
    """The decision was not taken; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What a model proposes for one criterion, or that it abstains.

    Args:
        level: 0 up to the criterion's highest; None when it abstains.
        spans: `{from, to, quote}` of lines the trainee wrote.
        judge: The model together with what it is told; agreement is measured by it.
        artefact_sha256: Digest of the report that was judged.
    """

    check_id: str
    criterion: str
    level: int | None
    spans: tuple[dict[str, object], ...] = ()
    reason: str = ""
    model: str = ""
    judge: str = ""
    prompt_sha256: str = ""
    artefact_sha256: str = ""


def record_proposals(attempt: Attempt, proposals: list[Proposal]) -> None:
    """Attach a model's proposals to what waits for a person; none of them decides."""
    for proposal in proposals:
        ReviewItem.objects.filter(
            attempt=attempt,
            check_id=proposal.check_id,
            criterion=proposal.criterion,
            state=ReviewItem.State.OPEN,
            proposal__isnull=True,
        ).update(
            proposal={
                "level": proposal.level,
                "spans": list(proposal.spans),
                "reason": proposal.reason,
                "model": proposal.model,
                "judge": proposal.judge,
                "prompt_sha256": proposal.prompt_sha256,
                "artefact_sha256": proposal.artefact_sha256,
            }
        )


def decide(item: ReviewItem, *, person: User, level: int, note: str) -> None:
    """Take an instructor's decision on one criterion; the last one of a check is evidence.

    Deciding again is a correction, with its reason: its evidence supersedes the earlier one.

    Raises:
        ReviewRefused: The person may not, the level does not exist, or a correction has no reason.
    """
    if not can_review(person, item.attempt.trainee_id):
        raise ReviewRefused(
            "Only instructors of the trainee's school decide, and never on their own work.",
            reason="not-a-reviewer",
            status=403,
        )
    check = rubric_of(item)
    highest = len(criterion_of(item).levels) - 1
    if not 0 <= level <= highest:
        raise ReviewRefused(
            f"The level must lie between 0 and {highest}; it was {level}.", reason="no-such-level"
        )
    note = storable(note).strip()[:NOTE_LIMIT]
    with transaction.atomic():
        # Of two who decide at once, the second one corrects the first.
        hold(item.attempt_id)
        now = ReviewItem.objects.get(pk=item.pk)
        is_correction = now.state == ReviewItem.State.DECIDED
        if is_correction and not note:
            raise ReviewRefused(
                "This is decided already. Say why you correct it: the trainee reads the reason, "
                "and the earlier decision stays on record.",
                reason="no-reason",
            )
        decision = _decision(item, person=person, level=level, note=note, first=not is_correction)
        _note(item, decision)
        record(
            item.attempt_id,
            kind="review.corrected" if is_correction else "review.decided",
            actor=f"instructor:{person.pk}",
            payload={"check": item.check_id, "criterion": item.criterion, "level": level},
        )
        _settle(item.attempt, item.objective.key, check, person, words=note)
        grade(item.attempt)
        notify("attempts", str(item.attempt_id))


def _decision(item: ReviewItem, *, person: User, level: int, note: str, first: bool) -> Decision:
    proposed = (item.proposal or {}).get("level")
    return Decision.objects.create(
        item=item,
        level=level,
        note=note,
        decided_by=person,
        judge=judge_of(item) if proposed is not None else "",
        proposed=proposed,
        unseen=first and proposed is not None and not is_shown(item),
    )


def _note(item: ReviewItem, decision: Decision) -> None:
    """Let an item say what was decided last."""
    ReviewItem.objects.filter(pk=item.pk).update(
        state=ReviewItem.State.DECIDED,
        decided_at=decision.decided_at,
        decided_by=decision.decided_by,
        level=decision.level,
        note=decision.note,
    )


def rubric_of(item: ReviewItem) -> RubricCheck:
    """Return the check an item belongs to.

    Raises:
        ReviewRefused: The scenario has no such check.
    """
    for objective in objectives_for(item.attempt):
        for check in leaves(objective.checks):
            is_it = (objective.key, check.id) == (item.objective.key, item.check_id)
            if is_it and isinstance(check, RubricCheck):
                return check
    raise ReviewRefused(
        "This criterion is no longer part of the scenario.", reason="no-such-check", status=404
    )


def criterion_of(item: ReviewItem) -> Criterion:
    """Return the criterion an item is about.

    Raises:
        ReviewRefused: The scenario has no such criterion.
    """
    for criterion in rubric_of(item).criteria:
        if criterion.id == item.criterion:
            return criterion
    raise ReviewRefused(
        "This criterion is no longer part of the scenario.", reason="no-such-check", status=404
    )


def _settle(
    attempt: Attempt, objective: str, check: RubricCheck, person: User, *, words: str
) -> None:
    items = {
        item.criterion: item
        for item in ReviewItem.objects.filter(attempt=attempt, check_id=check.id)
    }
    if any(item.state == ReviewItem.State.OPEN for item in items.values()):
        return
    total = sum(criterion.weight for criterion in check.criteria)
    share = sum(
        criterion.weight * (items[criterion.id].level or 0) / (len(criterion.levels) - 1)
        for criterion in check.criteria
    )
    share = round(share / total, 6)
    is_met = share >= check.pass_share
    judgement = Judgement(
        outcome=Outcome.MET if is_met else Outcome.UNMET,
        score=share,
        reason="report-convinces" if is_met else "report-falls-short",
        excerpt=next(iter(items.values())).artefact,
    )
    detail = {
        "levels": {key: item.level for key, item in items.items()},
        "proposals": {key: _proposed(item) for key, item in items.items() if item.proposal},
    }
    before = latest(attempt).get((objective, check.id))
    if before is not None:
        correction = Correction(
            outcome=str(judgement.outcome),
            score=judgement.score,
            reason=judgement.reason,
            words=words,
            detail=detail,
            excerpt=judgement.excerpt,
        )
        supersede(before, correction, person=person)
        return
    write(
        attempt,
        Finding(
            objective=objective,
            check_id=check.id,
            kind=check.kind,
            judgement=judgement,
            source=Evidence.Source.PERSON,
            detail=detail,
            judged_by=person,
        ),
    )


def _proposed(item: ReviewItem) -> dict[str, object]:
    """Return what a model had proposed, with what it was made from."""
    kept = ("level", "model", "judge", "prompt_sha256", "artefact_sha256")
    return {key: value for key, value in (item.proposal or {}).items() if key in kept}


@transaction.atomic
def grade(attempt: Attempt) -> Grade:
    """Summarise the attempt's evidence; provisional while something waits for a person.

    An objective that could not be judged is left out of the share, never counted as missed. The
    newest grade tells of everything decided before it: whoever decides meanwhile waits.
    """
    hold(attempt.pk)
    objectives = status_of(attempt)
    waiting = ReviewItem.objects.filter(attempt=attempt, state=ReviewItem.State.OPEN).count()
    judged = [each for each in objectives if each.outcome is not Outcome.INCONCLUSIVE]
    weight = sum(each.weight for each in judged)
    share = sum(each.weight * each.score for each in judged) / weight if weight else 0.0
    given = Grade.objects.create(
        attempt=attempt,
        share=round(share, 6),
        passed=_passes(attempt, objectives, share),
        provisional=waiting > 0 or len(judged) < len(objectives),
        detail={"objectives": [_line(each) for each in objectives], "waiting": waiting},
        grader_version=GRADER_VERSION,
    )
    record(
        attempt.pk,
        kind="attempt.graded",
        actor="range",
        payload={"share": given.share, "passed": given.passed, "provisional": given.provisional},
    )
    return given


def _passes(attempt: Attempt, objectives: list[ObjectiveStatus], share: float) -> bool:
    rule = _pass_rule(attempt)
    met = {each.key for each in objectives if each.is_met}
    return share >= rule.share and met.issuperset(rule.required)


def _pass_rule(attempt: Attempt) -> PassSpec:
    return attempt_spec(attempt.exercise.version, attempt.pk, 1).grading.passing


def _line(objective: ObjectiveStatus) -> dict[str, Any]:
    return {
        "key": objective.key,
        "title": objective.title,
        "weight": objective.weight,
        "outcome": str(objective.outcome),
        "score": objective.score,
        "evidence": [str(check.evidence.pk) for check in objective.checks if check.evidence],
    }


def latest_grade(attempt: Attempt) -> Grade | None:
    """Return the newest grade, if the attempt has one."""
    return Grade.objects.filter(attempt=attempt).order_by("-at").first()
