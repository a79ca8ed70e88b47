"""Reads the small rule language: a line is an alternative, such as `subject contains "urgent"`.

A line joins comparisons by `and`, `or`, `not` and brackets. A comparison is a field, an operator
of OPERATORS and a value: a number, a text in double quotes, or a list such as `["a", "b"]`, of
which any counts. `any` stands for every text of a record. Lines that begin with # say nothing.
"""

import json
import operator
import re
from collections.abc import Callable
from typing import Any

from range.checks.rule_logic import (
    Logic,
    RuleInvalid,
    Test,
    ValueTest,
    any_of,
    anywhere,
    field,
    negated,
    network,
    number,
    pattern,
    text_of,
)

SIZE_LIMIT_BYTES = 64 * 1024
LINE_LIMIT = 200
VALUES_LIMIT = 200
_TOKEN = re.compile(
    r'\s*(\[(?:[^\]"]|"(?:[^"\\]|\\.)*")*\]|"(?:[^"\\]|\\.)*"|[()]|[<>!]?=|[<>]|[^\s()\[\]"<>=!]+)'
)


def _same(wanted: Any) -> ValueTest:
    folded = text_of(wanted).casefold()
    return lambda value, budget: text_of(value).casefold() == folded


def _contains(wanted: Any) -> ValueTest:
    folded = text_of(wanted).casefold()
    return lambda value, budget: folded in text_of(value).casefold()


def _starts(wanted: Any) -> ValueTest:
    folded = text_of(wanted).casefold()
    return lambda value, budget: text_of(value).casefold().startswith(folded)


def _ends(wanted: Any) -> ValueTest:
    folded = text_of(wanted).casefold()
    return lambda value, budget: text_of(value).casefold().endswith(folded)


OPERATORS: dict[str, Callable[[Any], ValueTest]] = {
    "=": _same,
    "contains": _contains,
    "starts": _starts,
    "ends": _ends,
    "matches": lambda wanted: pattern(text_of(wanted)),
    "within": network,
    "<": lambda wanted: number(operator.lt, wanted),
    "<=": lambda wanted: number(operator.le, wanted),
    ">": lambda wanted: number(operator.gt, wanted),
    ">=": lambda wanted: number(operator.ge, wanted),
}


def read_lines_rule(data: bytes) -> Test:
    """Return the test that lines of the small language describe.

    Raises:
        RuleInvalid: A line cannot be read, or there are too many or none.
    """
    if len(data) > SIZE_LIMIT_BYTES:
        raise RuleInvalid(f"more than {SIZE_LIMIT_BYTES} bytes")
    lines = [
        (number_, line)
        for number_, line in enumerate(data.decode("utf-8", "replace").splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines or len(lines) > LINE_LIMIT:
        raise RuleInvalid(f"expected 1 to {LINE_LIMIT} lines with a condition, found {len(lines)}")
    return any_of([_line(number_, line) for number_, line in lines])


def _line(number_: int, line: str) -> Test:
    try:
        return Logic(_tokens(line), _comparison).read()
    except RuleInvalid as error:
        raise RuleInvalid(f"line {number_}: {error}") from error


def _tokens(line: str) -> list[str]:
    found, at = [], 0
    text = line.strip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise RuleInvalid(f"{text[at : at + 40]!r} is not understood")
        found.append(token.group(1))
        at = token.end()
    return found


def _comparison(left: list[str]) -> Test:
    name = left.pop()
    if left and left[-1] == "exists":
        left.pop()
        return lambda record, budget: any(each is not None for each in record.values(name))
    if len(left) < 2:
        raise RuleInvalid(f"{name[:60]!r} needs an operator and a value")
    sign, written = left.pop(), left.pop()
    if sign == "!=":
        return negated(_compared(name, "=", written))
    if sign not in OPERATORS:
        raise RuleInvalid(f"{sign[:60]!r} is none of {', '.join(OPERATORS)}, !=, exists")
    return _compared(name, sign, written)


def _compared(name: str, sign: str, written: str) -> Test:
    try:
        value = json.loads(written)
    except (ValueError, RecursionError) as error:
        raise RuleInvalid(f"{written[:60]!r} is no number, text or list") from error
    values = value if isinstance(value, list) else [value]
    if not 0 < len(values) <= VALUES_LIMIT or any(isinstance(v, (list, dict)) for v in values):
        raise RuleInvalid(f"{name[:60]!r}: give 1 to {VALUES_LIMIT} plain values")
    tests = [OPERATORS[sign](each) for each in values]
    return any_of([anywhere(each) if name == "any" else field(name, each) for each in tests])
