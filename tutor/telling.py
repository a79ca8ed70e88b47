"""What each word or name of a question tells: a rare one much, a common one little."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
    """A word as the index keeps it, quoted for a query, with what it is worth."""

    name: str
    query: str
    weight: float


@dataclass(frozen=True, kw_only=True)
class _Count:
    name: str
    rows: float


def size() -> float:
    """Return about how many chunks there are, without counting them; 0 while nobody knows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'tutor_chunk'::regclass")
        row: tuple[float] = cursor.fetchone()
    return max(0.0, row[0])


def words_of(text: str) -> list[Lexeme]:
    """Return a text's English lexemes, the rarest first, no more than can be ranked in time.

    People paraphrase: asking for all of the words finds next to nothing, so any will do.
    """
    asked, total = _lexemes(text), size()
    meant = [name for name in _lexemes(ours(text)) if name not in asked]
    counts = sorted(
        _counts("words", [*asked, *meant], total), key=lambda each: (each.rows, each.name)
    )
    return [
        replace(each, weight=each.weight * OURS_SHARE) if each.name in meant else each
        for each in _weighted(_bounded(counts), total)
    ]


def _lexemes(text: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tsvector_to_array(to_tsvector('english', %s))", [text])
        row: tuple[list[str]] = cursor.fetchone()
    return row[0]


def names_of(text: str) -> list[Lexeme]:
    """Return the exact names a text asks for, without those that many chunks share."""
    total = size()
    counts = _counts("names", asked_for(text), total)
    common = max(FEWEST_FOR_COMMON, total * COMMON_NAME_SHARE)
    return _weighted([each for each in counts if each.rows <= common], total)


def any_of(lexemes: Sequence[Lexeme]) -> str:
    """Return a query that any of the lexemes satisfies."""
    return " | ".join(lexeme.query for lexeme in lexemes)


def _bounded(counts: Sequence[_Count]) -> list[_Count]:
    kept, rows = list[_Count](), 0.0
    for each in counts[:MOST_LEXEMES]:
        rows += each.rows
        if kept and rows > MOST_RANKED:
            break
        kept.append(each)
    return kept


def _weighted(counts: Sequence[_Count], total: float) -> list[Lexeme]:
    """Weigh each by its inverse document frequency.

    Source: Robertson and Zaragoza 2009, the probabilistic relevance framework.
    """
    return [
        Lexeme(
            name=each.name,
            query=_quoted(each.name),
            weight=math.log(1 + (max(total, each.rows) - each.rows + 0.5) / (each.rows + 0.5)),
        )
        for each in counts
    ]


def _counts(column: Column, names: Sequence[str], total: float) -> list[_Count]:
    """Return how many chunks hold each name, without those that none holds."""
    found = _estimated(column, names, total) if total >= SMALL_BELOW else _counted(column, names)
    return [_Count(name=name, rows=found[name]) for name in names if found.get(name, 0) > 0]


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


def _estimated(column: Column, names: Sequence[str], total: float) -> Mapping[str, float]:
    """Take the counts from the server's statistics; what they leave out is rarer than the rest."""
    with connection.cursor() as cursor:
        cursor.execute(_STATISTICS, {"column": column, "names": list(names)})
        rows: list[tuple[str, float | None, float | None]] = cursor.fetchall()
    return {name: max(1.0, total * (share or (least or 0.0) / 2)) for name, share, least in rows}


# Behind the shares of the common elements stand the least and the greatest of them.
# Source: PostgreSQL manual, 53.28, pg_stats.
_STATISTICS = """
SELECT wanted.name, known.share, stats.shares[cardinality(stats.names) + 1]
FROM unnest(%(names)s::text[]) AS wanted (name)
LEFT JOIN (
    SELECT most_common_elems::text::text[] AS names, most_common_elem_freqs AS shares
    FROM pg_stats
    WHERE schemaname = current_schema() AND tablename = 'tutor_chunk' AND attname = %(column)s
) AS stats ON true
LEFT JOIN LATERAL unnest(stats.names, stats.shares) AS known (name, share)
    ON known.name = wanted.name
"""


def _quoted(name: str) -> str:
    return "'" + name.replace("\\", "\\\\").replace("'", "''") + "'"
