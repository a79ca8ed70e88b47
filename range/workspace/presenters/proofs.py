"""The evidence of an attempt, objective by objective, with links to the moments behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch

from range.assessment.grading import criterion_of
from range.assessment.models import Decision, Evidence, ReviewItem
from range.assessment.services import CheckStatus
from range.checks.base import Outcome
from range.checks.rubric import Criterion
from range.exercises.models import Attempt
from range.workspace.presenters import reasons
from range.workspace.presenters.attempt import url_or_nothing
from range.workspace.presenters.outcomes import Standing, standings

_JUDGES = {
    Evidence.Source.CHECK: "",
    Evidence.Source.MODEL: "proposed by a model",
    Evidence.Source.PERSON: "judged by an instructor",
}


@dataclass(frozen=True, kw_only=True)
class ProofCheck:
    """One check in words, with what was found.

    Args:
        outcome: MET, UNMET or INCONCLUSIVE, also where nothing was observed.
        evidence_url: The record itself; empty where nothing was observed.
        moment_url: Where the recording is replayed from that moment; empty without one.
    """

    sentence: str
    kind: str
    outcome: str
    hint_rung: int
    judge: str
    supporting: bool
    evidence_url: str
    moment_url: str


@dataclass(frozen=True, kw_only=True)
class Decided:
    """One decision about a criterion: the first, or a correction."""

    level: str
    note: str
    by: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What an instructor decided about one criterion of written work, and wrote to the trainee.

    Args:
        earlier: Decisions that were corrected since, newest first.
    """

    criterion: str
    level: str
    note: str
    earlier: Sequence[Decided] = ()


@dataclass(frozen=True, kw_only=True)
class Proof:
    """One objective with the evidence for it.

    Args:
        earned: Part of the whole grade this objective brought, in [0, 1].
        verdicts: Decisions of instructors, by criterion.
    """

    key: str
    title: str
    state: str
    share: float
    earned: float
    skills: Sequence[str]
    checks: Sequence[ProofCheck]
    verdicts: Sequence[Verdict] = ()


def proofs_of(attempt: Attempt) -> list[Proof]:
    """Return the evidence of an attempt by objective."""
    verdicts = _verdicts(attempt)
    return [
        _proof(standing, verdicts.get(standing.objective.key, ()))
        for standing in standings(attempt)
    ]


def moment_url(evidence: Evidence) -> str:
    """Return where the moment of a piece of evidence can be seen."""
    if evidence.recording_id is None or evidence.recording_offset_ms is None:
        return ""
    replay = url_or_nothing("replay", evidence.attempt_id)
    moment = f"recording={evidence.recording_id}&at={evidence.recording_offset_ms}"
    return f"{replay}?{moment}" if replay else ""


def _verdicts(attempt: Attempt) -> dict[str, list[Verdict]]:
    found: dict[str, list[Verdict]] = {}
    decided = attempt.review_items.filter(state=ReviewItem.State.DECIDED, level__isnull=False)
    found_items = decided.select_related("objective").prefetch_related(
        Prefetch("decisions", Decision.objects.select_related("decided_by").order_by("-pk"))
    )
    for item in found_items.order_by("created_at", "criterion"):
        criterion = criterion_of(item)
        verdict = Verdict(
            criterion=criterion.title,
            level=criterion.levels[item.level or 0],
            note=item.note,
            earlier=[_decided(each, criterion) for each in list(item.decisions.all())[1:]],
        )
        found.setdefault(item.objective.key, []).append(verdict)
    return found


def _decided(decision: Decision, criterion: Criterion) -> Decided:
    return Decided(
        level=criterion.levels[decision.level],
        note=decision.note,
        by=decision.decided_by.shown_name,
        at=decision.decided_at,
    )


def _proof(standing: Standing, verdicts: Sequence[Verdict]) -> Proof:
    objective = standing.objective
    return Proof(
        key=objective.key,
        title=objective.title,
        state=standing.state,
        share=standing.share,
        earned=standing.earned,
        skills=[each.key for seen in objective.observations for each in seen.skills],
        checks=[_check(check) for check in objective.checks],
        verdicts=verdicts,
    )


def _check(check: CheckStatus) -> ProofCheck:
    evidence = check.evidence
    outcome = check.outcome or Outcome.INCONCLUSIVE
    told = check.feedback if outcome is Outcome.UNMET else ""
    return ProofCheck(
        sentence=told or reasons.sentence(check.reason),
        kind=check.kind,
        outcome=str(outcome),
        hint_rung=evidence.hint_rung if evidence else 0,
        judge=_JUDGES[Evidence.Source(evidence.source)] if evidence else "",
        supporting=check.role == "supporting",
        evidence_url=url_or_nothing("evidence", evidence.pk) if evidence else "",
        moment_url=moment_url(evidence) if evidence else "",
    )
