"""Takes a question: ladder, author's words, passages; one row, and the events that count it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from range.accounts.models import User
from range.exercises.models import Attempt
from range.exercises.services import AttemptClosed
from range.lib.errors import RangeError
from range.timeline.services import record
from tutor import budget
from tutor.happenings import HINT_ANSWERED, HINT_ASKED, HINT_UNLOCKED
from tutor.hints import authored_text, quoted_passages
from tutor.models import Hint
from tutor.policy import Grant, Rung, Unlock, decide, is_definition
from tutor.providers import registry
from tutor.quoting import cut, plain
from tutor.retrieval import Passage, Wanted, search
from tutor.situation import Situation, gather
from tutor.steering import limits_of, narrowed, settings_of
from tutor.withheld import help_for

QUESTION_LIMIT = 1000
MARKED_LIMIT = 800
PASSAGES = 3
BURST = 8
BURST_WINDOW = timedelta(minutes=1)
HOUR = timedelta(hours=1)
# What a term means is answered from general articles up to here, whatever the rung. Texts for
# one school or scenario keep to the rung that somebody gave them.
DEFINITION_RUNG = Rung.CONCEPT
NOTHING_FOUND = "The range's articles say nothing about that. Ask with another word for it."


class TooManyHints(RangeError):
    """Questions came faster than anybody can use the answers."""

    def __init__(self) -> None:
        super().__init__(
            "That is more than the tutor answers in so short a time. Nothing was lost: "
            "try something with the hints you have, and ask again in a minute.",
            reason="rate",
            status=429,
            retryable=True,
        )


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What stands at once, before any model; question and marked text hold no secret any more."""

    grant: Grant
    question: str
    marked: str
    definition: bool
    authored: str
    passages: Sequence[Passage]


def ask(
    attempt: Attempt,
    *,
    person: User,
    objective: str = "",
    question: str = "",
    marked: str = "",
    unlock: Unlock = Unlock.STAY,
) -> Hint:
    """Write down a question with the author's words and the passages; a model may follow.

    Args:
        objective: The first one that is not met when empty.
        marked: What the trainee marked on a terminal.

    Raises:
        AttemptClosed: The attempt is finished.
        LadderRefused: The rung may not be had, or the tutor is off.
        ObjectiveUnknown: The scenario has no such objective.
        TooManyHints: Too many questions in a minute or an hour.
    """
    asked = _Asked(
        question=cut(plain(question).strip(), limit=QUESTION_LIMIT),
        marked=cut(plain(marked).strip(), limit=MARKED_LIMIT),
        unlock=unlock,
    )
    with transaction.atomic():
        # Two requests at once must not raise the ladder twice.
        locked = Attempt.objects.select_for_update().get(pk=attempt.pk)
        if locked.state != Attempt.State.ACTIVE:
            raise AttemptClosed
        _refuse_beyond_rate(attempt)
        situation = gather(attempt, objective)
        return _write(attempt, person, situation, _prepare(attempt, situation, asked))


@dataclass(frozen=True, kw_only=True)
class _Asked:
    question: str
    marked: str
    unlock: Unlock


def _refuse_beyond_rate(attempt: Attempt) -> None:
    now, hints = timezone.now(), Hint.objects.filter(attempt=attempt)
    in_burst = hints.filter(asked_at__gt=now - BURST_WINDOW).count()
    in_hour = hints.filter(asked_at__gt=now - HOUR).count()
    if in_burst >= BURST or in_hour >= limits_of(attempt.exercise).hints_per_hour:
        raise TooManyHints


