"""What each word or name of a question tells: a rare one much, a common one little."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import accumulate
from typing import Literal

from django.db import connection

from tutor.glossary import ours
from tutor.identifiers import asked_for

type Column = Literal["words", "names"]

# A name that more chunks than this share tells nothing about any of them.
COMMON_NAME_SHARE = 0.08
FEWEST_FOR_COMMON = 3
# What the glossary adds tells less than what was asked. Chosen on the tuning half.
OURS_SHARE = 0.5
# A hint and a question together have many words; the rarest tell enough.
MOST_LEXEMES = 24
# So many rows are ranked at most: ranking reads each row's whole vector of words.
MOST_RANKED = 1_200
# Below this many chunks counting and scanning are as fast as any statistics or index.
SMALL_BELOW = 20_000


@dataclass(frozen=True, kw_only=True)
class Lexeme:
    """A word as the index keeps it, quoted for a query, with what it is worth.

    Args:
        rows: About how many chunks hold it.
    """

    name: str
    query: str
    weight: float
    rows: float


@dataclass(frozen=True, kw_only=True)
class _Count:
    name: str
    rows: float


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a question asks for, the rarest first, with what each is worth here.

    Args:
        total: About how many chunks there are; 0 while nobody knows.
    """

    words: Sequence[Lexeme]
    names: Sequence[Lexeme]
    total: float


@dataclass(frozen=True, kw_only=True)
class _Index:
    """About how many chunks there are, and since when the server's statistics of them stand."""

    total: float
    analysed: datetime | None


def told_by(text: str) -> Told:
    """Return a text's English lexemes and the exact names it asks for."""
    asked, meant, index = _read(text)
    only_meant = [name for name in meant if name not in asked]
    return Told(
        words=_words(asked, only_meant, index),
        names=_names(asked_for(text), index),
        total=index.total,
    )


def _read(text: str) -> tuple[list[str], list[str], _Index]:
    """Ask the server for lexemes and for the size of the index at once."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, {"text": text, "ours": ours(text)})
        asked, meant, total, analysed = cursor.fetchone()
    return asked, meant, _Index(total=total, analysed=analysed)


_READ = """
SELECT
    tsvector_to_array(to_tsvector('english', %(text)s)),
    tsvector_to_array(to_tsvector('english', %(ours)s)),
    greatest(0, reltuples),
    greatest(pg_stat_get_last_analyze_time(oid), pg_stat_get_last_autoanalyze_time(oid))
FROM pg_class
WHERE oid = 'tutor_chunk'::regclass
"""


def rare(lexemes: Sequence[Lexeme]) -> Sequence[Lexeme]:
    """Return the first of them, as long as what they name can be ranked in time."""
    held = accumulate(each.rows for each in lexemes)
    return [each for each, rows in zip(lexemes, held, strict=True) if rows <= MOST_RANKED]


def _words(asked: Sequence[str], meant: Sequence[str], index: _Index) -> list[Lexeme]:
    """Return lexemes; people paraphrase, so that looking for all at once finds next to nothing."""
    counts = _counts("words", [*asked, *meant], index)
    return [
        replace(each, weight=each.weight * OURS_SHARE) if each.name in meant else each
        for each in _weighted(counts[:MOST_LEXEMES], index.total)
    ]


def _names(asked: Sequence[str], index: _Index) -> list[Lexeme]:
    """Return the names without those that many chunks share."""
    counts = _counts("names", asked, index) if asked else []
    common = max(FEWEST_FOR_COMMON, index.total * COMMON_NAME_SHARE)
    return _weighted([each for each in counts if each.rows <= common], index.total)


def any_of(lexemes: Sequence[Lexeme]) -> str:
    """Return a query that any of the lexemes satisfies."""
    return " | ".join(lexeme.query for lexeme in lexemes)


def _weighted(counts: Sequence[_Count], total: float) -> list[Lexeme]:
    """Weigh each by its inverse document frequency.

    Source: Robertson and Zaragoza 2009, the probabilistic relevance framework.
    """
    return [
        Lexeme(
            name=each.name,
            query=_quoted(each.name),
            rows=each.rows,
            weight=math.log(1 + (max(total, each.rows) - each.rows + 0.5) / (each.rows + 0.5)),
        )
        for each in counts
    ]


def _counts(column: Column, names: Sequence[str], index: _Index) -> list[_Count]:
    """Return how many chunks hold each name, the rarest first, without those that none holds."""
    few = index.total < SMALL_BELOW
    found = _counted(column, names) if few else _estimated(column, names, index)
    counts = [_Count(name=name, rows=found[name]) for name in names if found.get(name, 0) > 0]
    return sorted(counts, key=lambda each: (each.rows, each.name))


def _counted(column: Column, names: Sequence[str]) -> Mapping[str, float]:
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS[column], [list(names), [_quoted(name) for name in names]])
        return dict(cursor.fetchall())


_COUNTS: Mapping[Column, str] = {
    "words": "SELECT name, (SELECT count(*) FROM tutor_chunk WHERE words @@ lexeme::tsquery) "
    "FROM unnest(%s::text[], %s::text[]) AS wanted (name, lexeme)",
    "names": "SELECT name, (SELECT count(*) FROM tutor_chunk WHERE names @@ lexeme::tsquery) "
    "FROM unnest(%s::text[], %s::text[]) AS wanted (name, lexeme)",
}


def _estimated(column: Column, names: Sequence[str], index: _Index) -> Mapping[str, float]:
    """Take the counts from the server's statistics; what they leave out is rarer than the rest."""
    shares, least = _shares(column, index)
    return {name: max(1.0, index.total * shares.get(name, least / 2)) for name in names}


@lru_cache(maxsize=4)
def _shares(column: Column, index: _Index) -> tuple[Mapping[str, float], float]:
    """Return the shares of the common elements and the least of them, until they are new.

    Source: PostgreSQL manual, 53.28, pg_stats: behind the shares stand the least and the greatest.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STATISTICS, {"column": column})
        names, shares = cursor.fetchone() or ([], [0.0])
    return dict(zip(names, shares, strict=False)), float(shares[len(names)])


_STATISTICS = """
SELECT most_common_elems::text::text[], most_common_elem_freqs
FROM pg_stats
WHERE schemaname = current_schema() AND tablename = 'tutor_chunk' AND attname = %(column)s
AND most_common_elems IS NOT NULL
"""


def _quoted(name: str) -> str:
    return "'" + name.replace("\\", "\\\\").replace("'", "''") + "'"
