"""Measures retrieval on the labelled questions, with and without vectors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML

from tutor.evaluation.ranking import ndcg, recall
from tutor.models import Chunk
from tutor.providers.embedding import EmbeddingModel
from tutor.retrieval import Wanted, rank

QUESTIONS = Path(__file__).with_name("retrieval.yaml")


class Labelled(BaseModel):
    """One question with the sections that answer it."""

    kind: str
    ask: str
    want: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Means over a set of questions."""

    ndcg10: float
    recall5: float
    questions: int


def load(path: Path = QUESTIONS) -> list[Labelled]:
    """Return the labelled questions in their order."""
    loaded: Any = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    return [Labelled.model_validate(each) for each in loaded["questions"]]


def sections() -> dict[Any, str]:
    """Return the section each chunk belongs to, as slug#heading."""
    rows = Chunk.objects.values_list("pk", "source__key", "heading")
    return {pk: f"{key.rpartition('/')[2]}#{heading}" for pk, key, heading in rows}


def answer(question: Labelled, model: EmbeddingModel | None, named: Mapping[Any, str]) -> list[str]:
    """Return the sections found for a question, best first, each once."""
    found = rank(Wanted(text=question.ask, rung=3), model=model)
    return list(dict.fromkeys(named[pk] for pk, _ in found))


def measure(questions: Sequence[Labelled], model: EmbeddingModel | None) -> Figures:
    """Return the figures over all given questions."""
    named = sections()
    found = [(each, answer(each, model, named)) for each in questions]
    return Figures(
        ndcg10=_mean(ndcg(names, each.want) for each, names in found),
        recall5=_mean(recall(names, each.want) for each, names in found),
        questions=len(found),
    )


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0
