"""Proposes levels for rubric criteria, with spans that exist, or abstains; never decides."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial

from pydantic import BaseModel, Field

from range.assessment import judges
from range.assessment.grading import Proposal, criterion_of, rubric_of
from range.assessment.models import ReviewItem
from range.checks.rubric import Criterion
from range.exercises.models import Attempt
from range.lib.logs import get_logger
from tutor import budget
from tutor.context import approximate_tokens
from tutor.own_words import cites, holds_own_words, printed_in
from tutor.prompt import sha256_of, text_of
from tutor.providers import registry
from tutor.providers.chat import ChatFailed, ChatModel, Message
from tutor.quoting import fenced, new_fence, one_line

log = get_logger(__name__)

# Source: the tutor's own measurements; a model of 1.5 thousand million parameters agreed with
# people no better than chance although every reply was well formed.
SMALLEST_JUDGE_BILLIONS = 3.0
REPEATS = 3
ARTEFACT_LIMIT = 12_000
LONGEST_REASON = 600
ABSTAINS = "The model was not sure, or its answers did not hold: it abstains."
SWITCHED_OFF = "The model is switched off here: it agreed too little with people."


class Span(BaseModel):
    """Lines of the report that support a level."""

    first: int = Field(alias="from", ge=1)
    last: int = Field(alias="to", ge=1)
    quote: str = Field(min_length=1, max_length=2000)


class Judged(BaseModel):
    """What a model answers about one criterion."""

    level: int | None = Field(default=None, ge=0, le=10)
    spans: list[Span] = []
    reason: str = Field(default="", max_length=LONGEST_REASON)


def judge(attempt: Attempt) -> list[Proposal]:
    """Return a proposal for every open criterion; nothing where no model may judge.

    A criterion whose model was away has none either, and can be asked about again.
    """
    waiting = ReviewItem.objects.filter(
        attempt=attempt, state=ReviewItem.State.OPEN, proposal__isnull=True
    ).select_related("objective", "attempt__exercise__version__scenario")
    known = judges.agreements([attempt.exercise.organisation_id])
    proposals = list[Proposal]()
    for item in waiting.order_by("created_at"):
        # Every criterion costs: a budget may end between two of them.
        model = budget.choice_for(attempt).model
        if model is None or not may_judge(model):
            break
        if proposal := _proposal(item, model, known):
            proposals.append(proposal)
    return proposals


def may_judge(model: ChatModel) -> bool:
    """Tell whether a model is large enough; one of unknown size is the operator's choice."""
    return model.billions is None or model.billions >= SMALLEST_JUDGE_BILLIONS


def name_of(model: ChatModel) -> str:
    """Return what a judge is known by: a model under other instructions is another judge."""
    return f"{model.name} {hashlib.sha256(text_of('rubric').encode()).hexdigest()[:8]}"


def _proposal(
    item: ReviewItem, model: ChatModel, known: Mapping[judges.Matter, judges.Agreement]
) -> Proposal | None:
    judge = name_of(model)
    if judges.agreement_on(item, judge, known).standing is judges.Standing.OFF:
        return Proposal(
            check_id=item.check_id,
            criterion=item.criterion,
            level=None,
            reason=SWITCHED_OFF,
            model=model.name,
            judge=judge,
        )
    return _asked(item, model, judge)


def _asked(item: ReviewItem, model: ChatModel, judge: str) -> Proposal | None:
    criterion, lines = criterion_of(item), item.artefact[:ARTEFACT_LIMIT].splitlines()
    messages = _messages(criterion, lines)
    runs = _repeated(item, model, messages)
    if runs is None:
        return None
    agreed = _agreed(runs, lines, highest=len(criterion.levels) - 1)
    if agreed and agreed.level and not _holds(item, criterion, agreed):
        agreed = None
    return Proposal(
        check_id=item.check_id,
        criterion=item.criterion,
        level=agreed.level if agreed else None,
        spans=tuple(span.model_dump(by_alias=True) for span in agreed.spans) if agreed else (),
        reason=one_line(agreed.reason, limit=LONGEST_REASON) if agreed else ABSTAINS,
        model=model.name,
        judge=judge,
        prompt_sha256=sha256_of(messages),
        artefact_sha256=hashlib.sha256(item.artefact.encode()).hexdigest(),
    )


def _holds(item: ReviewItem, criterion: Criterion, agreed: Judged) -> bool:
    """Tell whether what is quoted is the trainee's own, and cites what the criterion asks for."""
    _, path = rubric_of(item).place()
    quotes = [span.quote for span in agreed.spans]
    own = holds_own_words(quotes, printed_in(item.attempt, report=path))
    return own and cites(quotes, item.attempt, criterion.must_cite, report=path)


def _messages(criterion: Criterion, lines: Sequence[str]) -> list[Message]:
    levels = "\n".join(f"{number}: {text}" for number, text in enumerate(criterion.levels))
    numbered = "\n".join(f"{number}: {line}" for number, line in enumerate(lines, start=1))
    report = fenced(numbered, fence=new_fence(), label="report")
    asked = f"Criterion: {criterion.title}\n{criterion.guidance}\nLevels:\n{levels}\n\n{report}"
    return [Message("system", text_of("rubric")), Message("user", asked)]


def _repeated(
    item: ReviewItem, model: ChatModel, messages: Sequence[Message]
) -> list[Judged] | None:
    """Ask several times, each written into the ledger; None where the model was away.

    One answer that cannot be read is enough to abstain.
    """
    write, runs = partial(budget.write, item.attempt, model, messages), list[Judged]()
    try:
        for _ in range(REPEATS):
            decided = model.decide(messages, Judged)
            said = approximate_tokens(decided.value.model_dump_json())
            write(said=said, usage=decided.usage)
            runs.append(decided.value)
    except ChatFailed as error:
        log.info("tutor.rubric.failed", reason=error.reason)
        if error.usage or error.reason == "garbage":
            write(said=0, usage=error.usage)
        if error.reason == "garbage":
            return []
        # It says nothing about the report: a person sees no verdict, and others need not wait.
        registry.breaker(model.mode).failed()
        return None
    registry.breaker(model.mode).succeeded()
    return runs


def _agreed(runs: Sequence[Judged], lines: Sequence[str], *, highest: int) -> Judged | None:
    """Return the answer all runs agree on, if its spans are there; None to abstain."""
    if not runs or len({run.level for run in runs}) != 1:
        return None
    first = runs[0]
    if first.level is None or first.level > highest:
        return None
    if first.level > 0 and not first.spans:
        return None
    return first if all(is_verbatim(span, lines) for span in first.spans) else None


def is_verbatim(span: Span, lines: Sequence[str]) -> bool:
    """Tell whether a span's lines exist and hold its quote word for word."""
    if span.last < span.first or span.last > len(lines):
        return False
    quoted = " ".join(lines[span.first - 1 : span.last])
    return " ".join(span.quote.split()) in " ".join(quoted.split())
