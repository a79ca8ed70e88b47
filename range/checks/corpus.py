"""Labelled records that rules are tried on, and how a rule did on them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from range.checks.patterns import Budget
from range.checks.rule_logic import Record, Test
from range.checks.spec import Scalar

SIZE_LIMIT_BYTES = 4 << 20
RECORD_LIMIT = 20_000


class CorpusBroken(Exception):
    """The author's records cannot be read; the message says which."""


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """A record without its label, and whether a rule should find it."""

    record: Record
    is_positive: bool


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How a rule did on a corpus."""

    found: int
    missed: int
    false_alarms: int
    harmless: int

    @property
    def precision(self) -> float:
        """Share of what was found that should be; 0 where nothing was found."""
        hits = self.found + self.false_alarms
        return self.found / hits if hits else 0.0

    @property
    def recall(self) -> float:
        """Share of what should be found that was."""
        wanted = self.found + self.missed
        return self.found / wanted if wanted else 0.0

    @property
    def skill(self) -> float:
        """How much better than chance, in [0, 1]: nothing for rules that find all or none."""
        alarms = self.false_alarms / self.harmless if self.harmless else 0.0
        return max(0.0, self.recall - alarms)

    def __str__(self) -> str:
        wanted = self.found + self.missed
        return (
            f"{self.found} of {wanted} found, {self.false_alarms} of {self.harmless} harmless "
            "ones taken for it"
        )


def read_corpus(
    data: bytes, *, label: str, positive: Scalar, without: Iterable[str] = ()
) -> list[Labelled]:
    """Return the records of a file with one JSON object a line.

    Args:
        label: Field that says what a record is; no rule sees it.
        positive: Its value for what should be found.
        without: Further fields that no rule sees.

    Raises:
        CorpusBroken: A line is no object with the label, or there are too many.
    """
    if len(data) > SIZE_LIMIT_BYTES:
        raise CorpusBroken(f"more than {SIZE_LIMIT_BYTES} bytes")
    found = []
    hidden = {label, *without}
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        fields = _object(line, number)
        if label not in fields:
            raise CorpusBroken(f"line {number} has no {label!r}")
        seen = {name: value for name, value in fields.items() if name not in hidden}
        positive_here = type(fields[label]) is type(positive) and fields[label] == positive
        found.append(Labelled(record=Record(seen), is_positive=positive_here))
        if len(found) > RECORD_LIMIT:
            raise CorpusBroken(f"more than {RECORD_LIMIT} records")
    return found


def tried(rule: Test, corpus: Sequence[Labelled], budget: Budget) -> Tally:
    """Return how a rule does on a corpus.

    Raises:
        PatternTooCostly: It takes more time than there is.
    """
    hits = {True: 0, False: 0}
    for each in corpus:
        budget.check()
        hits[each.is_positive] += rule(each.record, budget)
    wanted = sum(each.is_positive for each in corpus)
    return Tally(
        found=hits[True],
        missed=wanted - hits[True],
        false_alarms=hits[False],
        harmless=len(corpus) - wanted,
    )


def _object(line: bytes, number: int) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CorpusBroken(f"line {number} is no JSON: {error}") from error
    if not isinstance(fields, dict):
        raise CorpusBroken(f"line {number} is no object")
    return fields
