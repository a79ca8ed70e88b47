"""What is read from the server's writing of words and names is what the server holds."""

import random

import pytest
from django.db import connection

from tutor.scoring import OCCURRENCE, _Facts, _named, _often
from tutor.telling import Lexeme, _quoted

pytestmark = pytest.mark.django_db
# What stands around a lexeme when it is written, and what may stand in one.
LETTERS = "ab' \\:,1A"
TRIES = 300


def lexeme(name):
    return Lexeme(name=name, query=_quoted(name), weight=1.0, rows=1.0)


def drawn_names(drawn):
    return {"".join(drawn.choices(LETTERS, k=drawn.randint(1, 4))) for _ in range(6)}


def test_occurrences_are_those_that_the_server_counts():
    drawn, found = random.Random(7), 0
    for _ in range(TRIES):
        held = {
            name: [
                f"{at}{drawn.choice('ABCD')}"
                for at in sorted(drawn.sample(range(1, 40), drawn.randint(1, 3)))
            ]
            for name in drawn_names(drawn)
        }
        written = " ".join(f"{_quoted(name)}:{','.join(at)}" for name, at in held.items())
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::tsvector::text", [written])
            words = f" {cursor.fetchone()[0]}"
            cursor.execute("SELECT lexeme, weights FROM unnest(%s::tsvector)", [written])
            counted = {
                name: sum(OCCURRENCE.get(each, 1.0) for each in weights)
                for name, weights in cursor.fetchall()
            }
        assert counted.keys() == held.keys()
        for name in held.keys() | drawn_names(drawn):
            assert _often(lexeme(name), words) == counted.get(name, 0.0), (name, words)
            found += name in counted
    assert found > TRIES


def test_names_are_those_that_the_server_holds():
    drawn = random.Random(8)
    for _ in range(TRIES):
        held = drawn_names(drawn)
        with connection.cursor() as cursor:
            cursor.execute("SELECT array_to_tsvector(%s)::text", [list(held)])
            names = f" {cursor.fetchone()[0]} "
        facts = _Facts(near=0.0, length=0, words="", names_held=0, names=names)
        for name in held | drawn_names(drawn):
            assert _named(facts, [lexeme(name)]) == float(name in held), (name, names)
