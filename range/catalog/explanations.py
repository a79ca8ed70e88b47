"""Says in an author's words what the schema objects to, with the nearest right spelling."""

import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeAliasType, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from range.catalog.schema import RESERVED, ScenarioSpec
from range.catalog.yaml_tree import Place
from range.checks.kinds import KINDS
from range.checks.kinds import RESERVED as RESERVED_KINDS

_EXPECTED = {
    "missing": "this key",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text; put it in quotes",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "keys with values",
    "model_type": "keys with values",
    "model_attributes_type": "keys with values",
}
_NOTHING = object()


def place_of(error: ErrorDetails, document: Any) -> Place:
    """Return where in the document an error lies: its location without names of alternatives."""
    place: list[str | int] = []
    value = document
    for step in error["loc"]:
        inner = _inner(value, step)
        if inner is not _NOTHING:
            value = inner
            place.append(step)
    return tuple(place)


def _inner(value: Any, step: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(step, _NOTHING)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return _NOTHING


def written(place: Place) -> str:
    """Return a place as authors read it, such as `objectives[0].weight`."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def explain(error: ErrorDetails, document: Any) -> tuple[str, str, str]:
    """Return what was expected, what was found, and a suggestion if there is one."""
    kind, value = error["type"], error.get("input")
    if kind == "missing":
        return f"the key {error['loc'][-1]}", "nothing", ""
    if kind == "extra_forbidden":
        return _unknown_key(error)
    if kind in ("check_kind", "union_tag_invalid", "union_tag_not_found"):
        return _unknown_kind(error, value)
    if kind == "literal_error":
        options = _literals(error)
        return f"one of {', '.join(options)}", shown(value), _nearest(value, options)
    if kind == "reserved":
        return "only supported parts", str(error["ctx"]["key"]), f"{error['msg']}."
    if kind == "string_pattern_mismatch":
        return f"text like {error['ctx']['pattern']}", shown(value), ""
    message = error["msg"].removeprefix("Value error, ")
    if kind in ("value_error", "check_shape", "step_shape"):
        return message.removeprefix("expected "), shown(value), ""
    return _EXPECTED.get(kind, message[:1].lower() + message[1:]), shown(value), ""


def shown(value: Any) -> str:
    """Return a value as it may be quoted in a message: short, on one line."""
    if isinstance(value, Mapping):
        return f"the keys {', '.join(str(key) for key in list(value)[:8])}" if value else "no keys"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _unknown_key(error: ErrorDetails) -> tuple[str, str, str]:
    key = str(error["loc"][-1])
    known = sorted(_keys_at(error["loc"][:-1]))
    if key in RESERVED:
        return "a supported part", key, f"{key} belongs to the format but is not yet supported."
    expected = f"one of {', '.join(known)}" if known else "a known key"
    return expected, f"the key {key}", _nearest(key, known)


def _unknown_kind(error: ErrorDetails, value: Any) -> tuple[str, str, str]:
    name = "type" if "discriminator" in error.get("ctx", {}) else "kind"
    kind = value.get(name) if isinstance(value, Mapping) else None
    if error["type"] == "check_kind":
        options = sorted(KINDS)
        if kind in RESERVED_KINDS:
            return "a supported kind", shown(kind), f"{kind} is reserved and not yet supported."
    else:
        options = [t.strip(" '") for t in error["ctx"].get("expected_tags", "").split(",") if t]
    found = shown(kind) if kind is not None else f"no {name}"
    return f"{name} to be one of {', '.join(options)}", found, _nearest(kind, options)


def _literals(error: ErrorDetails) -> list[str]:
    text = str(error["ctx"]["expected"]).replace(" or ", ", ")
    return [each.strip(" '") for each in text.split(",")]


def _nearest(value: Any, options: Iterable[str]) -> str:
    near = get_close_matches(str(value), list(options), n=1, cutoff=0.6)
    return f"Did you mean {near[0]}?" if near else ""


def _keys_at(loc: Sequence[str | int]) -> set[str]:
    """Return the keys that the schema knows at a location, alternatives among its steps."""
    candidates: list[Any] = [ScenarioSpec]
    for step in loc:
        nearer = [found for each in candidates for found in _descended(each, step)]
        if nearer:
            candidates = nearer
        elif isinstance(step, str):
            candidates = [each for each in candidates if _is_tagged(each, step)] or candidates
    return {
        name
        for each in candidates
        for model in _alternatives(each)
        if _is_model(model)
        for name in _names(model)
    }


def _descended(annotation: Any, step: str | int) -> Iterator[Any]:
    for each in _alternatives(annotation):
        origin, inner = get_origin(each), get_args(each)
        if _is_model(each) and isinstance(step, str):
            for name, field in each.model_fields.items():
                if step in (name, field.alias):
                    yield from _alternatives(field.annotation)
        elif origin in (tuple, list) and isinstance(step, int) and inner:
            yield from _alternatives(inner[0])
        elif origin is dict and isinstance(step, str) and len(inner) == 2:
            yield from _alternatives(inner[1])


def _alternatives(annotation: Any) -> Iterator[Any]:
    if isinstance(annotation, TypeAliasType):
        yield from _alternatives(annotation.__value__)
    elif get_origin(annotation) is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for each in get_args(annotation):
            yield from _alternatives(each)
    elif annotation is not type(None):
        yield annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _is_tagged(annotation: Any, tag: str) -> bool:
    """Tell whether a model is the alternative called `tag`: by kind, type or a key it has."""
    if not _is_model(annotation):
        return False
    for name in ("kind", "type"):
        field = annotation.model_fields.get(name)
        if field is not None and get_origin(field.annotation) is Literal:
            return tag in get_args(field.annotation)
    return tag in _names(annotation)


def _names(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name
