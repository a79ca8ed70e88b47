"""Finds a place in a JSON value by a small path language: `$.users[0].name`, `$[-1]`, `$.a.*`."""

import re
from typing import Any

_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(-?\d+)\]|\[\"([^\"]{1,100})\"\]|(\.\*|\[\*\])")
MISSING = object()


def looked_up(value: Any, path: str) -> Any:
    """Return what lies at a path, a list of everything for `*`, or MISSING.

    Raises:
        ValueError: The path cannot be read.
    """
    if not path.startswith("$"):
        raise ValueError(f"a JSON path begins with $, not {path!r}")
    places, many, position = [value], False, 1
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            raise ValueError(f"cannot read {path[position:]!r} in the JSON path {path!r}")
        position = step.end()
        many = many or step.group(4) is not None
        places = [found for place in places for found in _taken(place, step)]
    if many:
        return places
    return places[0] if places else MISSING


def _taken(place: Any, step: re.Match[str]) -> list[Any]:
    name = step.group(1) or step.group(3)
    if name is not None:
        return [place[name]] if isinstance(place, dict) and name in place else []
    if step.group(2) is not None:
        return _indexed(place, int(step.group(2)))
    if isinstance(place, dict):
        return list(place.values())
    return list(place) if isinstance(place, list) else []


def _indexed(place: Any, index: int) -> list[Any]:
    if not isinstance(place, list) or not -len(place) <= index < len(place):
        return []
    return [place[index]]
