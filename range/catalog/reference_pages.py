"""Writes the reference pages of the scenario format and of checks from the fields themselves."""

from collections.abc import Iterator, Mapping
from typing import Any

from range.catalog.schema import ScenarioSpec
from range.catalog.templating import FILTERS
from range.checks.kinds import KINDS, RESERVED

FORMAT_INTRO = """# Scenario format, schema 1

<!-- Written by `manage.py export_schema --pages docs/reference`; change the docstrings instead. -->

A scenario is a folder: `scenario.yaml` as described here, `brief.md` for trainees, build folders
of machines, knowledge articles, and files that solutions use. Unknown keys are errors, and so are
YAML anchors, aliases and tags.

**Text that depends on the attempt.** Strings may hold `{{ variable }}`, `{% if %}` and
`{% for %}`. Nothing can be called; the filters are FILTERS. A text that trainees read may not
name a variable that is secret or hidden.

**Parts that depend on the attempt.** Where `when` is listed, the part exists only in attempts
whose variables of type `choice` have one of the named values: `when: {way: [cron, suid]}`. Two
checks of one objective may share an id when no attempt holds both.

Kinds of checks have [a page of their own](checks.md).
"""
CHECKS_INTRO = """# Kinds of checks

<!-- Written by `manage.py export_schema --pages docs/reference`; change the docstrings instead. -->

A check answers MET, UNMET or INCONCLUSIVE. INCONCLUSIVE means that the range could not look, or
that a person has to: it never counts against the trainee. No check runs a program of the
trainee's machine, but for what `run` of an `ssh` check asks of a server, as whoever logs in might.
Every kind names the trap it must resist, and a test tries it.

Checks combine with `all_of`, `any_of` and `at_least: {n, of}`. A check with `role: supporting` is
recorded and decides nothing. With `partial: proportional` on the objective, an unmet objective
scores the share of its checks that is met.

Reserved for later, and refused until then: RESERVED.

Every kind also takes these keys:
"""
_NODES = {
    "Node": "a [check](checks.md), `all_of`, `any_of` or `at_least`",
    "Nodes": "list of [checks](checks.md), `all_of`, `any_of` or `at_least`",
}
COMMON = ("id", "role", "skills", "feedback", "when")


def format_page() -> str:
    """Return the page of the scenario format."""
    schema = ScenarioSpec.model_json_schema(by_alias=True)
    checks = {model.__name__ for model in KINDS.values()}
    parts = [FORMAT_INTRO.replace("FILTERS", ", ".join(f"`{name}`" for name in sorted(FILTERS)))]
    parts.append("\n".join(_section("The file", schema, schema["$defs"])))
    for name in _in_order(schema):
        if name not in checks:
            part = schema["$defs"][name]
            parts.append("\n".join(_section(_title(name), part, schema["$defs"], name=name)))
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def checks_page() -> str:
    """Return the page of check kinds."""
    intro = CHECKS_INTRO.replace("RESERVED", ", ".join(f"`{name}`" for name in sorted(RESERVED)))
    any_kind = next(iter(KINDS.values())).model_json_schema(by_alias=True)
    parts = [intro.rstrip(), "\n".join(_table(any_kind, {}, only=COMMON))]
    for kind, model in sorted(KINDS.items()):
        schema = model.model_json_schema(by_alias=True)
        defs = schema.get("$defs", {})
        parts.append("\n".join(_section(kind, schema, defs, without=(*COMMON, "kind"))))
        for name in _in_order(schema):
            if name != "SkillWeight":
                parts.append("\n".join(_section(_title(name), defs[name], defs, level=3)))
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _section(
    title: str,
    schema: Mapping[str, Any],
    defs: Mapping[str, Any],
    *,
    level: int = 2,
    without: tuple[str, ...] = (),
    name: str = "",
) -> Iterator[str]:
    if name:
        yield f'<a id="{name.lower()}"></a>'
        yield ""
    yield f"{'#' * level} {title}"
    yield ""
    yield str(schema.get("description", "")).strip()
    yield ""
    yield from _table(schema, defs, without=without)


def _table(
    schema: Mapping[str, Any],
    defs: Mapping[str, Any],
    *,
    without: tuple[str, ...] = (),
    only: tuple[str, ...] = (),
) -> Iterator[str]:
    required = set(schema.get("required", ()))
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    for key, value in schema.get("properties", {}).items():
        if key in without or (only and key not in only):
            continue
        default = "required" if key in required else _default(value)
        meaning = " ".join(str(value.get("description", "")).split()) or _meaning(value, defs)
        yield f"| `{key}` | {_type(value)} | {default} | {meaning} |"


def _meaning(value: Mapping[str, Any], defs: Mapping[str, Any]) -> str:
    """Return the words of the part a value refers to, where its own would repeat them."""
    if "const" in value:
        return "Names this alternative."
    part = defs.get(str(value.get("$ref", "")).rpartition("/")[2], {})
    return str(part.get("description", "")).split("\n")[0]


def _default(value: Mapping[str, Any]) -> str:
    default = value.get("default")
    if default in (None, [], {}, ""):
        return ""
    return "as described there" if isinstance(default, dict) else f"`{default}`"


def _type(value: Mapping[str, Any]) -> str:
    if "$ref" in value:
        name = str(value["$ref"]).rpartition("/")[2]
        if name in _NODES:
            return _NODES[name]
        return f"[{_title(name)}](#{name.lower()})"
    for word in ("anyOf", "oneOf"):
        if word in value:
            kinds = [_type(each) for each in value[word] if each.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return " · ".join(f"`{each}`" for each in value["enum"])
    if value.get("type") == "array":
        return f"list of {_type(value.get('items', {}))}"
    if value.get("type") == "object":
        inner = value.get("additionalProperties", value.get("patternProperties"))
        return "keys with values" + _of(inner)
    return _bounded(value)


def _of(inner: Any) -> str:
    if not isinstance(inner, Mapping):
        return ""
    if "type" not in inner and "$ref" not in inner and len(inner) == 1:
        inner = next(iter(inner.values()))
    return f": {_type(inner)}" if isinstance(inner, Mapping) and inner else ""


def _bounded(value: Mapping[str, Any]) -> str:
    names = {"string": "text", "integer": "whole number", "number": "number", "boolean": "yes/no"}
    word = names.get(str(value.get("type")), "anything")
    low = value.get("minimum", value.get("exclusiveMinimum"))
    high = value.get("maximum", value.get("exclusiveMaximum"))
    if low is not None and high is not None:
        return f"{word}, {low} to {high}"
    if low is not None:
        return f"{word}, from {low}"
    return f"{word}, up to {high}" if high is not None else word


def _in_order(schema: Mapping[str, Any]) -> list[str]:
    """Return the names of the parts in the order in which they are first referred to."""
    found: list[str] = []
    waiting: list[Any] = [schema.get("properties", {})]
    while waiting:
        for name in _references(waiting.pop(0)):
            if name not in found and "properties" in schema["$defs"][name]:
                found.append(name)
                waiting.append(schema["$defs"][name]["properties"])
            elif name not in found:
                found.append(name)
                waiting.append(schema["$defs"][name])
    return [name for name in found if "properties" in schema["$defs"][name]]


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        if "$ref" in part:
            yield str(part["$ref"]).rpartition("/")[2]
        for each in part.values():
            yield from _references(each)
    elif isinstance(part, list):
        for each in part:
            yield from _references(each)


def _title(name: str) -> str:
    """Return the words of a part's name: `MachineSpec` becomes `Machine`."""
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()
    return words.removesuffix(" spec").capitalize()
