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
from tutor.asking import record_answered
from tutor.context import TOKEN_LIMIT, render
from tutor.guard import Guard
from tutor.hints import cited
from tutor.models import Hint
from tutor.prompt import Asked, build, sha256_of, text_of
from tutor.providers import registry
from tutor.providers.chat import ChatFailed, ChatModel, Message
from tutor.retrieval import Passage
from tutor.situation import gather
from tutor.splitting import Splitter
from tutor.support import Quote, Supporter
from tutor.withheld import Help, help_for

log = get_logger(__name__)

# A process that died while answering leaves its claim; the next page takes over after this.
CLAIM_STALE = timedelta(minutes=4)
LONGEST_ANSWER = 6
SHORT_STATE_TOKENS = 180
# What stands for a secret in the prompt reads badly in a sentence.
_WHOLE = re.compile(r"[.!?][)\"'*`]*(?:\s?\[\d+\])*\.?$")
_PLACEHOLDER = re.compile(r"\u27e6[^\u27e7]*\u27e7")


@dataclass(frozen=True, kw_only=True)
class Work:
    """Everything an answer needs, gathered before the first word."""

    hint_id: uuid.UUID
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

    @property
    def usable(self) -> bool:
        """Tell whether the words may stand: nothing tripped, something is left."""
        return bool(self.sentences) and not self.guard and not self.failure


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
    choice = registry.choose()
    hint = Hint.objects.select_related(
        "attempt__exercise__version__scenario", "attempt__trainee"
    ).get(pk=hint_id)
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


def _work(hint: Hint, model: ChatModel) -> Work:
    attempt = hint.attempt
    help_ = help_for(attempt, hint.objective, rung=hint.rung)
    short = model.one_at_a_time
    state = render(
        gather(attempt, hint.objective).state, limit=SHORT_STATE_TOKENS if short else TOKEN_LIMIT
    )
    passages = _passages(hint)
    asked = Asked(
        situation=_situation(attempt),
        rung=hint.rung,
        definition=hint.definition,
        hint=hint.authored,
        passages=passages,
        state=state,
        question=hint.question,
        short=short,
    )
    messages = build(asked, help_.withheld)
    sha256 = sha256_of(messages)
    Hint.objects.filter(pk=hint.pk).update(prompt_sha256=sha256, model_name=model.name)
    return Work(
        hint_id=hint.pk,
        model=model,
        messages=messages,
        guard=_guard(hint, help_, passages, state),
        supporter=Supporter(passages, known=[hint.authored, state, *_read_before(hint, help_)]),
        passages=passages,
    )


def _guard(hint: Hint, help_: Help, passages: Sequence[Passage], state: str) -> Guard:
    allowed = [*(each.text for each in passages), *_read_before(hint, help_), hint.authored, state]
    return Guard(help_.withheld, allowed=allowed, prompt=text_of("policy"))


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


async def write(work: Work) -> AsyncIterator[str]:
    """Yield the sentences that may be shown; the row is settled when this ends.

    A guard's hit ends the answer at once: what follows cannot be trusted either.
    """
    draft, shown = Draft(), 0
    try:
        async for sentence in _sentences(work):
            if len(draft.sentences) >= LONGEST_ANSWER or not _take(work, draft, sentence):
                break
            while shown < len(draft.sentences):
                yield draft.sentences[shown]
                shown += 1
        registry.breaker(work.model.mode).succeeded()
    except ChatFailed as error:
        draft.failure = error.reason
        registry.breaker(work.model.mode).failed()
    await in_thread(settle, work.hint_id, draft, work.passages)


async def _sentences(work: Work) -> AsyncIterator[str]:
    splitter = Splitter()
    async for words in work.model.stream(work.messages):
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
    settled = work.supporter.settle(_PLACEHOLDER.sub("that value", sentence))
    if not settled.kept:
        draft.dropped += 1
        return True
    draft.sentences.append(settled.text)
    if settled.quote:
        draft.quotes[settled.quote.number] = settled.quote
    return True


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
