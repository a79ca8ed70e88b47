"""Proposes levels for rubric criteria, with spans that exist, or abstains; never decides."""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from range.assessment.grading import Proposal, criterion_of
from range.assessment.models import ReviewItem
from range.checks.rubric import Criterion
from range.exercises.models import Attempt
from range.lib.logs import get_logger
from tutor.prompt import sha256_of, text_of
from tutor.providers import registry
from tutor.providers.chat import ChatFailed, ChatModel, Message
from tutor.quoting import fenced, new_fence

log = get_logger(__name__)

# Source: the tutor's own measurements; a model of 1.5 thousand million parameters agreed with
# people no better than chance although every reply was well formed.
SMALLEST_JUDGE_BILLIONS = 3.0
REPEATS = 3
ARTEFACT_LIMIT = 12_000


class Span(BaseModel):
    """Lines of the report that support a level."""

    first: int = Field(alias="from", ge=1)
    last: int = Field(alias="to", ge=1)
    quote: str = Field(min_length=1, max_length=2000)


class Judged(BaseModel):
    """What a model answers about one criterion."""

    level: int | None = Field(default=None, ge=0, le=10)
    spans: list[Span] = []
    reason: str = Field(default="", max_length=600)


def judge(attempt: Attempt) -> list[Proposal]:
    """Return a proposal for every open criterion; nothing where no model may judge."""
    model = registry.choose().model
    if model is None or not may_judge(model):
        return []
    waiting = ReviewItem.objects.filter(
        attempt=attempt, state=ReviewItem.State.OPEN, proposal__isnull=True
    ).select_related("objective", "attempt__exercise__version")
    return [_propose(item, criterion_of(item), model) for item in waiting.order_by("created_at")]


def may_judge(model: ChatModel) -> bool:
    """Tell whether a model is large enough; one of unknown size is the operator's choice."""
    return model.billions is None or model.billions >= SMALLEST_JUDGE_BILLIONS


def _propose(item: ReviewItem, criterion: Criterion, model: ChatModel) -> Proposal:
    lines = item.artefact[:ARTEFACT_LIMIT].splitlines()
    messages = _messages(criterion, lines)
    runs = _repeated(model, messages)
    agreed = _agreed(runs, lines, highest=len(criterion.levels) - 1)
    return Proposal(
        check_id=item.check_id,
        criterion=item.criterion,
        level=agreed.level if agreed else None,
        spans=tuple(span.model_dump(by_alias=True) for span in agreed.spans) if agreed else (),
        reason=agreed.reason if agreed else "The model abstains.",
        model=model.name,
        prompt_sha256=sha256_of(messages),
    )


def _messages(criterion: Criterion, lines: Sequence[str]) -> list[Message]:
    levels = "\n".join(f"{number}: {text}" for number, text in enumerate(criterion.levels))
    numbered = "\n".join(f"{number}: {line}" for number, line in enumerate(lines, start=1))
    report = fenced(numbered, fence=new_fence(), label="report")
    asked = f"Criterion: {criterion.title}\n{criterion.guidance}\nLevels:\n{levels}\n\n{report}"
    return [Message("system", text_of("rubric")), Message("user", asked)]


def _repeated(model: ChatModel, messages: Sequence[Message]) -> list[Judged]:
    """Ask several times; one failure is enough to abstain."""
    try:
        return [model.decide(messages, Judged) for _ in range(REPEATS)]
    except ChatFailed as error:
        log.info("tutor.rubric.abstained", reason=error.reason)
        return []


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
