"""Asks the tutor as a trainee's page does, and keeps what was shown and how long it took."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from asgiref.sync import async_to_sync

from range.lib.errors import RangeError
from tutor import services
from tutor.evaluation.stage import Staged
from tutor.models import Hint
from tutor.policy import Rung, Unlock
from tutor.providers import registry
from tutor.providers.scripted import EchoChat
from tutor.withheld import help_for

WHO = "evaluation"


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One answer.

    Args:
        hint: None where the question was refused.
        help_s: Seconds until the author's words and the sources stood.
        sentence_s: Seconds until a model's first sentence, None where none came.
    """

    hint: Hint | None
    help_s: float
    sentence_s: float | None = None
    refused: str = ""

    @property
    def text(self) -> str:
        """Return everything a trainee saw."""
        if self.hint is None:
            return ""
        sources = "\n".join(str(each["text"]) for each in self.hint.citations)
        return f"{self.hint.authored}\n{self.hint.text}\n{sources}"


def ask(staged: Staged, question: str, *, unlock: Unlock = Unlock.STAY, marked: str = "") -> Shown:
    """Ask once, and wait until the answer stands."""
    began = time.perf_counter()
    try:
        hint = services.ask(
            staged.attempt,
            person=staged.attempt.trainee,
            objective=staged.state.objective,
            question=question,
            marked=marked,
            unlock=unlock,
        )
    except RangeError as error:
        return Shown(hint=None, help_s=time.perf_counter() - began, refused=error.reason)
    help_s = time.perf_counter() - began
    sentence_s = None
    if hint.state == Hint.State.OPEN:
        sentence_s = async_to_sync(_first_sentence)(hint, began)
        hint.refresh_from_db()
    return Shown(hint=hint, help_s=help_s, sentence_s=sentence_s)


async def _first_sentence(hint: Hint, began: float) -> float | None:
    first: float | None = None
    async for part in services.stream(hint.pk, who=WHO):
        if part.sentence and first is None:
            first = time.perf_counter() - began
    return first


def climb(staged: Staged, questions: Sequence[str], *, rung: int) -> list[Shown]:
    """Ask all questions, unlocking one rung with each of the first until `rung` is reached."""
    return [
        ask(staged, question, unlock=Unlock.NOW if at < rung else Unlock.STAY)
        for at, question in enumerate(questions)
    ]


def at_rung(staged: Staged, question: str, *, rung: int, marked: str = "") -> Shown:
    """Climb without a model and without a question, then ask on the rung."""
    with registry.using(None):
        for _ in range(rung):
            ask(staged, "", unlock=Unlock.NOW)
    return ask(staged, question, marked=marked)


def read_so_far(staged: Staged, rung: int, shown: Sequence[Shown]) -> tuple[str, ...]:
    """Return what a trainee on this rung may have read: the author's hints up to it.

    From rung 3 on the sources as well: it promises an example on another machine.
    """
    hints = help_for(staged.attempt, staged.state.objective, rung=rung).authored.up_to(rung)
    examples = [
        str(each["text"])
        for one in shown
        if one.hint is not None and one.hint.rung >= Rung.TECHNIQUE
        for each in one.hint.citations
    ]
    return (*hints, *examples)


def echoed(staged: Staged, question: str, *, rung: int) -> tuple[Shown, str]:
    """Ask a model that says everything it is given; return what was shown and what it was given."""
    model = EchoChat()
    with registry.using(None):
        for _ in range(rung):
            ask(staged, "", unlock=Unlock.NOW)
    with registry.using(model):
        shown = ask(staged, question)
    return shown, "\n".join(message.text for asked in model.asked for message in asked)
