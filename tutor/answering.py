"""Lets a model answer one hint: prompt, words, guard, citations; ends in a row, always."""

import re
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import timezone

from range.exercises.models import Attempt
from range.lib.logs import get_logger
from tutor import budget
from tutor.asking import record_answered
from tutor.context import TOKEN_LIMIT, approximate_tokens, render
from tutor.guard import Guard
from tutor.hints import cited
from tutor.models import Hint
from tutor.policy import Rung, style_for
from tutor.prompt import Asked, build, sha256_of, text_of
from tutor.providers import registry
from tutor.providers.chat import ChatFailed, ChatModel, Message, Usage
from tutor.retrieval import Passage
from tutor.situation import gather
from tutor.splitting import Splitter
from tutor.steering import settings_of
from tutor.support import Quote, Supporter, is_question
from tutor.withheld import Help, help_for

log = get_logger(__name__)

# A process that died while answering leaves its claim; the next page takes over after this.
CLAIM_STALE = timedelta(minutes=4)
LONGEST_ANSWER = 4
# A model that goes on saying what nothing bears out will not come back to the matter.
MOST_DROPPED = 4
SHORT_STATE_TOKENS = 180
NOTHING_USABLE = "The hosted model gave no usable answer."
# What stands for a secret in the prompt reads badly in a sentence.
_WHOLE = re.compile(r"[.!?][)\"'*`]*(?:\s?\[\d+\])*\.?$")
_HEARSAY = re.compile(
    r"^(?:the |an? )?(?:author's )?(?:hint|author|passage)s? "
    r"(?:says?|suggests?|tells? you|is) that ",
    re.IGNORECASE,
)
_THIRD_PERSON = re.compile(r"\bthe trainee (should|can|could|may|might|must)\b", re.IGNORECASE)
# What only stands in the prompt: nobody who reads the answer has seen it.
_INNER = re.compile(r"\bthe author|\bthe passages?\b|\bthe trainee\b", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\u27e6[^\u27e7]*\u27e7")


@dataclass(frozen=True, kw_only=True)
class Work:
    """Everything an answer needs, gathered before the first word."""

    hint_id: uuid.UUID
    rung: int
    model: ChatModel
    messages: Sequence[Message]
    guard: Guard = field(repr=False)
    supporter: Supporter
    passages: Sequence[Passage]


@dataclass
class Draft:
    """What came so far."""

    sentences: list[str] = field(default_factory=list)
    quotes: dict[int, Quote] = field(default_factory=dict)
    dropped: int = 0
    guard: str = ""
    failure: str = ""
    said: int = 0
    usage: Usage | None = None
    has_asked: bool = False

    @property
    def usable(self) -> bool:
        """Tell whether the words may stand: nothing tripped, something is left."""
        return bool(self.sentences) and not self.guard and not self.failure

    @property
    def is_enough(self) -> bool:
        """Tell whether no further sentence is wanted."""
        return len(self.sentences) >= LONGEST_ANSWER or self.dropped >= MOST_DROPPED

    @property
    def may_be_tried_elsewhere(self) -> bool:
        """Tell whether another model may begin anew: nothing was shown, and nothing tripped."""
        return not self.sentences and not self.guard


async def in_thread[T](work: Callable[..., T], *arguments: object) -> T:
    """Do database work in a thread that gives its connection back."""

    def carry_out() -> T:
        try:
            return work(*arguments)
        finally:
            connection.close()

    return await sync_to_async(carry_out, thread_sensitive=False)()


def prepare(hint_id: uuid.UUID) -> Work | None:
    """Claim an open hint and gather its prompt; None where there is nothing to do."""
    if not Hint.objects.claim(hint_id, stale=timezone.now() - CLAIM_STALE):
        return None
    hint = _read(hint_id)
    choice = budget.choice_for(hint.attempt)
    if choice.model is None:
        settle(hint_id, Draft(failure="no-model"), ())
        return None
    try:
        return _work(hint, choice.model)
    except Exception:
        # Whatever is wrong with the prompt, the author's words already stand on the page.
        log.exception("tutor.answer.unprepared", hint=str(hint_id))
        settle(hint_id, Draft(failure="broken"), ())
        return None


def _read(hint_id: uuid.UUID) -> Hint:
    return Hint.objects.select_related(
        "attempt__exercise__version__scenario", "attempt__trainee"
    ).get(pk=hint_id)


def follow_up(work: Work, draft: Draft) -> Work | None:
    """Settle a hint, or hand it to the local model where the hosted one gave nothing usable."""
    hint = _read(work.hint_id)
    if draft.usage or draft.said or not draft.failure:
        budget.write(
            hint.attempt,
            work.model,
            work.messages,
            said=draft.said,
            usage=draft.usage,
            hint=hint,
        )
    if draft.may_be_tried_elsewhere and work.model.mode == "hosted":
        choice = budget.choice_for(hint.attempt, spent=NOTHING_USABLE)
        if choice.model is not None:
            Hint.objects.filter(pk=hint.pk).update(mode=choice.mode, claimed_at=timezone.now())
            return _work(hint, choice.model)
    settle(work.hint_id, draft, work.passages)
    return None


def _work(hint: Hint, model: ChatModel) -> Work:
    attempt = hint.attempt
    help_ = help_for(attempt, hint.objective, rung=hint.rung)
    short = model.one_at_a_time
    known = gather(attempt, hint.objective).state
    state = render(known, limit=SHORT_STATE_TOKENS if short else TOKEN_LIMIT)
    passages = _passages(hint)
    asked = Asked(
        situation=_situation(attempt),
        rung=hint.rung,
        definition=hint.definition,
        hint=hint.authored,
        passages=passages,
        state=state,
        question=hint.question,
        marked=hint.marked,
        style=style_for(known.stuck),
        tone=settings_of(attempt.exercise).tone,
        short=short,
    )
    messages = build(asked, help_.withheld)
    sha256 = sha256_of(messages)
    Hint.objects.filter(pk=hint.pk).update(prompt_sha256=sha256, model_name=model.name)
    return Work(
        hint_id=hint.pk,
        rung=hint.rung,
        model=model,
        messages=messages,
        guard=_guard(hint, help_, passages, state),
        supporter=Supporter(
            passages,
            known=[hint.authored],
            named=[state, hint.question, hint.marked, *_read_before(hint, help_)],
        ),
        passages=passages,
    )


def _guard(hint: Hint, help_: Help, passages: Sequence[Passage], state: str) -> Guard:
    allowed = [*(each.text for each in passages), *_read_before(hint, help_), hint.authored, state]
    return Guard(
        help_.withheld,
        allowed=allowed,
        prompt=text_of("policy"),
        avoid=settings_of(hint.attempt.exercise).avoid,
    )


def _read_before(hint: Hint, help_: Help) -> Sequence[str]:
    return help_.authored.up_to(hint.rung)


def _situation(attempt: Attempt) -> str:
    spec = attempt.exercise.version.spec
    return f"{spec.get('title', '')}. {spec.get('summary', '')}"


def _passages(hint: Hint) -> list[Passage]:
    """Return the passages as they were when the hint was asked for."""
    return [
        Passage(
            number=each["number"],
            chunk_id=uuid.UUID(each["chunk"]),
            title=each["title"],
            heading=each["heading"],
            text=each["text"],
            version=each["version"],
            license=each["license"],
            url=each["url"],
            score=0.0,
        )
        for each in hint.citations
    ]


async def write(work: Work, draft: Draft) -> AsyncIterator[str]:
    """Yield the sentences that may be shown, and keep in the draft what becomes of the answer.

    A guard's hit ends the answer at once: what follows cannot be trusted either.
    """
    shown = 0
    try:
        async for sentence in _sentences(work, draft):
            if draft.is_enough or not _take(work, draft, sentence):
                break
            while shown < len(draft.sentences):
                yield draft.sentences[shown]
                shown += 1
        registry.breaker(work.model.mode).succeeded()
    except ChatFailed as error:
        draft.failure = error.reason
        registry.breaker(work.model.mode).failed()


async def _sentences(work: Work, draft: Draft) -> AsyncIterator[str]:
    splitter = Splitter()
    async for words in work.model.stream(work.messages):
        if isinstance(words, Usage):
            draft.usage = words
            continue
        draft.said += approximate_tokens(words)
        for sentence in splitter.feed(words):
            yield sentence
    rest = splitter.rest()
    # An answer cut off at its limit ends in half a sentence, which may say the opposite.
    if _WHOLE.search(rest):
        yield rest


def _take(work: Work, draft: Draft, sentence: str) -> bool:
    """Judge one sentence; False where the answer must end."""
    verdict = work.guard.check(sentence)
    if not verdict.ok:
        draft.guard = verdict.reason
        log.warning("tutor.guard.hit", hint=str(work.hint_id), reason=verdict.reason)
        return False
    said = _to_the_point(_PLACEHOLDER.sub("that value", sentence))
    settled = work.supporter.settle(said)
    if not settled.kept or _INNER.search(said) or _asks_again(work, draft, settled.text):
        draft.dropped += 1
        return True
    draft.sentences.append(settled.text)
    if settled.quote:
        known = draft.quotes.get(settled.quote.number)
        draft.quotes[settled.quote.number] = settled.quote.joined(known)
    return True


def _to_the_point(sentence: str) -> str:
    """Speak to the reader, and leave out whom a model says it has something from."""
    bare = _HEARSAY.sub("", _THIRD_PERSON.sub(r"you \1", sentence))
    return bare if bare == sentence else bare[:1].upper() + bare[1:]


def _asks_again(work: Work, draft: Draft, text: str) -> bool:
    """Tell whether this is a second question where the rung asks exactly one."""
    if work.rung > Rung.ORIENT or not is_question(text):
        return False
    asked_before, draft.has_asked = draft.has_asked, True
    return asked_before


def settle(hint_id: uuid.UUID, draft: Draft, passages: Sequence[Passage]) -> None:
    """Write the answer, or that the author's words stand alone; the first one to end wins."""
    fields: dict[str, Any] = {
        "guard": {"reason": draft.guard or draft.failure, "dropped": draft.dropped}
    }
    if draft.usable:
        fields["text"] = " ".join(draft.sentences)
        if draft.quotes:
            fields["citations"] = _citations(draft, passages)
    else:
        fields["mode"] = Hint.Mode.NONE
    state = Hint.State.ANSWERED if draft.usable else Hint.State.FAILED
    if Hint.objects.settle(hint_id, state=state, **fields):
        record_answered(Hint.objects.get(pk=hint_id))


def _citations(draft: Draft, passages: Sequence[Passage]) -> list[dict[str, Any]]:
    return [
        cited(passage, start=quote.start, end=quote.end)
        for passage in passages
        if (quote := draft.quotes.get(passage.number))
    ]
