"""Finds passages: words, exact names and vectors, each filtered first, then scored together."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db import connection, transaction
from django.db.models import F, FloatField, Func, QuerySet, TextField, Value
from django.db.models.expressions import CombinedExpression
from pgvector import HalfVector
from pgvector.django import CosineDistance

from range.lib.logs import get_logger
from tutor.glossary import ours
from tutor.models import Chunk, ChunkQuerySet, halved
from tutor.overlap import holds_any
from tutor.providers.embedding import EmbeddingModel, EmbeddingUnavailable
from tutor.scoring import Sought, scored
from tutor.telling import SMALL_BELOW, Lexeme, any_of, rare, told_by
from tutor.vectors import kind_of

log = get_logger(__name__)

FROM_EACH_SIDE = 40
LONGEST_QUERY = 600
# How far the index looks at once; more finds more, and takes longer.
INDEX_BREADTH = 200
# What a citation shows, and where it stands. A chunk's vectors and words are long, and left out.
SHOWN = {
    "title": "source__title",
    "heading": "heading",
    "text": "text",
    "version": "source__version",
    "license": "source__license",
    "url": "source__url",
}
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
        general_rung: Up to here general articles count, whatever the rung.
        organisation: Whose own texts the trainee may read.
    """

    text: str
    scenario: str = ""
    objective: str = ""
    rung: int = 0
    general_rung: int = 0
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
    found = Chunk.objects.filter(pk__in=[pk for pk, _ in ranked])
    rows = found.values_list("pk", *SHOWN.values())
    shown = {pk: dict(zip(SHOWN, fields, strict=True)) for pk, *fields in rows}
    served = [
        (pk, score)
        for pk, score in ranked
        if pk in shown and not _is_avoided(shown[pk], wanted.narrowed.avoid)
    ]
    return [
        Passage(number=number, chunk_id=pk, score=score, **shown[pk])
        for number, (pk, score) in enumerate(served[:limit], start=1)
    ]


def _is_avoided(shown: Mapping[str, str], avoid: Sequence[str]) -> bool:
    """Tell whether anything that a citation shows holds a phrase to avoid."""
    return any(holds_any(shown[part], avoid) for part in ("title", "heading", "text"))


def rank(wanted: Wanted, *, model: EmbeddingModel | None) -> list[tuple[uuid.UUID, float]]:
    """Return chunk ids with their scores, best first.

    Each side names candidates; then all of them are scored by what every side says.
    """
    asked, allowed = _ask(wanted.text[:LONGEST_QUERY], model), _allowed(wanted)
    sides = (_by_vector, _by_words, _by_names)
    candidates = {pk for side in sides for pk in side(allowed, asked)}
    if not candidates:
        return []
    sought = Sought(words=asked.words, names=asked.names, vector=asked.vector, kind=asked.kind)
    return scored(candidates, sought)


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
        general_rung=wanted.general_rung,
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
    is_among_many: bool

    def rare(self, lexemes: Sequence[Lexeme]) -> Sequence[Lexeme]:
        """Return those that name candidates; without vectors, the rarest of common ones too."""
        return rare(lexemes) or ([] if self.vector else lexemes[:1])


def _ask(text: str, model: EmbeddingModel | None) -> _Asked:
    told = told_by(text)
    return _Asked(
        vector=_embedded(text, model) if model else None,
        kind=kind_of(model) if model else "",
        words=told.words,
        names=told.names,
        is_among_many=told.total >= SMALL_BELOW,
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
    side = _by_index if asked.is_among_many else _by_every_vector
    return side(_with_vector(allowed, asked), asked)


def _with_vector(allowed: ChunkQuerySet, asked: _Asked) -> ChunkQuerySet:
    return allowed.filter(embedding_model=asked.kind)


def _by_every_vector(found: ChunkQuerySet, asked: _Asked) -> list[uuid.UUID]:
    # Adding zero keeps the planner from the index, whose answer is only approximate.
    distance = CosineDistance("embedding", asked.vector)
    exact = CombinedExpression(distance, "+", Value(0.0), output_field=FloatField())
    return _ids(found.order_by(exact, "pk"))


def _by_index(found: ChunkQuerySet, asked: _Asked) -> list[uuid.UUID]:
    distance = CosineDistance(halved("embedding"), HalfVector(asked.vector or []))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_HOW_TO_LOOK, [str(INDEX_BREADTH)])
        return _ids(found.order_by(distance))


# Under a filter the index may give too few rows unless it may go on looking. It need not give
# them in strict order, which throws away what it finds late: candidates are scored afterwards.
_HOW_TO_LOOK = (
    "SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true), "
    "set_config('hnsw.ef_search', %s, true)"
)


def _by_words(allowed: ChunkQuerySet, asked: _Asked) -> list[uuid.UUID]:
    if not (rare := asked.rare(asked.words)):
        return []
    found = allowed.filter(words=_query(any_of(rare)))
    return _ids(found.order_by(_Told("words", tuple(rare)).desc(), "pk"))


def _by_names(allowed: ChunkQuerySet, asked: _Asked) -> list[uuid.UUID]:
    """Return chunks that carry a name; of several, those whose words fit better first."""
    if not (rare := asked.rare(asked.names)):
        return []
    found = allowed.filter(names=_query(any_of(rare)))
    order = [_Told("names", tuple(rare)).desc()]
    if words := asked.rare(asked.words):
        order.append(_Told("words", tuple(words)).desc())
    return _ids(found.order_by(*order, "pk"))


def _ids(chunks: "QuerySet[Chunk]") -> list[uuid.UUID]:
    return list(chunks.values_list("pk", flat=True)[:FROM_EACH_SIDE])


class _Lexemes(SearchQuery):
    """A query made of lexemes as they are stored, which no parser cuts up again."""

    template = "CAST(%(expressions)s AS tsquery)"


def _query(lexemes: str) -> SearchQuery:
    return _Lexemes(Value(lexemes, output_field=TextField()))


class _Told(Func):
    """Sums what each lexeme tells about a row; the server's own rank knows no rare words.

    Written flat: an expression for each lexeme would take longer to put together than to answer.
    """

    def __init__(self, field: str, lexemes: tuple[Lexeme, ...]) -> None:
        super().__init__(F(field), output_field=FloatField())
        self.lexemes = lexemes

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **__: Any) -> Any:
        column, _params = compiler.compile(self.get_source_expressions()[0])
        one = f"%s * ts_rank({column}, %s::tsquery, {BY_LOG_LENGTH})"
        told = [part for each in self.lexemes for part in (each.weight, each.query)]
        return f"({' + '.join([one] * len(self.lexemes))})", told
