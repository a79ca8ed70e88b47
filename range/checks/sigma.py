"""Reads a Sigma rule as it is written in YAML, into a test of records; nothing else is run.

Fields may be lists of values (any), `null`, and texts with `*` and `?`; the modifiers are those of
MODIFIERS. Correlations, aggregations and placeholders are refused rather than ignored.
"""

import operator
import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import regex  # type: ignore[import-untyped]

from range.checks.patterns import Budget
from range.checks.rule_logic import (
    Logic,
    RuleInvalid,
    Test,
    ValueTest,
    all_of,
    any_of,
    anywhere,
    at_least,
    field,
    network,
    number,
    pattern,
    text_of,
)

VALUE_LIMIT = 2000
MODIFIERS = frozenset(
    {"all", "cased", "cidr", "contains", "endswith", "exists", "gt", "gte", "i", "lt", "lte"}
    | {"re", "startswith"}
)
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}
_WILD = re.compile(r"\\([*?\\])|([*?])")
_WORD = re.compile(r"[()]|[^\s()]+")


def read_sigma(data: bytes) -> Test:
    """Return the test that a Sigma rule describes.

    Raises:
        RuleInvalid: It cannot be read, is too large, or uses what is not supported.
    """
    # Roles that only know of this kind of check carry no reader of YAML.
    from range.checks.strict_yaml import read_yaml

    try:
        rule = read_yaml(data)
    except ValueError as error:
        raise RuleInvalid(str(error)) from error
    detection = rule.get("detection") if isinstance(rule, dict) else None
    if not isinstance(detection, dict) or "condition" not in detection:
        raise RuleInvalid("the rule has no detection with a condition")
    if "timeframe" in detection:
        raise RuleInvalid("timeframe is not supported")
    if sum(1 for _ in _scalars(detection)) > VALUE_LIMIT:
        raise RuleInvalid(f"more than {VALUE_LIMIT} values")
    searches = {name: _search(each) for name, each in detection.items() if name != "condition"}
    conditions = detection["condition"]
    listed = conditions if isinstance(conditions, list) else [conditions]
    return any_of([_condition(text_of(each), searches) for each in listed])


def _condition(text: str, searches: Mapping[str, Test]) -> Test:
    def atom(left: list[str]) -> Test:
        word = left.pop()
        if len(left) > 1 and left[-1].lower() == "of":
            left.pop()
            return _of(word.lower(), left.pop(), searches)
        if word not in searches:
            raise RuleInvalid(f"the condition names {word[:60]!r}, which is not there")
        return searches[word]

    return Logic(_WORD.findall(text), atom).read()


def _of(count: str, names: str, searches: Mapping[str, Test]) -> Test:
    if names == "them":
        chosen = [test for name, test in searches.items() if not name.startswith("_")]
    else:
        chosen = [test for name, test in searches.items() if fnmatchcase(name, names)]
    if not chosen or not (count in ("all", "any") or count.isdecimal()):
        raise RuleInvalid(f"{count[:20]!r} of {names[:60]!r} names nothing")
    if count == "all":
        return all_of(chosen)
    return any_of(chosen) if count == "any" else at_least(int(count[:4]), chosen)


def _search(part: Any) -> Test:
    if isinstance(part, Mapping):
        return all_of([_item(str(key), value) for key, value in part.items()])
    if isinstance(part, list):
        if not part:
            raise RuleInvalid("a search without values")
        return any_of([_search(each) for each in part])
    return anywhere(_keyword(part, cased=False))


def _item(key: str, value: Any) -> Test:
    name, *modifiers = key.split("|")
    if unknown := set(modifiers) - MODIFIERS:
        raise RuleInvalid(f"the modifier {min(unknown)[:60]!r} is not supported")
    if "exists" in modifiers:
        return lambda record, budget: bool(record.values(name)) == (value is True)
    values = value if isinstance(value, list) else [value]
    if not values or any(isinstance(each, (list, Mapping)) for each in values):
        raise RuleInvalid(f"{key[:60]!r} must have plain values")
    tests = [_valued(name, each, frozenset(modifiers)) for each in values]
    return all_of(tests) if "all" in modifiers else any_of(tests)


def _valued(name: str, value: Any, modifiers: frozenset[str]) -> Test:
    if value is None:
        return lambda record, budget: all(each is None for each in record.values(name))
    test = _test(value, modifiers) if name else _keyword(value, cased="cased" in modifiers)
    return field(name, test) if name else anywhere(test)


def _test(value: Any, modifiers: frozenset[str]) -> ValueTest:
    if "re" in modifiers:
        return pattern(text_of(value), ignore_case="i" in modifiers)
    if "cidr" in modifiers:
        return network(value)
    for name, compare in _COMPARED.items():
        if name in modifiers:
            return number(compare, value)
    before = "*" if modifiers & {"contains", "endswith"} else ""
    after = "*" if modifiers & {"contains", "startswith"} else ""
    return _wild(f"{before}{text_of(value)}{after}", cased="cased" in modifiers)


def _keyword(value: Any, *, cased: bool) -> ValueTest:
    return _wild(f"*{text_of(value)}*", cased=cased)


def _wild(text: str, *, cased: bool) -> ValueTest:
    """Return a test for a text with `*` and `?`.

    The leftmost place of each piece between stars is as good as any other, so none is tried twice.
    """
    pieces, last = [""], 0
    for found in _WILD.finditer(text):
        pieces[-1] += regex.escape(text[last : found.start()])
        last = found.end()
        if found.group(1):
            pieces[-1] += regex.escape(found.group(1))
        elif found.group(2) == "?":
            pieces[-1] += "."
        else:
            pieces.append("")
    pieces[-1] += regex.escape(text[last:])
    if len(pieces) == 1:
        whole = rf"(?s)\A{pieces[0]}\Z"
    else:
        middle = "".join(f"(?>.*?{piece})" for piece in pieces[1:-1] if piece)
        whole = rf"(?s)\A{pieces[0]}{middle}.*{pieces[-1]}\Z"

    def test(value: Any, budget: Budget) -> bool:
        return budget.found(whole, text_of(value), ignore_case=not cased)

    return test


def _scalars(part: Any) -> Any:
    if isinstance(part, Mapping):
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from _scalars(each)
    else:
        yield part
