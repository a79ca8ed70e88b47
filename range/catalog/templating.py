"""Fills `{{ variables }}` into texts of a scenario, with nothing else within reach.

Only expressions, `if` and `for` exist: no calls, no attributes of Python objects, no macros, no
inclusion, a fixed list of filters, and limits on size and time. An undefined name is an error.
"""

import base64
import hashlib
import json
import math
import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, wraps
from typing import Any
from urllib.parse import quote

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from range.lib.errors import RangeError

OUTPUT_LIMIT = 1 << 20
SOURCE_LIMIT = 1 << 18
FOR_DEPTH_LIMIT = 3
# Turns of all loops of one text together, and parts that a text may consist of.
TURNS_LIMIT = 100_000
PARTS_LIMIT = 20_000
NUMBER_LIMIT_BITS = 256
# Of the processor, for one text or for all within `together`; a whole scenario takes a fraction.
SECONDS_LIMIT = 3.0
_turns: ContextVar[list[int]] = ContextVar("turns")
_left: ContextVar[list[float] | None] = ContextVar("left", default=None)
_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)
_LOOP_FACTS = frozenset({"index", "index0", "first", "last", "length"})
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.For,
    nodes.If,
    nodes.Filter,
    nodes.Test,
    nodes.Compare,
    nodes.Operand,
    nodes.BinExpr,
    nodes.UnaryExpr,
    nodes.CondExpr,
    nodes.Concat,
    nodes.Getitem,
    nodes.Getattr,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.Pair,
    nodes.Slice,
    nodes.Keyword,
)


class TemplateInvalid(RangeError):
    """A text of a scenario cannot be filled in; the message says where and why.

    Args:
        line: Of the text, where it is known.
    """

    def __init__(self, message: str, *, line: int = 0) -> None:
        super().__init__(message, reason="template", status=500)
        self.line = line


def is_template(text: str) -> bool:
    """Tell whether a text holds anything to fill in."""
    return "{{" in text or "{%" in text


@contextmanager
def together() -> Iterator[None]:
    """Let all texts that are filled in here share the time that one of them may take."""
    token = _left.set(_left.get() or [SECONDS_LIMIT])
    try:
        yield
    finally:
        _left.reset(token)


@contextmanager
def _timed() -> Iterator[None]:
    left, began = _left.get() or [SECONDS_LIMIT], time.thread_time()
    token = _deadline.set(began + left[0])
    try:
        yield
    finally:
        left[0] -= time.thread_time() - began
        _deadline.reset(token)


def fill(text: str, values: Mapping[str, Any], *, name: str = "text") -> str:
    """Return a text with its variables filled in.

    Args:
        name: Where the text comes from, for the message.

    Raises:
        TemplateInvalid: It cannot be read, names something unknown, grows too large or takes long.
    """
    if not is_template(text):
        return text
    with _timed():
        return _filled(text, values, name)


def _filled(text: str, values: Mapping[str, Any], name: str) -> str:
    parts: list[str] = []
    size = 0
    _turns.set([TURNS_LIMIT])
    try:
        for part in _compiled(text).generate(**values):
            size += len(part)
            if size > OUTPUT_LIMIT:
                raise TemplateInvalid(f"{name}: grows beyond {OUTPUT_LIMIT} characters.")
            parts.append(part)
    except (*_FAILURES, LookupError) as error:
        raise TemplateInvalid(f"{name}: {error}.") from error
    return "".join(parts)


def names_in(text: str) -> dict[str, int]:
    """Return the variables a text needs, each with the line that names it first.

    Raises:
        TemplateInvalid: It cannot be read.
    """
    if not is_template(text):
        return {}
    try:
        tree = _parsed(text)
    except _FAILURES as error:
        raise TemplateInvalid(f"{error}.", line=getattr(error, "lineno", 0)) from error
    written = {"loop"}
    found: dict[str, int] = {}
    for node in tree.find_all(nodes.Name):
        if node.ctx in ("store", "param"):
            written.add(node.name)
        found[node.name] = min(node.lineno, found.get(node.name, node.lineno))
    return {name: line for name, line in found.items() if name not in written}


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return isinstance(obj, LoopContext) and attr in _LOOP_FACTS

    def is_safe_callable(self, obj: Any) -> bool:
        return False

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        _refuse_late()
        plain = all(isinstance(each, (int, float)) for each in (left, right))
        if operator == "+" and not plain:
            if sum(len(each) for each in (left, right) if hasattr(each, "__len__")) > OUTPUT_LIMIT:
                raise ValueError(f"a value grows beyond {OUTPUT_LIMIT} characters")
            return left + right
        if operator == "**" or not plain:
            raise SecurityError(f"{operator} works on numbers only, and ** not at all")
        return _bounded(super().call_binop(context, operator, left, right))


@lru_cache(maxsize=1)
def _environment() -> _Environment:
    environment = _Environment(
        undefined=StrictUndefined,
        autoescape=False,
        # It would carry out each filter of a chain once for every filter after it.
        optimized=False,
        keep_trailing_newline=True,
        # Shell text holds `${#list}`, which must not begin a comment.
        comment_start_string="{{#",
        comment_end_string="#}}",
    )
    environment.globals.clear()
    environment.filters.clear()
    environment.filters.update({name: _careful(each) for name, each in FILTERS.items()})
    environment.filters[_TURNS_FILTER] = _counted
    tests = {name: environment.tests[name] for name in ("defined", "in", "odd", "even")}
    environment.tests.clear()
    environment.tests.update(tests)
    return environment


