"""Reads a trainee's YAML into plain values: one document, no links, bounded in size and depth."""

import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, ScalarEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

SIZE_LIMIT_BYTES = 64 * 1024
DEPTH_LIMIT = 12
PART_LIMIT = 4000
# The scanner is slow with thousands of parts, and slower with open brackets: count first.
_SEPARATOR = re.compile(r"[,\n]|: |- ")
_NESTED = re.compile(r"(?:[\[{]\s*){16}")


def read_yaml(data: bytes) -> Any:
    """Return the values of a YAML document.

    Raises:
        ValueError: It is too large or deep, no YAML, or uses anchors, aliases or tags.
    """
    if len(data) > SIZE_LIMIT_BYTES:
        raise ValueError(f"more than {SIZE_LIMIT_BYTES} bytes")
    text = data.decode("utf-8")
    if len(_SEPARATOR.findall(text)) > PART_LIMIT or _NESTED.search(text):
        raise ValueError(f"more than {PART_LIMIT} parts, or brackets in brackets")
    try:
        _refuse_strange(text)
        node = YAML(typ="safe", pure=True).compose(text)
    except YAMLError as error:
        raise ValueError(f"no YAML: {' '.join(str(error).split())[:200]}") from error
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    return None if node is None else _value(node)


def _refuse_strange(text: str) -> None:
    depth = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > DEPTH_LIMIT:
            raise ValueError(f"nested more than {DEPTH_LIMIT} deep")
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise ValueError("anchors and aliases are not read")
        if isinstance(event, (ScalarEvent, CollectionStartEvent)) and event.tag is not None:
            raise ValueError("tags are not read")


def _value(node: Node) -> Any:
    if isinstance(node, MappingNode):
        return dict(_pair(key, value) for key, value in node.value)
    if isinstance(node, SequenceNode):
        return [_value(each) for each in node.value]
    text, kind = str(node.value), str(node.tag).rpartition(":")[2]
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    try:
        return {"int": int, "float": float}.get(kind, str)(text)
    except ValueError:
        return text


def _pair(key: Node, value: Node) -> tuple[str, Any]:
    if not isinstance(key, ScalarNode):
        raise ValueError("keys must be words")
    return str(key.value), _value(value)
