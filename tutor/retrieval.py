"""Finds passages: words, exact names and vectors, each filtered first, then fused by rank."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db import connection, transaction
from django.db.models import F, FloatField, QuerySet, TextField, Value
from django.db.models.expressions import CombinedExpression
from pgvector.django import CosineDistance

from range.lib.logs import get_logger
from tutor.identifiers import asked_for
from tutor.models import Chunk, ChunkQuerySet
from tutor.providers.embedding import EmbeddingModel, EmbeddingUnavailable

log = get_logger(__name__)

# Source: Cormack, Clarke and Buettcher 2009, reciprocal rank fusion; 60 is their constant.
RRF_K = 60
FROM_EACH_SIDE = 20
# Chosen on evaluation/retrieval.yaml; see docs/explanation/tutor.md for the figures.
DENSE_WEIGHT = 1.0
WORDS_WEIGHT = 0.5
NAMES_WEIGHT = 1.5
# Below this many chunks an exact scan is as fast as the index and cannot miss a row.
EXACT_BELOW = 20_000
LONGEST_QUERY = 600
# Divide by 1 + the logarithm of the document's length. Source: PostgreSQL manual, 12.3.3.
BY_LOG_LENGTH = 1
# A name that more chunks than this share tells nothing about any of them.
COMMON_NAME_SHARE = 0.08


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to look for, and what the trainee may read."""

    text: str
    scenario: str = ""
    objective: str = ""
    rung: int = 0


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A retrieved piece with all that a citation needs.

    Args:
        number: What a sentence cites it by, from 1.
    """

    number: int
    chunk_id: uuid.UUID
    title: str
    heading: str
    text: str
    version: str
    license: str
    url: str
    score: float


def search(wanted: Wanted, *, model: EmbeddingModel | None, limit: int = 4) -> list[Passage]:
    """Return the best passages, numbered; words alone where no vectors can be had."""
    ranked = rank(wanted, model=model)[:limit]
    chunks = Chunk.objects.select_related("source").in_bulk([pk for pk, _ in ranked])
    return [
        _passage(chunks[pk], number=number, score=score)
        for number, (pk, score) in enumerate(ranked, start=1)
        if pk in chunks
    ]


def rank(wanted: Wanted, *, model: EmbeddingModel | None) -> list[tuple[uuid.UUID, float]]:
    """Return chunk ids with their fused scores, best first."""
    text = wanted.text[:LONGEST_QUERY]
    allowed = Chunk.objects.allowed(
        scenario=wanted.scenario, objective=wanted.objective, rung=wanted.rung
    )
    return fuse(
        [
            (DENSE_WEIGHT, _by_vector(allowed, text, model) if model else []),
            (WORDS_WEIGHT, _by_words(allowed, text)),
            (NAMES_WEIGHT, _by_names(allowed, text)),
        ]
    )


def fuse(sides: Sequence[tuple[float, Sequence[uuid.UUID]]]) -> list[tuple[uuid.UUID, float]]:
    """Fuse ranked lists by weighted reciprocal rank; ties go to the smaller id."""
    scores: dict[uuid.UUID, float] = {}
    for weight, found in sides:
        for place, pk in enumerate(found, start=1):
            scores[pk] = scores.get(pk, 0.0) + weight / (RRF_K + place)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def _by_vector(allowed: ChunkQuerySet, text: str, model: EmbeddingModel) -> list[uuid.UUID]:
    try:
        vector = model.embed([text])[0]
    except EmbeddingUnavailable as error:
        log.info("retrieval.words.only", reason=error.reason)
        return []
    found = allowed.filter(embedding_model=model.name)
    distance = CosineDistance("embedding", vector)
    if _is_small():
        # Adding zero keeps the planner from the index, whose answer is only approximate.
        exact = CombinedExpression(distance, "+", Value(0.0), output_field=FloatField())
        return _ids(found.order_by(exact, "pk"))
    with transaction.atomic(), connection.cursor() as cursor:
        # Under a filter the index may give too few rows unless it may go on looking.
        cursor.execute("SET LOCAL hnsw.iterative_scan = 'strict_order'")
        return _ids(found.order_by(distance))


def _is_small() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [Chunk._meta.db_table]
        )
        row: tuple[float] = cursor.fetchone()
    return row[0] < EXACT_BELOW


def _ids(chunks: "QuerySet[Chunk]") -> list[uuid.UUID]:
    return list(chunks.values_list("pk", flat=True)[:FROM_EACH_SIDE])


class _Lexemes(SearchQuery):
    """A query made of lexemes as they are stored, which no parser cuts up again."""

    template = "CAST(%(expressions)s AS tsquery)"


def _any_word(text: str) -> str:
    """Return a query for any of a text's English lexemes.

    People paraphrase: asking for all of the words finds next to nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT plainto_tsquery('english', %s)::text", [text])
        row: tuple[str] = cursor.fetchone()
    return row[0].replace("&", "|")


def _by_words(allowed: ChunkQuerySet, text: str) -> list[uuid.UUID]:
    words = _any_word(text)
    if not words:
        return []
    found = allowed.filter(words=_query(words)).annotate(rank=_rank("words", words))
    return _ids(found.order_by("-rank", "pk"))


def _by_names(allowed: ChunkQuerySet, text: str) -> list[uuid.UUID]:
    """Return chunks that carry a name; of several, those whose words fit better first."""
    names = " | ".join(map(_lexeme, _telling(asked_for(text))))
    if not names:
        return []
    found = allowed.filter(names=_query(names)).annotate(
        rank=_rank("names", names), fits=_rank("words", _any_word(text))
    )
    return _ids(found.order_by("-rank", "-fits", "pk"))


def _query(lexemes: str) -> SearchQuery:
    return _Lexemes(Value(lexemes, output_field=TextField()))


def _rank(field: str, lexemes: str) -> SearchRank:
    return SearchRank(F(field), _query(lexemes), normalization=Value(BY_LOG_LENGTH))


def _lexeme(name: str) -> str:
    return "'" + name.replace("\\", "\\\\").replace("'", "''") + "'"


def _telling(names: Sequence[str]) -> list[str]:
    """Keep names that few chunks carry; a name that many share tells nothing."""
    common = max(3, int(Chunk.objects.count() * COMMON_NAME_SHARE))
    return [name for name, count in _counts(names).items() if 0 < count <= common]


def _counts(names: Sequence[str]) -> Mapping[str, int]:
    lexemes = [_lexeme(name) for name in names]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, (SELECT count(*) FROM tutor_chunk WHERE names @@ lexeme::tsquery) "
            "FROM unnest(%s::text[], %s::text[]) AS wanted (name, lexeme)",
            [list(names), lexemes],
        )
        return dict(cursor.fetchall())


def _passage(chunk: Chunk, *, number: int, score: float) -> Passage:
    source = chunk.source
    return Passage(
        number=number,
        chunk_id=chunk.pk,
        title=source.title,
        heading=chunk.heading,
        text=chunk.text,
        version=source.version,
        license=source.license,
        url=source.url,
        score=score,
    )