@lru_cache(maxsize=512)
def _compiled(text: str) -> Any:
    tree = _parsed(text)
    _refuse_strange(tree, depth=0)
    _bind(tree)
    return _environment().from_string(tree)


def _parsed(text: str) -> nodes.Template:
    if len(text) > SOURCE_LIMIT:
        raise ValueError(f"the template is longer than {SOURCE_LIMIT} characters")
    # Counting parts takes little; the parser takes a kilobyte for each.
    for count, _ in enumerate(_environment().lex(text)):
        if count > PARTS_LIMIT:
            raise ValueError(f"the template has more than {PARTS_LIMIT} parts")
    return _environment().parse(text)


def _bind(tree: nodes.Template) -> None:
    """Let every loop count its turns, and `~` join with the bounds of the filter."""
    for loop in list(tree.find_all(nodes.For)):
        loop.iter = nodes.Filter(loop.iter, _TURNS_FILTER, [], [], None, None)
    _replace_concats(tree)


def _replace_concats(node: nodes.Node) -> None:
    for name, value in node.iter_fields():
        if isinstance(value, list):
            setattr(node, name, [_without_concat(each) for each in value])
        else:
            setattr(node, name, _without_concat(value))


def _without_concat(part: Any) -> Any:
    if isinstance(part, nodes.Node):
        _replace_concats(part)
    if isinstance(part, nodes.Concat):
        return nodes.Filter(nodes.List(part.nodes), "join", [], [], None, None)
    return part


def _refuse_strange(node: nodes.Node, *, depth: int) -> None:
    if not isinstance(node, _ALLOWED):
        raise SecurityError(f"{type(node).__name__.lower()} is not available in templates")
    if isinstance(node, nodes.Name) and node.name == "self":
        raise SecurityError("self is not available in templates")
    depth += isinstance(node, nodes.For)
    if depth > FOR_DEPTH_LIMIT:
        raise SecurityError(f"loops may be nested {FOR_DEPTH_LIMIT} deep at most")
    for child in node.iter_child_nodes():
        _refuse_strange(child, depth=depth)


def _refuse_late() -> None:
    if time.thread_time() > _deadline.get():
        raise ValueError(f"takes longer than {SECONDS_LIMIT:g} seconds to fill in")


def _counted(value: Iterable[Any]) -> Iterator[Any]:
    left = _turns.get([TURNS_LIMIT])
    for each in value:
        _refuse_late()
        left[0] -= 1
        if left[0] < 0:
            raise ValueError(f"loops turn more than {TURNS_LIMIT} times")
        yield each


def _careful(function: Callable[..., Any]) -> Callable[..., Any]:
    """Bound what a filter returns and when it begins, so that no chain goes on without end."""

    @wraps(function)
    def bounded(*args: Any, **options: Any) -> Any:
        _refuse_late()
        return _bounded(function(*args, **options))

    return bounded


def _bounded(value: Any) -> Any:
    if isinstance(value, (str, list, tuple)) and len(value) > OUTPUT_LIMIT:
        raise ValueError(f"a value grows beyond {OUTPUT_LIMIT} characters")
    if isinstance(value, int) and value.bit_length() > NUMBER_LIMIT_BITS:
        raise ValueError("a number grows too large")
    return value


def _joined(value: Iterable[Any], separator: object = "") -> str:
    between = str(separator)
    found: list[str] = []
    size = 0
    for each in value:
        found.append(str(each))
        size += len(found[-1]) + len(between)
        if size > OUTPUT_LIMIT + len(between):
            raise ValueError(f"a value grows beyond {OUTPUT_LIMIT} characters")
    return between.join(found)


def _replaced(value: object, old: str, new: str) -> str:
    text = str(value)
    if text.count(old) * len(new) > OUTPUT_LIMIT:
        raise ValueError("replace makes the text too large")
    return text.replace(old, new)


def _indented(value: object, width: int = 4) -> str:
    if not 0 <= width <= 40:
        raise ValueError("indent takes a width from 0 to 40")
    return str(value).replace("\n", "\n" + " " * width)


def _digest(name: str) -> Callable[[object], str]:
    return lambda value: hashlib.new(name, str(value).encode(), usedforsecurity=False).hexdigest()


_TURNS_FILTER = "counted turns"
_FAILURES = (TemplateError, TypeError, ValueError, ArithmeticError, RecursionError)
FILTERS: dict[str, Callable[..., Any]] = {
    "b64encode": lambda value: base64.b64encode(str(value).encode()).decode(),
    "first": lambda value: value[0],
    "indent": _indented,
    "int": lambda value: int(value),
    "join": _joined,
    "last": lambda value: value[-1],
    "length": lambda value: len(value),
    "lower": lambda value: str(value).lower(),
    "md5": _digest("md5"),
    "quote": lambda value: shlex.quote(str(value)),
    "replace": _replaced,
    "sha1": _digest("sha1"),
    "sha256": _digest("sha256"),
    "sort": lambda value: sorted(value),
    "title": lambda value: str(value).title(),
    "tojson": lambda value: json.dumps(value),
    "trim": lambda value: str(value).strip(),
    "upper": lambda value: str(value).upper(),
    "urlencode": lambda value: quote(str(value), safe=""),
}
