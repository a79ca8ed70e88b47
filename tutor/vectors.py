"""Turns a piece of a source into one vector: the mean of several ways of looking at it."""

import re
from collections.abc import Iterator, Sequence

from tutor.models import Chunk
from tutor.overlap import sentences
from tutor.providers.embedding import EmbeddingModel

_CODE_BLOCK = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
SHORTEST_SENTENCE = 16
# Chosen on the tuning half of evaluation/retrieval.yaml: with its subject, by itself, by its
# sentences, and a little by its heading. A question is short, and near a sentence sooner than
# near two hundred words.
WHOLE_WEIGHT = 1.0
PROSE_WEIGHT = 1.0
SENTENCES_WEIGHT = 1.0
HEADING_WEIGHT = 0.3
# What its author says it answers is put as people put it, and so tells most.
ASKS_WEIGHT = 2.0


def kind_of(model: EmbeddingModel) -> str:
    """Return what names the vectors made here with a model; another name embeds anew."""
    return f"{model.name}+views2"


def vectors_of(chunks: Sequence[Chunk], model: EmbeddingModel) -> list[list[float]]:
    """Return one unit vector a chunk, in order.

    Raises:
        EmbeddingUnavailable: The model's files are missing or not the pinned ones.
    """
    views = [list(_views(chunk)) for chunk in chunks]
    found = _embedded({text for each in views for text, _ in each}, model)
    return [_mean([(found[text], weight) for text, weight in each]) for each in views]


def _embedded(texts: set[str], model: EmbeddingModel) -> dict[str, list[float]]:
    # Neighbours of one length share a batch, which is padded to its longest text.
    ordered = sorted(texts, key=lambda text: (len(text), text))
    return dict(zip(ordered, model.embed(ordered), strict=True))


def _views(chunk: Chunk) -> Iterator[tuple[str, float]]:
    prose = _CODE_BLOCK.sub("", chunk.text).strip() or chunk.text
    asks = chunk.asks.splitlines()
    parts = [part for part in sentences(prose) if len(part) >= SHORTEST_SENTENCE] or [prose]
    yield f"{chunk.title}. {chunk.heading}.\n{chunk.text}", WHOLE_WEIGHT
    yield prose, PROSE_WEIGHT
    yield f"{chunk.title}: {chunk.heading}", HEADING_WEIGHT
    for part in parts:
        yield f"{chunk.heading}: {part}", SENTENCES_WEIGHT / len(parts)
    for ask in asks:
        yield ask, ASKS_WEIGHT / len(asks)


def _mean(views: Sequence[tuple[list[float], float]]) -> list[float]:
    """Return the weighted mean at unit length, so that cosine stays the distance."""
    sums = [
        sum(value * weight for value, weight in zip(column, _weights(views), strict=True))
        for column in zip(*(vector for vector, _ in views), strict=True)
    ]
    length = sum(value * value for value in sums) ** 0.5 or 1.0
    return [value / length for value in sums]


def _weights(views: Sequence[tuple[list[float], float]]) -> list[float]:
    return [weight for _, weight in views]
