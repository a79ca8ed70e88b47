"""Finds passages: words, exact names and vectors, each filtered first, then scored together."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db import connection, transaction
from django.db.models import Expression, F, FloatField, QuerySet, TextField, Value
from django.db.models.expressions import CombinedExpression
from pgvector.django import CosineDistance

from range.lib.logs import get_logger
from tutor.glossary import ours
from tutor.models import Chunk, ChunkQuerySet
from tutor.overlap import holds_any
from tutor.providers.embedding import EmbeddingModel, EmbeddingUnavailable
from tutor.scoring import Sought, scored
from tutor.telling import SMALL_BELOW, Lexeme, any_of, names_of, size, words_of
from tutor.vectors import kind_of

log = get_logger(__name__)

FROM_EACH_SIDE = 40
LONGEST_QUERY = 600
# How far the index looks at once; more finds more, and takes longer.
INDEX_BREADTH = 60
# Divide by 1 + the logarithm of the document's length. Source: PostgreSQL manual, 12.3.3.
BY_LOG_LENGTH = 1


@dataclass(frozen=True, kw_only=True)
class Narrowed:
    """What an instructor leaves of the passages.

    Args:
        own_only: Only what the scenario's author brought.
        left_out: Keys of sources that are not served.
        avoid: Words and phrases that no passage may hold.
    """

    own_only: bool = False
    left_out: Sequence[str] = ()
    avoid: Sequence[str] = ()

    def of(self, allowed: ChunkQuerySet, *, scenario: str) -> ChunkQuerySet:
        """Keep the chunks that may be served by where they come from."""
        if self.own_only:
            allowed = allowed.filter(scenario=scenario).exclude(scenario="")
        return allowed.exclude(source__key__in=self.left_out) if self.left_out else allowed


EVERYTHING = Narrowed()


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to look for, and what the trainee may read.

    Args:
        organisation: Whose own texts the trainee may read.
    """

    text: str
    scenario: str = ""
    objective: str = ""
    rung: int = 0
    organisation: uuid.UUID | None = None
    narrowed: Narrowed = EVERYTHING


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
    ranked = rank(wanted, model=model)
    if not wanted.narrowed.avoid:
        ranked = ranked[:limit]
    chunks = Chunk.objects.select_related("source").in_bulk([pk for pk, _ in ranked])
    served = [
        (pk, score)
        for pk, score in ranked
        if pk in chunks and not holds_any(chunks[pk].text, wanted.narrowed.avoid)
    ]
    return [
        _passage(chunks[pk], number=number, score=score)
        for number, (pk, score) in enumerate(served[:limit], start=1)
    ]


def rank(wanted: Wanted, *, model: EmbeddingModel | None) -> list[tuple[uuid.UUID, float]]:
    """Return chunk ids with their scores, best first.

    Each side names candidates; then all of them are scored by what every side says.
    """
    asked, allowed = _ask(wanted.text[:LONGEST_QUERY], model), _allowed(wanted)
    sides = (_by_vector, _by_words, _by_names)
    candidates = {pk for side in sides for pk in side(allowed, asked)}
    if not candidates:
        return []
    near = _near(candidates, asked)
    return scored(candidates, Sought(words=asked.words, names=asked.names, near=near))


def nearest(wanted: Wanted, *, model: EmbeddingModel, exact: bool) -> list[uuid.UUID]:
    """Return the nearest chunks alone: by the index, or by looking at every one."""
    asked = _ask(wanted.text[:LONGEST_QUERY], model)
    side = _by_every_vector if exact else _by_index
    return side(_with_vector(_allowed(wanted), asked), asked)


def _allowed(wanted: Wanted) -> ChunkQuerySet:
    allowed = Chunk.objects.allowed(
        scenario=wanted.scenario,
        objective=wanted.objective,
        rung=wanted.rung,
        organisation=wanted.organisation,
    )
    return wanted.narrowed.of(allowed, scenario=wanted.scenario)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A question as each side reads it; no vector where none can be had."""

    vector: list[float] | None
    kind: str
    words: Sequence[Lexeme]
    names: Sequence[Lexeme]


def _ask(text: str, model: EmbeddingModel | None) -> _Asked:
    return _Asked(
        vector=_embedded(text, model) if model else None,
        kind=kind_of(model) if model else "",
        words=words_of(text),
        names=names_of(text),
    )


def looked_up(text: str) -> str:
    """Return a question as it is embedded: with the articles' words for it."""
    meant = ours(text)
    return f"{text} ({meant})" if meant else text


