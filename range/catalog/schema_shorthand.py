"""What authors may leave unsaid: ids of checks, a flag check's flag, and sizes of variables."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

PASSWORD_LENGTH = 12
HEX_DIGITS = 16
LOWEST_PORT, HIGHEST_PORT = 20000, 29999
UNSAID: Mapping[str, Mapping[str, int]] = {
    "password": {"length": PASSWORD_LENGTH},
    "hex": {"length": HEX_DIGITS},
    "port": {"minimum": LOWEST_PORT, "maximum": HIGHEST_PORT},
}
FLAG_VARIABLE = re.compile(r"^\{\{\s*([a-z][a-z0-9_]*)\s*\}\}$")


def written_out(scenario: Mapping[str, Any]) -> dict[str, Any]:
    """Return a scenario's data in which every check has an id and every flag check a flag."""
    objectives = scenario.get("objectives")
    if not isinstance(objectives, (list, tuple)):
        return dict(scenario)
    return {**scenario, "objectives": [_objective(each) for each in objectives]}


def flag_variable(objective: str) -> str:
    """Return the name of an objective's own flag variable."""
    return f"flag_{objective.replace('-', '_')}"


def flag_variable_of(value: str) -> str:
    """Return the variable that a flag check's value names; empty when it names none alone."""
    named = FLAG_VARIABLE.match(value)
    return named.group(1) if named else ""


def checks_in(node: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every check of a tree of combinators."""
    if isinstance(node, Mapping):
        if "kind" in node:
            yield node
        for each in node.values():
            yield from checks_in(each)
    elif isinstance(node, (list, tuple)):
        for each in node:
            yield from checks_in(each)


def _objective(objective: Any) -> Any:
    if not isinstance(objective, Mapping) or "checks" not in objective:
        return objective
    ids = [check.get("id") for check in checks_in(objective["checks"])]
    taken = {each for each in ids if isinstance(each, str)}
    return {**objective, "checks": _node(objective["checks"], taken, str(objective.get("key")))}


def _node(node: Any, taken: set[str], key: str) -> Any:
    if not isinstance(node, Mapping):
        return node
    if "kind" in node:
        return _check(dict(node), taken, key)
    changed = dict(node)
    for name in ("all_of", "any_of"):
        changed |= _parts(node, name, taken, key)
    enough = node.get("at_least")
    if isinstance(enough, Mapping):
        changed["at_least"] = {**enough, **_parts(enough, "of", taken, key)}
    return changed


def _parts(node: Mapping[str, Any], name: str, taken: set[str], key: str) -> dict[str, Any]:
    parts = node.get(name)
    if not isinstance(parts, (list, tuple)):
        return {}
    return {name: [_node(each, taken, key) for each in parts]}


def _check(check: dict[str, Any], taken: set[str], key: str) -> dict[str, Any]:
    if not check.get("id"):
        check["id"] = _free_id(str(check["kind"]), taken)
    if check["kind"] == "flag" and not check.get("value"):
        check["value"] = f"{{{{ {flag_variable(key)} }}}}"
    return check


def _free_id(kind: str, taken: set[str]) -> str:
    base, number = kind.replace("_", "-"), 1
    while (name := base if number == 1 else f"{base}-{number}") in taken:
        number += 1
    taken.add(name)
    return name
