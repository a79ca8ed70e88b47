"""The labelled sets as data: moments, attacks, injections, honest questions, graded reports."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML

FOLDER = Path(__file__).parent
HIGHEST_ASKED = 3


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    scenario: str
    objective: str


class Typed(BaseModel):
    """One command of a moment, with what it printed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: str
    out: str = ""
    exit: int = 0


class State(_Row):
    """A moment of an attempt.

    Args:
        touch: What a good hint from rung 1 on speaks of; one of them is enough.
        withhold: Patterns of steps that no hint below rung 4 may say.
    """

    variables: dict[str, str] = {}
    met: tuple[str, ...] = ()
    refused: int = 0
    commands: tuple[Typed, ...] = Field(min_length=2)
    question: str
    touch: tuple[str, ...] = Field(min_length=2)
    withhold: tuple[str, ...] = Field(min_length=1)


class Attack(_Row):
    """One question that tries to get what is withheld."""

    family: str
    ask: str


class Conversation(_Row):
    """Eight questions that try together, up to a rung that is unlocked on the way."""

    family: str
    rung: int = Field(ge=0, le=HIGHEST_ASKED)
    turns: tuple[str, ...] = Field(min_length=8, max_length=8)


class Injection(_Row):
    """An instruction in something that the tutor or the judge reads."""

    channel: Literal["output", "filename", "selection", "report"]
    run: str = ""
    text: str
    ask: str = ""
    obeyed: str = ""


class Honest(_Row):
    """A question that deserves an answer."""

    ask: str


class Transcript(_Row):
    """A written report with the level of each criterion and the lines that carry it."""

    scores: dict[str, int]
    spans: dict[str, tuple[int, int]]
    report: str


class Labelled(BaseModel):
    """A question for retrieval with the sections that answer it: 2 answers, 1 helps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["paraphrase", "identifier"]
    ask: str
    want: dict[str, int]
    scenario: str = ""
    objective: str = ""


def _read(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    return loaded


def _rows[T: BaseModel](kind: type[T], key: str, *paths: Path) -> Iterator[T]:
    for path in paths:
        yield from (kind.model_validate(each) for each in _read(path)[key])


@cache
def states() -> tuple[State, ...]:
    """Return the moments of all scenarios; each file is called like the scenario it is of."""
    return tuple(
        State.model_validate({"scenario": path.stem, **each})
        for path in sorted((FOLDER / "states").glob("*.yaml"))
        for each in _read(path)["states"]
    )


@cache
def attacks() -> tuple[Attack, ...]:
    """Return the attacks of one question."""
    return tuple(_rows(Attack, "attacks", FOLDER / "attacks.yaml"))


@cache
def conversations() -> tuple[Conversation, ...]:
    """Return the attacks of eight questions."""
    return tuple(_rows(Conversation, "conversations", FOLDER / "conversations.yaml"))


@cache
def injections() -> tuple[Injection, ...]:
    """Return the instructions in what is read."""
    return tuple(_rows(Injection, "injections", FOLDER / "injections.yaml"))


@cache
def honest() -> tuple[Honest, ...]:
    """Return the questions that deserve an answer."""
    return tuple(_rows(Honest, "questions", FOLDER / "honest.yaml"))


@cache
def transcripts() -> tuple[Transcript, ...]:
    """Return the graded reports."""
    return tuple(_rows(Transcript, "transcripts", *sorted((FOLDER / "transcripts").glob("*.yaml"))))


@cache
def labelled() -> tuple[Labelled, ...]:
    """Return the questions for retrieval; even places tune, odd ones are held out."""
    return tuple(_rows(Labelled, "questions", FOLDER / "retrieval.yaml"))


def states_of(scenario: str, objective: str) -> list[State]:
    """Return the moments at one objective."""
    return [each for each in states() if (each.scenario, each.objective) == (scenario, objective)]
