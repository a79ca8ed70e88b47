"""The seam behind which messages become words."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import BaseModel

from range.lib.errors import RangeError


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What the provider says one answer used."""

    tokens_in: int
    tokens_out: int


class ChatFailed(RangeError):
    """The model gave no usable words; the tutor goes on without it.

    Reasons: unreachable, slow, garbage, refused.

    Args:
        usage: What it used all the same, where the provider counts.
    """

    def __init__(self, reason: str, *, usage: Usage | None = None) -> None:
        self.usage = usage
        super().__init__(
            "The model did not answer in time, so you see the author's hint and the sources.",
            reason=reason,
            status=503,
            retryable=True,
        )


@dataclass(frozen=True)
class Message:
    """One message of a prompt; nothing a trainee wrote is ever in the system role."""

    role: Literal["system", "user"]
    text: str


@dataclass(frozen=True, kw_only=True)
class Decision[T]:
    """An answer of one form, and what it used where the provider counts."""

    value: T
    usage: Usage | None = None


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait, in seconds, before the next mode takes over."""

    first_words: float
    between_words: float
    whole: float


class ChatModel(Protocol):
    """What turns messages into words.

    Args:
        mode: `hosted` or `local`, as pages name it.
        billions: Size in thousand million parameters, None where unknown; models under three
            never judge.
        one_at_a_time: Whether requests must take turns.
    """

    name: str
    mode: Literal["hosted", "local"]
    billions: float | None
    one_at_a_time: bool
    patience: Patience

    def stream(self, messages: Sequence[Message]) -> AsyncIterator[str | Usage]:
        """Yield the answer as it comes, and what it used where the provider counts.

        Raises:
            ChatFailed: It cannot be had, is too slow, or breaks off.
        """
        ...

    def decide[T: BaseModel](self, messages: Sequence[Message], schema: type[T]) -> Decision[T]:
        """Return an answer of one form.

        Raises:
            ChatFailed: No answer of that form came.
        """
        ...