def _embedded(text: str, model: EmbeddingModel) -> list[float] | None:
    try:
        return model.embed([looked_up(text)])[0]
    except EmbeddingUnavailable as error:
        log.info("retrieval.words.only", reason=error.reason)
        return None


def _by_vector(allowed: ChunkQuerySet, asked: _Asked) -> list[uuid.UUID]:
    if asked.vector is None:
        return []
    side = _by_every_vector if size() < SMALL_BELOW else _by_index
    return side(_with_vector(allowed, asked), asked)


def _with_vector(allowed: ChunkQuerySet, asked: _Asked) -> ChunkQuerySet:
    return allowed.filter(embedding_model=asked.kind)


def _by_every_vector(found: ChunkQuerySet, asked: _Asked) -> list[uuid.UUID]:
    # Adding zero keeps the planner from the index, whose answer is only approximate.
    distance = CosineDistance("embedding", asked.vector)
    exact = CombinedExpression(distance, "+", Value(0.0), output_field=FloatField())
    return _ids(found.order_by(exact, "pk"))


def _by_index(found: ChunkQuerySet, asked: _Asked) -> list[uuid.UUID]:
    with transaction.atomic(), connection.cursor() as cursor:
        # Under a filter the index may give too few rows unless it may go on looking.
        cursor.execute("SET LOCAL hnsw.iterative_scan = 'strict_order'")
        cursor.execute("SELECT set_config('hnsw.ef_search', %s, true)", [str(INDEX_BREADTH)])
        return _ids(found.order_by(CosineDistance("embedding", asked.vector)))


def _by_words(allowed: ChunkQuerySet, asked: _Asked) -> list[uuid.UUID]:
    if not asked.words:
        return []
    found = allowed.filter(words=_query(any_of(asked.words)))
    return _ids(found.order_by(_told("words", asked.words).desc(), "pk"))


def _by_names(allowed: ChunkQuerySet, asked: _Asked) -> list[uuid.UUID]:
    """Return chunks that carry a name; of several, those whose words fit better first."""
    if not asked.names:
        return []
    found = allowed.filter(names=_query(any_of(asked.names)))
    names, fits = _told("names", asked.names), _told("words", asked.words)
    return _ids(found.order_by(names.desc(), fits.desc(), "pk"))


def _ids(chunks: "QuerySet[Chunk]") -> list[uuid.UUID]:
    return list(chunks.values_list("pk", flat=True)[:FROM_EACH_SIDE])


def _near(candidates: Collection[uuid.UUID], asked: _Asked) -> dict[uuid.UUID, float]:
    """Return the cosine of every candidate that has a vector of the question's kind."""
    if asked.vector is None:
        return {}
    found = Chunk.objects.filter(pk__in=candidates, embedding_model=asked.kind)
    distances = found.annotate(distance=CosineDistance("embedding", asked.vector))
    return {pk: 1.0 - distance for pk, distance in distances.values_list("pk", "distance")}


class _Lexemes(SearchQuery):
    """A query made of lexemes as they are stored, which no parser cuts up again."""

    template = "CAST(%(expressions)s AS tsquery)"


def _query(lexemes: str) -> SearchQuery:
    return _Lexemes(Value(lexemes, output_field=TextField()))


def _told(field: str, lexemes: Sequence[Lexeme]) -> Expression:
    """Sum what each lexeme tells about a row; the server's own rank knows no rare words."""
    total: Expression = Value(0.0, output_field=FloatField())
    for each in lexemes:
        one = SearchRank(F(field), _query(each.query), normalization=Value(BY_LOG_LENGTH))
        weighed = CombinedExpression(Value(each.weight), "*", one, output_field=FloatField())
        total = CombinedExpression(total, "+", weighed, output_field=FloatField())
    return total


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
