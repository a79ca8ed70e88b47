"""Chooses the model: hosted if configured and healthy, else local if it serves, else none."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import httpx
from django.conf import settings

from range.lib import clock
from tutor.models import Hint
from tutor.providers import weights_status
from tutor.providers.breaker import Breaker
from tutor.providers.chat import ChatModel
from tutor.providers.embedding import EmbeddingModel
from tutor.providers.langchain_chat import LangChainChat
from tutor.providers.onnx_embedding import onnx_embedding

LOCAL_MODEL = "tutor"
LOCAL_BILLIONS = 1.5
HEALTH_SECONDS = 5.0
HEALTH_TIMEOUT_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The mode a hint is given in, the model if there is one, and a sentence for the page."""

    mode: Hint.Mode
    model: ChatModel | None
    label: str
    why: str


@dataclass
class _Health:
    asked_at: float = -1e9
    healthy: bool = False


_override: list[ChatModel | None] = []
_local_health = _Health()


_breakers: dict[str, Breaker] = {}


def breaker(mode: str) -> Breaker:
    """Return the process's breaker of a mode."""
    # A plain string: a cache would keep `hosted` and the enumeration's member apart.
    return _breakers.setdefault(str(mode), Breaker())


def choose(*, spent: str = "") -> Choice:
    """Return what answers the next hint; never raises and takes half a second at most.

    Args:
        spent: Why the hosted model is not to be asked, in a sentence; empty where it is.
    """
    if _override:
        given = _override[-1]
        if given is not None and given.mode == "hosted" and spent:
            return no_model(spent)
        return _chosen(given, "Set for a test.")
    if settings.TUTOR_CHAT == "none":
        return no_model("The operator switched models off.")
    hosted = _hosted()
    if hosted is not None and not spent and not breaker(Hint.Mode.HOSTED).is_open:
        return _chosen(hosted, "Configured by the operator.")
    if not breaker(Hint.Mode.LOCAL).is_open and local_is_healthy():
        away = f"{spent or 'The hosted model does not answer.'} " if hosted else ""
        return _chosen(_local(), f"{away}It runs on this range; nothing leaves it.")
    return no_model(spent or _why_none(hosted is not None))


def asks_hosted() -> bool:
    """Tell whether a hosted model could be asked, which costs somebody something."""
    given = _override[-1] if _override else _hosted()
    return given is not None and given.mode == "hosted" and settings.TUTOR_CHAT != "none"


def embedding() -> EmbeddingModel:
    """Return the embedding model; it may turn out to be unavailable at first use."""
    return onnx_embedding(Path(settings.TUTOR_WEIGHTS_DIR))


@contextmanager
def using(model: ChatModel | None) -> Iterator[None]:
    """Answer every hint inside the block with one model, or with none."""
    _override.append(model)
    _breakers.clear()
    try:
        yield
    finally:
        _override.pop()
        _breakers.clear()


def local_is_healthy() -> bool:
    """Tell whether the local server answers; asked at most every five seconds."""
    now = clock.monotonic()
    if now - _local_health.asked_at > HEALTH_SECONDS:
        _local_health.asked_at = now
        _local_health.healthy = _answers(settings.TUTOR_LOCAL_URL)
    return _local_health.healthy


def forget_health() -> None:
    """Ask again at the next choice."""
    _local_health.asked_at = -1e9


def _answers(base_url: str) -> bool:
    address = f"{base_url.removesuffix('/').removesuffix('/v1')}/health"
    try:
        with httpx.Client(timeout=HEALTH_TIMEOUT_SECONDS, trust_env=False) as client:
            return client.get(address).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _chosen(model: ChatModel | None, why: str) -> Choice:
    if model is None:
        return no_model(why)
    mode = Hint.Mode(model.mode)
    return Choice(mode=mode, model=model, label=str(mode.label), why=why)


def no_model(why: str) -> Choice:
    """Return that no model answers, with the reason."""
    return Choice(mode=Hint.Mode.NONE, model=None, label=str(Hint.Mode.NONE.label), why=why)


def _why_none(hosted: bool) -> str:
    status = weights_status.read(Path(settings.TUTOR_WEIGHTS_DIR))
    if hosted:
        return "No model answers now. You get the author's hints and the sources."
    return {
        "fetching": f"The local model is being fetched ({status.percent} %).",
        "loading": "The local model is being loaded.",
        "no-memory": "There is too little free memory for the local model.",
    }.get(status.state, "You get the author's hints and the sources.")


def _hosted() -> ChatModel | None:
    name, base_url = settings.TUTOR_CHAT, settings.TUTOR_BASE_URL
    if name == "local" or not (name or base_url):
        return None
    return _client(name or "default", base_url, settings.TUTOR_API_KEY)


@lru_cache(maxsize=4)
def _client(name: str, base_url: str, api_key: str) -> ChatModel:
    return LangChainChat(name, mode="hosted", base_url=base_url, api_key=api_key)


def _local() -> ChatModel:
    return _local_client(settings.TUTOR_LOCAL_URL)


@lru_cache(maxsize=4)
def _local_client(base_url: str) -> ChatModel:
    return LangChainChat(LOCAL_MODEL, mode="local", base_url=base_url, billions=LOCAL_BILLIONS)
