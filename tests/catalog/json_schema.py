"""Just enough of JSON Schema 2020-12 to see what an editor sees; a keyword it lacks is an error."""

import re
from itertools import chain

ABOUT = {"$schema", "$defs", "title", "description", "default", "discriminator", "examples"}
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}


def objections(value, schema, root=None, where=""):
    """Return what a validator objects to, a line each."""
    root = root or schema
    found = []
    for keyword, wanted in schema.items():
        if keyword not in ABOUT:
            found += RULES[keyword](value, wanted, schema, root, where)
    return found


def no(condition, where, text):
    return [f"{where or '.'}: {text}"] if condition else []


def is_type(value, name):
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, TYPES[name])


def reference(value, wanted, schema, root, where):
    part = root
    for name in wanted.removeprefix("#/").split("/"):
        part = part[name]
    return objections(value, part, root, where)


def any_of(value, wanted, schema, root, where):
    tried = [objections(value, each, root, where) for each in wanted]
    return [] if [] in tried else [f"{where}: none of {len(wanted)}", *chain(*tried)]


def one_of(value, wanted, schema, root, where):
    tried = [objections(value, each, root, where) for each in wanted]
    if tried.count([]) > 1:
        return [f"{where}: several of {len(wanted)}"]
    return [] if [] in tried else [f"{where}: none of {len(wanted)}", *chain(*tried)]


def properties(value, wanted, schema, root, where):
    if not isinstance(value, dict):
        return []
    return [
        each
        for key, part in wanted.items()
        if key in value
        for each in objections(value[key], part, root, f"{where}.{key}")
    ]


def pattern_properties(value, wanted, schema, root, where):
    if not isinstance(value, dict):
        return []
    return [
        each
        for pattern, part in wanted.items()
        for key in value
        if re.search(pattern, key)
        for each in objections(value[key], part, root, f"{where}.{key}")
    ]


def additional(value, wanted, schema, root, where):
    if not isinstance(value, dict):
        return []
    others = [
        key
        for key in value
        if key not in schema.get("properties", {})
        and not any(re.search(pattern, key) for pattern in schema.get("patternProperties", {}))
    ]
    if wanted is False:
        return [f"{where}: unknown key {key}" for key in others]
    if wanted is True:
        return []
    return [
        each for key in others for each in objections(value[key], wanted, root, f"{where}.{key}")
    ]


def items(value, wanted, schema, root, where):
    if not isinstance(value, list):
        return []
    return [
        found
        for place, each in enumerate(value)
        for found in objections(each, wanted, root, f"{where}[{place}]")
    ]


def names(value, wanted, schema, root, where):
    keys = value if isinstance(value, dict) else ()
    return [found for key in keys for found in objections(key, wanted, root, f"{where} key")]


def sized(kind, fails):
    def rule(value, wanted, schema, root, where):
        fitting = isinstance(value, kind) and not isinstance(value, bool)
        return no(fitting and fails(value, wanted), where, f"{value!r} against {wanted!r}")

    return rule


def equal(value, wanted):
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


RULES = {
    "$ref": reference,
    "anyOf": any_of,
    "oneOf": one_of,
    "properties": properties,
    "patternProperties": pattern_properties,
    "additionalProperties": additional,
    "propertyNames": names,
    "items": items,
    "type": lambda value, wanted, schema, root, where: no(
        not is_type(value, wanted), where, f"{value!r} is no {wanted}"
    ),
    "const": lambda value, wanted, schema, root, where: no(
        not equal(value, wanted), where, f"{value!r} is not {wanted!r}"
    ),
    "enum": lambda value, wanted, schema, root, where: no(
        not any(equal(value, each) for each in wanted), where, f"{value!r} is none of {wanted}"
    ),
    "required": sized(dict, lambda value, wanted: set(wanted) - set(value)),
    "minProperties": sized(dict, lambda value, wanted: len(value) < wanted),
    "maxProperties": sized(dict, lambda value, wanted: len(value) > wanted),
    "minItems": sized(list, lambda value, wanted: len(value) < wanted),
    "maxItems": sized(list, lambda value, wanted: len(value) > wanted),
    "minLength": sized(str, lambda value, wanted: len(value) < wanted),
    "maxLength": sized(str, lambda value, wanted: len(value) > wanted),
    "pattern": sized(str, lambda value, wanted: not re.search(wanted, value)),
    "minimum": sized((int, float), lambda value, wanted: value < wanted),
    "maximum": sized((int, float), lambda value, wanted: value > wanted),
    "exclusiveMinimum": sized((int, float), lambda value, wanted: value <= wanted),
    "exclusiveMaximum": sized((int, float), lambda value, wanted: value >= wanted),
}
