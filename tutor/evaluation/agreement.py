"""Lets a model judge the graded reports, and compares its levels with those given by people."""

from collections.abc import Sequence
from dataclasses import dataclass

from range.assessment.models import ReviewItem
from range.lib.raters import weighted_kappa
from tutor import services
from tutor.evaluation import sets
from tutor.evaluation.sets import Transcript
from tutor.evaluation.stage import Stage
from tutor.evaluation.trying import hand_in, moment
from tutor.providers.chat import ChatModel
from tutor.rubric import may_judge

# One person, the author, has given the levels of the set. The figure counts once two have.
RATERS = 1
RATERS_NEEDED = 2


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How a judge did: None where it never judged.

    Args:
        coverage: Share of criteria on which it did not abstain.
    """

    qwk: float | None
    coverage: float | None
    judged: int


def why_not(model: ChatModel | None) -> str:
    """Return why agreement cannot be measured, empty where it can."""
    if model is None:
        return "no model answers"
    if not may_judge(model):
        return "models under three thousand million parameters never judge"
    if RATERS < RATERS_NEEDED:
        return "the reports have been graded by one person only; two are needed"
    return ""


def measure(stage: Stage, reports: Sequence[Transcript] | None = None) -> Agreement:
    """Judge every report with the model at hand."""
    given, wanted, asked = list[int](), list[int](), 0
    for report in reports if reports is not None else sets.transcripts():
        levels = _levels(stage, report)
        asked += len(report.scores)
        given += [level for criterion, level in levels.items() if criterion in report.scores]
        wanted += [report.scores[criterion] for criterion in levels if criterion in report.scores]
    return Agreement(
        qwk=weighted_kappa(given, wanted),
        coverage=round(len(given) / asked, 4) if asked else None,
        judged=len(given),
    )


def _levels(stage: Stage, report: Transcript) -> dict[str, int]:
    """Return what is proposed for one report, without the criteria it abstains on."""
    staged = stage.at(moment(report.scenario, report.objective, report.id))
    hand_in(staged.attempt, report.objective, report.report)
    proposals = services.judge(staged.attempt)
    ReviewItem.objects.filter(attempt=staged.attempt).delete()
    return {each.criterion: each.level for each in proposals if each.level is not None}
