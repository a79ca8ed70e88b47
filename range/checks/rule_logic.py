"""What detection rules are made of: tests of records joined by and, or, not; all bounded."""

import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import regex  # type: ignore[import-untyped]

from range.checks.patterns import Budget

DEPTH_LIMIT = 12
TOKEN_LIMIT = 400
PATTERN_LIMIT = 500
TEXT_LIMIT = 65_536


class RuleInvalid(Exception):
    """A rule cannot be read; the message says why, in words for whoever wrote it."""


class Record:
    """One mail, log line or event: fields with values, and everything it says as texts."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = fields

    def values(self, name: str) -> list[Any]:
        """Return a field's values; a dot leads into it where no field has the whole name."""
        found: Any = self.fields
        for step in [name] if name in self.fields else name.split("."):
            if not isinstance(found, Mapping) or step not in found:
                return []
            found = found[step]
        return list(found) if isinstance(found, list) else [found]

    @cached_property
    def texts(self) -> list[str]:
        """Every text and number anywhere in the record."""
        return list(_leaves(self.fields, depth=0))


type Test = Callable[[Record, Budget], bool]
type ValueTest = Callable[[Any, Budget], bool]


def text_of(value: Any) -> str:
    """Return a value as rules compare it."""
    return value[:TEXT_LIMIT] if isinstance(value, str) else str(value).lower()


def field(name: str, test: ValueTest) -> Test:
    """Return a test that holds when any value of a field passes."""
    return lambda record, budget: any(test(value, budget) for value in record.values(name))


def anywhere(test: ValueTest) -> Test:
    """Return a test that holds when any text of a record passes."""
    return lambda record, budget: any(test(text, budget) for text in record.texts)


def all_of(tests: Sequence[Test]) -> Test:
    """Return a test that holds when each of several does."""
    return lambda record, budget: all(test(record, budget) for test in tests)


def any_of(tests: Sequence[Test]) -> Test:
    """Return a test that holds when one of several does."""
    return lambda record, budget: any(test(record, budget) for test in tests)


def negated(test: Test) -> Test:
    """Return a test that holds when another does not."""
    return lambda record, budget: not test(record, budget)


def at_least(count: int, tests: Sequence[Test]) -> Test:
    """Return a test that holds when so many of several do."""
    return lambda record, budget: sum(test(record, budget) for test in tests) >= count


def pattern(text: str, *, ignore_case: bool = False) -> ValueTest:
    """Return a test for a regular expression.

    Raises:
        RuleInvalid: It is none, or too long.
    """
    if len(text) > PATTERN_LIMIT:
        raise RuleInvalid(f"a pattern is longer than {PATTERN_LIMIT} characters")
    try:
        regex.compile(text, regex.MULTILINE | (regex.IGNORECASE if ignore_case else 0))
    except (regex.error, ValueError, RecursionError, OverflowError, MemoryError) as error:
        raise RuleInvalid(f"{text[:60]!r} is no regular expression: {error}") from error
    return lambda value, budget: budget.found(text, text_of(value), ignore_case=ignore_case)


def number(compare: Callable[[float, float], bool], wanted: Any) -> ValueTest:
    """Return a test that compares numbers.

    Raises:
        RuleInvalid: The wanted value is no number.
    """
    limit = _number(wanted)
    if limit is None:
        raise RuleInvalid(f"{text_of(wanted)[:60]!r} is no number")

    def test(value: Any, budget: Budget) -> bool:
        found = _number(value)
        return found is not None and compare(found, limit)

    return test


def network(wanted: Any) -> ValueTest:
    """Return a test for addresses of a network.

    Raises:
        RuleInvalid: It is no network.
    """
    try:
        net = ipaddress.ip_network(text_of(wanted), strict=False)
    except ValueError as error:
        raise RuleInvalid(str(error)) from error

    def test(value: Any, budget: Budget) -> bool:
        try:
            return ipaddress.ip_address(text_of(value).strip()) in net
        except ValueError:
            return False

    return test


class Logic:
    """Reads a condition: names or comparisons joined by and, or, not and brackets.

    Args:
        atom: Reads one comparison from the tokens it is given, and takes what it needs.
    """

    def __init__(self, tokens: Sequence[str], atom: Callable[[list[str]], Test]) -> None:
        if len(tokens) > TOKEN_LIMIT:
            raise RuleInvalid(f"a condition has more than {TOKEN_LIMIT} words")
        self._left = list(reversed(tokens))
        self._atom = atom

    def read(self) -> Test:
        """Return the condition's test.

        Raises:
            RuleInvalid: It cannot be read.
        """
        test = self._either(0)
        if self._left:
            raise RuleInvalid(f"the condition is not understood from {self._left[-1][:60]!r} on")
        return test

    def _either(self, depth: int) -> Test:
        parts = [self._both(depth)]
        while self._next("or"):
            parts.append(self._both(depth))
        return any_of(parts) if len(parts) > 1 else parts[0]

    def _both(self, depth: int) -> Test:
        parts = [self._single(depth)]
        while self._next("and"):
            parts.append(self._single(depth))
        return all_of(parts) if len(parts) > 1 else parts[0]

    def _single(self, depth: int) -> Test:
        if depth > DEPTH_LIMIT:
            raise RuleInvalid(f"a condition is nested more than {DEPTH_LIMIT} deep")
        if self._next("not"):
            return negated(self._single(depth + 1))
        if self._next("("):
            inner = self._either(depth + 1)
            if not self._next(")"):
                raise RuleInvalid("a bracket is not closed")
            return inner
        if not self._left:
            raise RuleInvalid("the condition ends too early")
        return self._atom(self._left)

    def _next(self, word: str) -> bool:
        if self._left and self._left[-1].lower() == word:
            self._left.pop()
            return True
        return False


def _number(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _leaves(value: Any, *, depth: int) -> Iterator[str]:
    if depth > DEPTH_LIMIT:
        return
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _leaves(each, depth=depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each, depth=depth + 1)
    elif value is not None:
        yield text_of(value)
