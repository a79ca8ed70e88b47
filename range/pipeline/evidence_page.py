"""The page of one piece of evidence: what was judged, what was seen, and what it counts for."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from range.accounts.access import can_contest, can_review, can_view_skills, record_access
from range.accounts.models import User
from range.assessment import appeals
from range.assessment.models import Appeal, Evidence
from range.competencies.frameworks import AlignedStatement, alignments_of
from range.competencies.models import ObservableSkill
from range.lib.errors import RangeError
from range.pipeline.evidence_lines import EvidenceLine, line, with_context
from range.pipeline.log import COUNTED_STATES, read_log

_CONTEXT = (
    "attempt__trainee",
    "judged_by",
    "superseded_by",
    "content",
    "appeal__answered_by",
    "appeal__outcome__superseded_by",
    "decided_appeal__answered_by",
)


class EvidenceMissing(RangeError):
    """No such evidence, not for this viewer, or its attempt is still open."""

    def __init__(self) -> None:
        super().__init__(
            "There is no such evidence for you. Evidence can be read once its attempt is finished.",
            reason="evidence-missing",
            status=404,
        )


@dataclass(frozen=True, kw_only=True)
class CountedSkill:
    """A skill that the evidence speaks for, and how much of it."""

    name: str
    share: float
    statements: Sequence[AlignedStatement]


@dataclass(frozen=True, kw_only=True)
class EvidencePage:
    """Everything the page shows.

    Args:
        counts: Empty for supporting checks, corrected records and those without a skill.
        facts: Further facts the judge left, as words.
        stands: Whether it was contested and upheld, and the answer is what counts now.
    """

    evidence: Evidence
    line: EvidenceLine
    person: User
    judge: str
    counts: Sequence[CountedSkill]
    facts: Sequence[tuple[str, str]]
    corrected_by: uuid.UUID | None
    stands: bool
    appeal: Appeal | None
    may_contest: bool
    may_answer: bool

    @property
    def answers(self) -> Mapping[str, str]:
        """Return what an instructor may answer."""
        return appeals.ANSWERS


def evidence_page(evidence_id: uuid.UUID, *, viewer: User) -> EvidencePage:
    """Gather the page and write down that the viewer looked.

    Raises:
        EvidenceMissing: The viewer may not see it, or the attempt is still open.
    """
    rows = with_context(Evidence.objects.filter(pk=evidence_id)).select_related(*_CONTEXT)
    row = rows.first()
    if row is None or not can_view_skills(viewer, row.attempt.trainee_id):
        raise EvidenceMissing
    if row.attempt.state not in COUNTED_STATES:
        raise EvidenceMissing
    record_access(viewer, subject_id=row.attempt.trainee_id, what=f"evidence {row.pk}")
    correction = getattr(row, "superseded_by", None)
    appeal, trainee = appeals.about(row), row.attempt.trainee_id
    is_open = appeal is not None and appeal.state == Appeal.State.OPEN
    return EvidencePage(
        evidence=row,
        line=line(row),
        person=row.attempt.trainee,
        judge=row.judged_by.shown_name if row.judged_by else "",
        counts=_counts(row),
        facts=_facts(row),
        corrected_by=correction.pk if correction else None,
        stands=_stands(row, appeal),
        appeal=appeal,
        may_contest=can_contest(viewer, trainee) and appeals.is_contestable(row),
        may_answer=is_open and correction is None and can_review(viewer, trainee),
    )


def _stands(row: Evidence, appeal: Appeal | None) -> bool:
    if appeal is None or appeal.evidence_id != row.pk or appeal.state != Appeal.State.UPHELD:
        return False
    return not hasattr(appeal.outcome, "superseded_by")


def _counts(row: Evidence) -> list[CountedSkill]:
    traced = read_log(row.attempt.trainee).traced
    found = next((item for item in traced if str(row.pk) in item.evidence_ids), None)
    if found is None:
        return []
    shares = dict(found.observation.skills)
    names = dict(ObservableSkill.objects.filter(key__in=shares).values_list("key", "name"))
    statements = alignments_of(shares)
    return [
        CountedSkill(name=names.get(key, key), share=share, statements=statements.get(key, ()))
        for key, share in shares.items()
    ]


def _facts(row: Evidence) -> list[tuple[str, str]]:
    # What both sides of an appeal wrote stands in words of its own.
    told = {"contested", "reason_given", "answer"} if hasattr(row, "decided_appeal") else set()
    plain = {
        key: value
        for key, value in row.detail.items()
        if key not in told and isinstance(value, str | int | float)
    }
    return [(key.replace("_", " ").capitalize(), str(value)) for key, value in plain.items()]
