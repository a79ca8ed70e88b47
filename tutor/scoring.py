"""Scores candidates by nearness, by words as BM25 does, and by exact names, each in one unit."""

import math
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from tutor.telling import Lexeme

# Chosen on the tuning half of evaluation/retrieval.yaml; docs/explanation/tutor.md has figures.
NEAR_WEIGHT = 1.0
WORDS_WEIGHT = 0.15
NAMES_WEIGHT = 0.3
# Source: Robertson and Zaragoza 2009; the usual values of BM25's two constants.
SATURATION = 1.2
LENGTH_SHARE = 0.75
# Different words in a piece of some 900 characters, its titles included.
USUAL_LENGTH = 75.0
# An occurrence in a heading (B) tells twice what one in a title (C) or in the text (D) does.
OCCURRENCE = {"A": 2.0, "B": 2.0}


@dataclass(frozen=True, kw_only=True)
class _Facts:
    """What is known of one candidate.

    Args:
        length: How many different words it has.
        words: Its words as the server writes them, each with a space before it.
        names: Its exact names likewise, and a space behind the last.
    """

    near: float
    length: int
    words: str
    names_held: int
    names: str


@dataclass(frozen=True, kw_only=True)
class Sought:
    """A question as it is compared with candidates.

    Args:
        vector: None where none can be had; candidates whose vector is of another kind are not near.
    """

    words: Sequence[Lexeme]
    names: Sequence[Lexeme]
    vector: Sequence[float] | None
    kind: str


def scored(candidates: Collection[uuid.UUID], sought: Sought) -> list[tuple[uuid.UUID, float]]:
    """Return the candidates with their scores, best first; ties go to the smaller id."""
    facts = _facts(list(candidates), sought)
    by_words = _shares({pk: _bm25(each, sought.words) for pk, each in facts.items()})
    by_names = _shares({pk: _named(each, sought.names) for pk, each in facts.items()})
    scores = {
        pk: NEAR_WEIGHT * each.near + WORDS_WEIGHT * by_words[pk] + NAMES_WEIGHT * by_names[pk]
        for pk, each in facts.items()
    }
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def _shares(values: Mapping[uuid.UUID, float]) -> dict[uuid.UUID, float]:
    best = max(values.values(), default=0.0) or 1.0
    return {pk: value / best for pk, value in values.items()}


def _bm25(facts: _Facts, words: Sequence[Lexeme]) -> float:
    length = 1 - LENGTH_SHARE + LENGTH_SHARE * facts.length / USUAL_LENGTH
    found = ((each.weight, _often(each, facts.words)) for each in words)
    return sum(
        weight * often * (SATURATION + 1) / (often + SATURATION * length)
        for weight, often in found
        if often
    )


def _often(lexeme: Lexeme, words: str) -> float:
    """Return how often a word occurs; within a quoted one every quote is doubled.

    Source: PostgreSQL manual, 8.11.1: `'lexeme':3B,7`, where a place of weight D has no letter.
    """
    if (at := words.find(quoted := f" {lexeme.query}:")) < 0:
        return 0.0
    places = words[at + len(quoted) :].split(" ", 1)[0]
    return sum(OCCURRENCE.get(place[-1], 1.0) for place in places.split(","))


def _named(facts: _Facts, names: Sequence[Lexeme]) -> float:
    told = sum(each.weight for each in names if f" {each.query} " in facts.names)
    return told / (1 + math.log(1 + facts.names_held))


def _facts(candidates: list[uuid.UUID], sought: Sought) -> dict[uuid.UUID, _Facts]:
    given = {
        "candidates": candidates,
        "kind": sought.kind,
        "vector": None if sought.vector is None else str(list(sought.vector)),
    }
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, given)
        return {
            pk: _Facts(
                near=near or 0.0,
                length=length,
                words=f" {words}",
                names_held=names_held,
                names=f" {names} ",
            )
            for pk, near, length, words, names_held, names in cursor.fetchall()
        }


# One question for all: asking the server takes as long as what it does here. To take the words
# apart it would need twice the time of all the rest.
_FACTS = """
SELECT
    id,
    CASE WHEN embedding_model = %(kind)s THEN 1 - (embedding <=> %(vector)s::vector) END,
    length(words),
    words::text,
    length(names),
    names::text
FROM tutor_chunk
WHERE id = ANY(%(candidates)s::uuid[])
"""
