"""Deterministic models: one says its lines, one echoes everything that it was given."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Literal

from pydantic import BaseModel, ValidationError

from tutor.providers.chat import ChatFailed, Decision, Message, Patience


class ScriptedChat:
    """Says its lines in order, the last one again and again, and keeps what it was asked.

    Args:
        pause: Seconds before each word.
        breaks_after: Raise after so many words of a reply; None says all of it.
    """

    def __init__(
        self,
        *replies: str,
        mode: Literal["hosted", "local"] = "hosted",
        billions: float | None = None,
        pause: float = 0.0,
        breaks_after: int | None = None,
        patience: Patience | None = None,
        name: str = "scripted",
    ) -> None:
        self.name = name
        self.mode: Literal["hosted", "local"] = mode
        self.billions = billions
        self.one_at_a_time = mode == "local"
        self.patience = patience or Patience(first_words=8, between_words=15, whole=120)
        self.asked: list[tuple[Message, ...]] = []
        self._replies = list(replies) or [""]
        self._pause = pause
        self._breaks_after = breaks_after

    async def stream(self, messages: Sequence[Message]) -> AsyncIterator[str]:
        """Yield the next reply word by word.

        Raises:
            ChatFailed: The script says to break off here.
        """
        for count, word in enumerate(self._next(messages).split(" ")):
            if self._breaks_after is not None and count >= self._breaks_after:
                raise ChatFailed("unreachable")
            await asyncio.sleep(self._pause)
            yield f"{word} "

    def decide[T: BaseModel](self, messages: Sequence[Message], schema: type[T]) -> Decision[T]:
        """Return the next reply read as JSON.

        Raises:
            ChatFailed: The reply is not of the form.
        """
        try:
            return Decision(value=schema.model_validate_json(self._next(messages)))
        except ValidationError as error:
            raise ChatFailed("garbage") from error

    def _next(self, messages: Sequence[Message]) -> str:
        self.asked.append(tuple(messages))
        return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]


class EchoChat(ScriptedChat):
    """Repeats every message: what it cannot say was never in the prompt."""

    def _next(self, messages: Sequence[Message]) -> str:
        self.asked.append(tuple(messages))
        return "\n".join(message.text for message in messages)
