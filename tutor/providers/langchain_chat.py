"""LangChain behind the chat seam: any provider it knows, or any OpenAI-compatible address."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import httpx
from pydantic import BaseModel, ValidationError

from range.lib.logs import get_logger
from tutor.providers.addresses import why_refused
from tutor.providers.chat import ChatFailed, Decision, Message, Patience, Usage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

log = get_logger(__name__)

CONNECT_SECONDS = 2.0
HOSTED_PATIENCE = Patience(first_words=8, between_words=15, whole=90)
# A cold prompt takes a small machine half a minute; the author's hint is on the page by then.
LOCAL_PATIENCE = Patience(first_words=60, between_words=20, whole=150)
LONGEST_ANSWER_TOKENS = 260
# A judgement quotes lines of a report beside its reason; one that is cut off decides nothing.
LONGEST_DECISION_TOKENS = 1500
_BILLIONS = re.compile(r"(?<![\d.])(\d{1,4}(?:\.\d)?)b\b", re.IGNORECASE)
_TRACING = (
    "LANGSMITH_TRACING",
    "LANGSMITH_TRACING_V2",
    "LANGCHAIN_TRACING",
    "LANGCHAIN_TRACING_V2",
)


class LangChainChat:
    """A model reached through LangChain, which is imported at first use: it takes seconds.

    Args:
        model: `provider:model`, or a model's name where `base_url` is given.
        base_url: OpenAI-compatible address; set by the operator and nobody else.
    """

    def __init__(
        self,
        model: str,
        *,
        mode: Literal["hosted", "local"],
        base_url: str = "",
        api_key: str = "",
        billions: float | None = None,
    ) -> None:
        self.name = model
        self.mode: Literal["hosted", "local"] = mode
        self.billions = billions if billions is not None else size_in_name(model)
        self.one_at_a_time = mode == "local"
        self.patience = LOCAL_PATIENCE if mode == "local" else HOSTED_PATIENCE
        self._base_url = base_url
        self._api_key = api_key

    async def stream(self, messages: Sequence[Message]) -> AsyncIterator[str | Usage]:
        """Yield the answer as it comes, and what it used where the provider counts.

        Raises:
            ChatFailed: It cannot be had, is too slow, or breaks off.
        """
        try:
            async with (
                asyncio.timeout(self.patience.whole),
                httpx.AsyncClient(follow_redirects=False) as client,
            ):
                model = await asyncio.to_thread(self._build, client, LONGEST_ANSWER_TOKENS)
                words = model.astream(_as_tuples(messages), config={"callbacks": []}).__aiter__()
                wait = self.patience.first_words
                while (part := await _next_part(words, wait)) is not None:
                    if part:
                        wait = self.patience.between_words
                        yield part
        except TimeoutError as error:
            raise ChatFailed("slow") from error
        except (GeneratorExit, asyncio.CancelledError, ChatFailed):
            raise
        except Exception as error:
            # Every provider has its own exceptions; none of them may reach a page.
            log.warning("tutor.chat.failed", model=self.name, error=type(error).__name__)
            raise ChatFailed("unreachable") from error

    def decide[T: BaseModel](self, messages: Sequence[Message], schema: type[T]) -> Decision[T]:
        """Return an answer of one form.

        Raises:
            ChatFailed: No answer of that form came.
        """
        asked = self._build(None, LONGEST_DECISION_TOKENS).with_structured_output(
            schema, method="json_schema", include_raw=True
        )
        try:
            answer: Any = asked.invoke(_as_tuples(messages), config={"callbacks": []})
        except Exception as error:
            # A reply that is cut off or of no form raises past include_raw, and was paid for.
            replied = isinstance(error, ValueError) or hasattr(error, "completion")
            log.warning("tutor.chat.failed", model=self.name, error=type(error).__name__)
            raise ChatFailed("garbage" if replied else "unreachable") from error
        usage = _usage(answer["raw"])
        try:
            return Decision(value=schema.model_validate(answer["parsed"]), usage=usage)
        except ValidationError as error:
            raise ChatFailed("garbage", usage=usage) from error

    def _build(self, client: httpx.AsyncClient | None, longest: int) -> "BaseChatModel":
        """Return a client of its own for each answer; connections belong to one event loop.

        Raises:
            ChatFailed: The provider's package or key is missing, or its address is refused.
        """
        _keep_to_ourselves()
        if self._base_url and (why := why_refused(self._base_url)):
            log.error("tutor.chat.address_refused", model=self.name, why=why)
            raise ChatFailed("address")
        try:
            return self._compatible(client, longest) if self._base_url else self._by_name(longest)
        except Exception as error:
            log.warning("tutor.chat.misconfigured", model=self.name, error=type(error).__name__)
            raise ChatFailed("refused") from error

    def _compatible(self, client: httpx.AsyncClient | None, longest: int) -> "BaseChatModel":
        from langchain_openai import ChatOpenAI
        from openai import Timeout

        return ChatOpenAI(
            model=self.name.rpartition(":")[2],
            base_url=self._base_url,
            api_key=lambda: self._api_key or "none",
            timeout=Timeout(self.patience.whole, connect=CONNECT_SECONDS),
            # An answer that sends us elsewhere is a failure: nobody but the operator says where.
            http_async_client=client,
            http_client=httpx.Client(follow_redirects=False),
            max_retries=0,
            temperature=0.2,
            max_completion_tokens=longest,
        )

    def _by_name(self, longest: int) -> "BaseChatModel":
        from langchain.chat_models import init_chat_model

        options: dict[str, Any] = {"api_key": self._api_key} if self._api_key else {}
        model: BaseChatModel = init_chat_model(
            self.name,
            timeout=self.patience.whole,
            max_retries=0,
            temperature=0.2,
            max_tokens=longest,
            **options,
        )
        return model


def size_in_name(model: str) -> float | None:
    """Return the size that a model's name tells, in thousand million parameters."""
    found = _BILLIONS.search(model)
    return float(found[1]) if found else None


def _as_tuples(messages: Sequence[Message]) -> list[tuple[str, str]]:
    return [("system" if each.role == "system" else "human", each.text) for each in messages]


async def _next_part(words: AsyncIterator[Any], seconds: float) -> str | Usage | None:
    """Return the next chunk's text, or what was used; None at the end.

    Raises:
        TimeoutError: Nothing came in time.
    """
    try:
        chunk = await asyncio.wait_for(anext(words), seconds)
    except StopAsyncIteration:
        return None
    if not chunk.text and (usage := _usage(chunk)):
        return usage
    return str(chunk.text)


def _usage(answer: Any) -> Usage | None:
    used = getattr(answer, "usage_metadata", None)
    return Usage(tokens_in=used["input_tokens"], tokens_out=used["output_tokens"]) if used else None


def _keep_to_ourselves() -> None:
    """Force tracing off, and keep loopback addresses away from any proxy."""
    for name in _TRACING:
        os.environ[name] = "false"
    for name in ("NO_PROXY", "no_proxy"):
        known = [part for part in os.environ.get(name, "").split(",") if part]
        wanted = [part for part in ("127.0.0.1", "localhost", "::1") if part not in known]
        os.environ[name] = ",".join([*known, *wanted])
