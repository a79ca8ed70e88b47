"""Reads YAML into plain values and remembers the line of every key and item.

Anchors, aliases, tags, merge keys and duplicate keys are refused: a scenario needs none, and
they are how a small file becomes a large one or something else than it looks.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionStartEvent, ScalarEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from range.catalog import yaml_errors
from range.catalog.problems import Problem, ScenarioInvalid, Severity
from range.lib.storable import REFUSED

SIZE_LIMIT_BYTES = 512 * 1024
DEPTH_LIMIT = 24
NODE_LIMIT = 10_000

# More of these than any scenario needs, prose included; counting them takes no time, while the
# parser takes a second for every ten thousand parts.
_SEPARATOR = re.compile(rb"[,\n]|: |- ")
SEPARATOR_LIMIT = 4 * NODE_LIMIT
# The scanner takes seconds for thousands of open brackets before it tells of the first.
_NESTED = re.compile(rb"(?:[\[{]\s*){64}")

Place = tuple[str | int, ...]


@dataclass
class Tree:
    """Values of a YAML file with the line each began on, counted from 1."""

    value: Any = None
    lines: dict[Place, int] = field(default_factory=dict)

    def line_of(self, place: Place) -> int:
        """Return the line of a place, or of the nearest part around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read_tree(text: bytes, *, file: str) -> Tree:
    """Read a YAML document.

    Raises:
        ScenarioInvalid: It is too large, no YAML, or uses what is refused.
    """
    if len(text) > SIZE_LIMIT_BYTES:
        raise _problem(file, 0, f"at most {SIZE_LIMIT_BYTES} bytes", f"{len(text)} bytes")
    if len(_SEPARATOR.findall(text)) > SEPARATOR_LIMIT:
        raise _problem(file, 0, f"at most {NODE_LIMIT} parts", "more")
    if _NESTED.search(text):
        raise _problem(file, 0, f"at most {DEPTH_LIMIT} levels", "brackets in brackets")
    try:
        source = text.decode("utf-8")
        _refuse_events(source, file)
        node = YAML(typ="safe", pure=True).compose(source)
    except UnicodeDecodeError as error:
        raise _problem(file, 0, "text in UTF-8", f"a stray byte at {error.start}") from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        raise _problem(file, line, *yaml_errors.told(error)) from error
    except (YAMLError, RecursionError, ValueError) as error:
        raise _problem(file, 0, "YAML", str(error).splitlines()[0]) from error
    tree = Tree()
    tree.value = None if node is None else _value(node, (), tree, file)
    return tree


def _refuse_events(source: str, file: str) -> None:
    depth = documents = 0
    for count, event in enumerate(YAML(typ="safe", pure=True).parse(source)):
        line = event.start_mark.line + 1
        depth += isinstance(event, CollectionStartEvent)
        depth -= type(event).__name__ in ("MappingEndEvent", "SequenceEndEvent")
        documents += type(event).__name__ == "DocumentStartEvent"
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise _problem(file, line, "values written out", "an anchor or alias")
        if isinstance(event, (ScalarEvent, CollectionStartEvent)) and event.tag is not None:
            raise _problem(file, line, "plain values", f"the tag {event.tag}")
        if depth > DEPTH_LIMIT or count > NODE_LIMIT:
            limit = f"at most {DEPTH_LIMIT} levels and {NODE_LIMIT} parts"
            raise _problem(file, line, limit, "more")
        if documents > 1:
            raise _problem(file, line, "one document", "a second one")


def _value(node: Node, place: Place, tree: Tree, file: str) -> Any:
    tree.lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, MappingNode):
        return dict(_pairs(node, place, tree, file))
    if isinstance(node, SequenceNode):
        return [_value(each, (*place, i), tree, file) for i, each in enumerate(node.value)]
    return _scalar(_text(node, file), str(node.tag).rpartition(":")[2])


def _pairs(node: MappingNode, place: Place, tree: Tree, file: str) -> Iterator[tuple[Any, Any]]:
    seen: set[Any] = set()
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, ScalarNode) or str(key_node.tag).endswith(":merge"):
            raise _problem(file, line, "a plain key", "a list, a mapping or <<")
        key = _text(key_node, file)
        if key in seen:
            raise _problem(file, line, "each key once", f"{key!r} a second time")
        seen.add(key)
        tree.lines[*place, key] = line
        yield key, _value(value_node, (*place, key), tree, file)


def _text(node: Node, file: str) -> str:
    text = str(node.value)
    if found := REFUSED.search(text):
        line = node.start_mark.line + 1
        expected = "text without null characters and halves of characters"
        raise _problem(file, line, expected, ascii(found[0]))
    return text


def _scalar(text: str, kind: str) -> Any:
    if kind == "bool":
        return text.lower() == "true"
    if kind == "null":
        return None
    if kind == "int":
        return _number(text, int)
    return _number(text, float) if kind == "float" else text


def _number(text: str, convert: type[int] | type[float]) -> Any:
    """Return the number, or the text as it is when it is written in an unusual way."""
    try:
        value = convert(text)
    except ValueError:
        return text
    # 0644, 1_000 and 1e3 look like numbers and rarely are meant as such here.
    plain = text.lstrip("+-")
    unusual = (plain.startswith("0") and plain[1:2].isdigit()) or "_" in text or "e" in text.lower()
    return text if unusual else value


def _problem(
    file: str, line: int, expected: str, found: str, suggestion: str = ""
) -> ScenarioInvalid:
    return ScenarioInvalid(
        [
            Problem(
                severity=Severity.ERROR,
                file=file,
                line=line,
                where="",
                expected=expected,
                found=found,
                suggestion=suggestion,
            )
        ]
    )
