"""What others ask of the tutor: ask, stream, rate, judge, debrief, tend what is left and texts."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable

from range.assessment.grading import Proposal
from range.exercises.models import Attempt
from tutor import class_hints, leftovers, live, rubric, uploads
from tutor.answering import in_thread
from tutor.asking import ask
from tutor.debriefing import write_debrief
from tutor.ingest import embed_waiting
from tutor.live import Part
from tutor.models import Debrief, Hint
from tutor.providers import registry
from tutor.rating import rate

__all__ = [
    "Part",
    "ask",
    "debrief",
    "judge",
    "place_questions",
    "rate",
    "stream",
    "take_up",
    "tend_texts",
]

# So many passages between two looks at other work: about two seconds of embedding.
EMBED_BETWEEN = 32


async def stream(hint_id: uuid.UUID, *, who: str) -> AsyncIterator[Part]:
    """Yield sentences and places of a hint until its answer stands.

    A hint that another process answers yields nothing but is waited for.

    Args:
        who: Whose questions count as one person's in the queue.
    """
    while True:
        async for part in live.follow(hint_id, who):
            yield part
        if not await in_thread(_is_open, hint_id):
            return
        await asyncio.sleep(live.ELSEWHERE_SECONDS)


def _is_open(hint_id: uuid.UUID) -> bool:
    return Hint.objects.filter(pk=hint_id, state=Hint.State.OPEN).exists()


def place_questions() -> int:
    """Find out where new questions lie among others; return how many were placed."""
    return class_hints.place_questions(registry.embedding())


def judge(attempt: Attempt) -> list[Proposal]:
    """Return what a model proposes for the criteria that wait for a person; it never decides."""
    return rubric.judge(attempt)


def take_up() -> int:
    """Settle hints that no page came for, and ask anew where a model was away; return how many."""
    return leftovers.settle_forgotten() + leftovers.judge_again()


def debrief(attempt: Attempt) -> Debrief:
    """Write the account of a finished attempt; a second call replaces it."""
    return write_debrief(attempt)


def tend_texts(*, between: Callable[[], bool]) -> int:
    """Embed what instructors gave, and throw away what they left lying; return how much it was.

    Args:
        between: Does other work that waits; False to leave the rest for later.
    """
    uploads.forget_old()
    done = 0
    while now := embed_waiting(registry.embedding(), at_most=EMBED_BETWEEN):
        done += now
        if not between():
            break
    return done
