"""What a hint says without a model: the mirror question, the author's rung, the passages."""

from collections.abc import Sequence
from typing import Any

from range.console.outputs import error_class_of
from tutor.context import TraineeState
from tutor.happenings import Command
from tutor.policy import Rung, Style, style_for
from tutor.quoting import one_line
from tutor.retrieval import Passage
from tutor.support import best_quote
from tutor.withheld import Authored

_ERROR_QUESTIONS = {
    "denied": "Which account would have been allowed to do that, and how do you know?",
    "not-found": "What told you that it is there, and what would show you where it is?",
    "no-route": "Which address did you expect to answer, and from where can it be reached?",
    "syntax": "Which part of that line does the shell read differently from you?",
    "usage": "What does the program say about the arguments it expects?",
    "time-out": "What would you see if nothing were listening, and what if something dropped you?",
}


MARKED_SHOWN = 80


def mirror(state: TraineeState, marked: str = "") -> str:
    """Return one question back, made from what the trainee marked, or else did last.

    The longer nothing moves, the narrower it is: first what went right, then where to look.
    """
    if marked:
        return f"You marked `{_first_line(marked)}`. {_question_about(marked)}"
    if style_for(state.stuck) is Style.DIRECT and (narrow := _narrow(state)):
        return narrow
    failed = state.last_failed
    if failed is not None:
        asked = _ERROR_QUESTIONS.get(failed.error, "What did its output tell you?")
        return f"Command {failed.number}, `{_shown(failed)}`, did not do what you wanted. {asked}"
    if state.wrong_submissions and not state.commands:
        return "What did you see that made you hand that in?"
    if state.commands:
        last = state.commands[-1]
        return f"What did the output of command {last.number}, `{_shown(last)}`, tell you?"
    return f"What do you know already about {_titled(state)}, and what is the first gap?"


def _narrow(state: TraineeState) -> str:
    """Name what went right, and ask about the difference to what does not; empty without both."""
    worked = next((each for each in reversed(state.commands) if not each.failed), None)
    failed = next((each for each in reversed(state.commands) if each.failed), None)
    if worked is None or failed is None:
        return ""
    return (
        f"Command {worked.number}, `{_shown(worked)}`, worked; command {failed.number}, "
        f"`{_shown(failed)}`, did not. {_ERROR_QUESTIONS.get(failed.error, _DIFFERENCE)}"
    )


_DIFFERENCE = "What is different between the two: the account, the place, or the words you typed?"


def _question_about(marked: str) -> str:
    """Ask for a guess of one's own: what was only pasted has not been read yet."""
    return _ERROR_QUESTIONS.get(
        error_class_of(marked), "What do you think it says, and what would show whether that is so?"
    )


def _first_line(marked: str) -> str:
    return one_line(marked.strip().split("\n")[0], limit=MARKED_SHOWN).replace("`", "'")


def _titled(state: TraineeState) -> str:
    return f"\u201c{state.objective.title}\u201d"


def _shown(command: Command) -> str:
    return command.text.replace("`", "'")[:60]


def authored_text(authored: Authored, rung: int, state: TraineeState, marked: str = "") -> str:
    """Return the words that stand at once, whatever a model may add: never empty."""
    if rung == Rung.MIRROR:
        return mirror(state, marked)
    if text := authored.at(rung):
        return text
    reasons = ", ".join(state.objective.reasons)
    because = f" What its checks say: {reasons}." if reasons else ""
    return f"Look at the objective {_titled(state)} again.{because}"


def cited(passage: Passage, *, start: int, end: int) -> dict[str, Any]:
    """Return a citation as a hint keeps it: resolvable even after the knowledge changed."""
    return {
        "number": passage.number,
        "chunk": str(passage.chunk_id),
        "title": passage.title,
        "heading": passage.heading,
        "version": passage.version,
        "license": passage.license,
        "url": passage.url,
        "text": passage.text,
        "start": start,
        "end": end,
    }


def quoted_passages(passages: Sequence[Passage], question: str) -> list[dict[str, Any]]:
    """Return each passage as a citation with the span that fits the question best marked."""
    quotes = [(passage, best_quote(passage, question)) for passage in passages]
    return [cited(passage, start=quote.start, end=quote.end) for passage, quote in quotes]