def _prepare(attempt: Attempt, situation: Situation, asked: _Asked) -> Prepared:
    grant = decide(situation.ladder, situation.limits, unlock=asked.unlock)
    key, theirs = situation.state.objective.key, attempt.exercise.organisation_id
    help_ = help_for(attempt, key, rung=grant.rung)
    question, marked = help_.withheld.redact(asked.question), help_.withheld.redact(asked.marked)
    if asked.unlock is Unlock.STAY and not marked and is_definition(question):
        found = _search(
            attempt,
            question,
            rung=grant.rung,
            general_rung=DEFINITION_RUNG,
            organisation=theirs,
        )
        return Prepared(
            grant=grant,
            question=question,
            marked="",
            definition=True,
            authored=_defined(found, question),
            passages=found,
        )
    authored = authored_text(help_.authored, grant.rung, situation.state, marked)
    found = _search(
        attempt,
        " ".join([question, marked, authored if grant.rung else ""]),
        rung=grant.rung,
        objective=key,
        organisation=theirs,
    )
    return Prepared(
        grant=grant,
        question=question,
        marked=marked,
        definition=False,
        authored=authored,
        passages=found,
    )


def _search(attempt: Attempt, text: str, *, objective: str = "", **whom: Any) -> list[Passage]:
    """Return passages for an objective, or for what a term means where there is none."""
    if not text.strip():
        return []
    limits = narrowed(settings_of(attempt.exercise))
    own = bool(objective) or limits.own_only
    wanted = Wanted(
        text=text,
        scenario=attempt.exercise.version.scenario.slug if own else "",
        objective=objective,
        narrowed=limits,
        **whom,
    )
    return search(wanted, model=registry.embedding(), limit=PASSAGES)


def _defined(passages: Sequence[Passage], question: str) -> str:
    """Answer what a term means in the words of the best passage."""
    if not passages:
        return NOTHING_FOUND
    quote = quoted_passages(passages[:1], question)[0]
    return f"{quote['text'][quote['start'] : quote['end']]} [1]"


def _write(attempt: Attempt, person: User, situation: Situation, prepared: Prepared) -> Hint:
    choice = budget.choice_for(attempt)
    grant, question = prepared.grant, prepared.question
    answered = choice.model is None or _stands_alone(prepared)
    hint = Hint.objects.create(
        attempt=attempt,
        asked_by=person,
        objective=situation.state.objective.key,
        rung=grant.rung,
        question=question,
        marked=prepared.marked,
        definition=prepared.definition,
        state=Hint.State.ANSWERED if answered else Hint.State.OPEN,
        mode=Hint.Mode.NONE if answered else choice.mode,
        authored=prepared.authored,
        passages=[
            {"chunk": str(p.chunk_id), "score": round(p.score, 5)} for p in prepared.passages
        ],
        citations=quoted_passages(
            prepared.passages, f"{question} {prepared.marked} {prepared.authored}"
        ),
        context_digest=situation.state.digest,
        model_name="" if answered or choice.model is None else choice.model.name,
        answered_at=timezone.now() if answered else None,
    )
    _record(hint, grant, person)
    return hint


def _stands_alone(prepared: Prepared) -> bool:
    """Tell whether the author's words are the whole answer: the top rung, or nothing was asked."""
    if prepared.grant.rung == Rung.ANSWER:
        return True
    nothing_asked = not prepared.question and not prepared.marked
    return prepared.grant.rung == Rung.MIRROR and nothing_asked


def _record(hint: Hint, grant: Grant, person: User) -> None:
    about = {"objective": hint.objective, "rung": hint.rung}
    if grant.raised:
        record(
            hint.attempt_id,
            kind=HINT_UNLOCKED,
            actor=f"trainee:{person.pk}",
            payload={**about, "trigger": str(grant.trigger)},
        )
    record(
        hint.attempt_id,
        kind=HINT_ASKED,
        actor=f"trainee:{person.pk}",
        payload={
            **about,
            "hint": str(hint.pk),
            "definition": hint.definition,
            "marked": bool(hint.marked),
        },
    )
    if hint.state != Hint.State.OPEN:
        record_answered(hint)


def record_answered(hint: Hint) -> None:
    """Append to the timeline that a hint's answer stands."""
    record(
        hint.attempt_id,
        kind=HINT_ANSWERED,
        actor="tutor",
        payload={
            "objective": hint.objective,
            "rung": hint.rung,
            "hint": str(hint.pk),
            "mode": hint.mode,
            "citations": len(hint.citations),
            "guard": str(hint.guard.get("reason", "")),
        },
    )
