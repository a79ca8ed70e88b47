"""Measures retrieval on the labelled questions, with and without vectors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tutor.evaluation.ranking import ndcg, recall
from tutor.evaluation.sets import Labelled, labelled
from tutor.models import Chunk
from tutor.providers.embedding import EmbeddingModel
from tutor.retrieval import Wanted, rank


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Means over a set of questions."""

    ndcg10: float
    recall5: float
    questions: int


def sections() -> dict[Any, str]:
    """Return the section each chunk belongs to, as slug#heading."""
    rows = Chunk.objects.values_list("pk", "source__key", "heading")
    return {pk: f"{key.rpartition('/')[2]}#{heading}" for pk, key, heading in rows}


def answer(question: Labelled, model: EmbeddingModel | None, named: Mapping[Any, str]) -> list[str]:
    """Return the sections found for a question, best first, each once."""
    wanted = Wanted(
        text=question.ask, rung=3, scenario=question.scenario, objective=question.objective
    )
    found = rank(wanted, model=model)
    return list(dict.fromkeys(named[pk] for pk, _ in found))


def held_out() -> Sequence[Labelled]:
    """Return the questions that nothing was tuned on: those with an odd place."""
    return labelled()[1::2]


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
