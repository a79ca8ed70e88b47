"""Answers that are being written: one work a hint, any number of pages that watch it."""

import asyncio
import contextvars
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from range.lib.logs import get_logger
from tutor.answering import Draft, Work, follow_up, in_thread, prepare, settle, write
from tutor.turns import turn

log = get_logger(__name__)

# Longer than this nobody waits for a machine of two cores: the author's words stand already.
LONGEST_QUEUE_SECONDS = 120.0
# How often a page looks whether another process has finished the hint that it watches.
ELSEWHERE_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Part:
    """A sentence, or the place in the queue."""

    sentence: str = ""
    place: int = 0


@dataclass
class Answer:
    """An answer as it grows; followers read it from the start."""

    parts: list[Part] = field(default_factory=list)
    ended: bool = False
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def add(self, part: Part) -> None:
        """Append a part and wake the followers."""
        async with self._changed:
            self.parts.append(part)
            self._changed.notify_all()

    async def end(self) -> None:
        """Wake the followers for the last time."""
        async with self._changed:
            self.ended = True
            self._changed.notify_all()

    async def follow(self) -> AsyncIterator[Part]:
        """Yield every part from the first, until the answer ended."""
        at = 0
        while True:
            async with self._changed:
                while not self.ended and len(self.parts) <= at:
                    await self._changed.wait()
            while at < len(self.parts):
                yield self.parts[at]
                at += 1
            if self.ended:
                return


_answers: dict[uuid.UUID, Answer] = {}
_works: set[asyncio.Task[None]] = set()


async def follow(hint_id: uuid.UUID, who: str) -> AsyncIterator[Part]:
    """Yield a hint's parts, beginning the work if nobody does it yet.

    The work belongs to no page: it goes on when the page is closed, and its row is settled.

    Args:
        who: Whose questions count as one person's in the queue.
    """
    if hint_id not in _answers:
        work = await in_thread(prepare, hint_id)
        if work is None:
            return
        _begin(work, who)
    async for part in _answers[hint_id].follow():
        yield part


def _begin(work: Work, who: str) -> None:
    answer = _answers[work.hint_id] = Answer()
    # A context of its own: the request's one ends with the page.
    task = asyncio.get_running_loop().create_task(
        _carry_out(work, answer, who), context=contextvars.Context()
    )
    _works.add(task)
    task.add_done_callback(_works.discard)


async def _carry_out(work: Work, answer: Answer, who: str) -> None:
    following: Work | None = work
    try:
        while following is not None:
            draft = Draft()
            if following.model.one_at_a_time:
                await _in_turn(following, draft, answer, who)
            else:
                await _write(following, draft, answer)
            following = await in_thread(follow_up, following, draft)
    except TimeoutError:
        await in_thread(settle, work.hint_id, Draft(failure="queue"), ())
    except Exception:
        log.exception("tutor.answer.broken", hint=str(work.hint_id))
        await in_thread(settle, work.hint_id, Draft(failure="broken"), ())
    finally:
        await answer.end()
        _answers.pop(work.hint_id, None)


async def _in_turn(work: Work, draft: Draft, answer: Answer, who: str) -> None:
    async with turn(who, longest_wait=LONGEST_QUEUE_SECONDS) as places:
        async for place in places:
            await answer.add(Part(place=place))
        await _write(work, draft, answer)


async def _write(work: Work, draft: Draft, answer: Answer) -> None:
    async for sentence in write(work, draft):
        await answer.add(Part(sentence=sentence))
