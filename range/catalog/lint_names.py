"""Lint: every machine and network that a check names exists, whatever an attempt draws."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from range.catalog.problems import Problem, Severity
from range.catalog.reader import LoadedScenario
from range.catalog.rendering import applies
from range.catalog.schema import ScenarioSpec
from range.catalog.schema_shorthand import written_out
from range.catalog.variables import Values
from range.catalog.yaml_tree import Place
from range.checks.http import HttpCheck
from range.checks.kinds import Check
from range.checks.network_path import NetworkPathCheck
from range.checks.temporal import TemporalCheck

type Named = tuple[Place, str]


def unknown_names(
    loaded: LoadedScenario, spec: ScenarioSpec, position: int, check: Check, drawn: Values
) -> Iterator[Problem]:
    """Yield what a check of an attempt looks at and the scenario does not have.

    Args:
        spec: The attempt's scenario, as `rendering.rendered` returns it.
        position: Of the objective.
        drawn: Choices that decided which checks the attempt has.
    """
    place = _written_at(loaded, ("objectives", position, "checks"), check, drawn)
    machines = sorted(spec.machines)
    reachable = [*machines, *(alias for each in spec.machines.values() for alias in each.aliases)]
    for kind, known, named in (
        ("machines", machines, _machines(check)),
        ("machines", reachable, _hosts(check)),
        ("networks", sorted(spec.networks), _networks(check)),
    ):
        for field, name in named:
            if name not in known:
                yield loaded.problem(
                    Severity.ERROR,
                    (*place, *field),
                    f"one of the {kind} {', '.join(known)}",
                    f"{name!r} in {check.id}",
                    nearest(name, known),
                )


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a question for the name that may have been meant, or an empty text."""
    near = get_close_matches(name, list(known), n=1)
    return f"Did you mean {near[0]}?" if near else ""


def _machines(check: Check) -> Iterator[Named]:
    """Yield the machines that are looked into."""
    machine = getattr(check, "machine", None)
    if machine is not None:
        yield ("machine",), machine
    if check.kind == "rubric":
        yield ("artefact",), check.place()[0]
    if check.kind == "detection":
        yield ("rule",), check.rule.partition(":")[0]
    if isinstance(check, TemporalCheck):
        yield from (((), each.machine) for each in check.matches() if each.machine is not None)


def _hosts(check: Check) -> Iterator[Named]:
    """Yield the machines that are spoken to over a network, where an alias will do."""
    for field in ("to", "server"):
        endpoint = getattr(check, field, None)
        if isinstance(endpoint, str):
            yield (field,), endpoint.rpartition(":")[0]
    if isinstance(check, NetworkPathCheck):
        for row, route in enumerate(check.matrix):
            yield ("matrix", row, "to"), route.to.rpartition(":")[0]
    if isinstance(check, HttpCheck):
        yield from _asked(check)


def _asked(check: HttpCheck) -> Iterator[Named]:
    lists: list[tuple[Place, Any]] = [
        ((name,), getattr(check, name)) for name in ("requests", "before_each", "after_each")
    ]
    lists += [(("cases", row, "requests"), each.requests) for row, each in enumerate(check.cases)]
    for place, requests in lists:
        for row, request in enumerate(requests):
            host = urlsplit(request.url).netloc.rpartition("@")[2].partition(":")[0]
            # What an earlier answer brings in, and an address, name no machine.
            if "${" not in host and not host.replace(".", "").isdigit():
                yield (*place, row, "url"), host


def _networks(check: Check) -> Iterator[Named]:
    network = getattr(check, "from_network", None)
    if network is not None:
        yield ("from",), network
    if isinstance(check, NetworkPathCheck):
        for row, route in enumerate(check.matrix):
            yield ("matrix", row, "from"), route.from_network


def _written_at(loaded: LoadedScenario, place: Place, check: Check, drawn: Values) -> Place:
    """Return where a check of an attempt stands in the scenario's file."""
    written: Any = written_out(loaded.tree.value)
    for step in place:
        written = written[step]
    return next(_places(written, place, check, drawn), place)


def _places(part: Any, place: Place, check: Check, drawn: Values) -> Iterator[Place]:
    if isinstance(part, list):
        for row, each in enumerate(part):
            yield from _places(each, (*place, row), check, drawn)
    elif isinstance(part, dict) and _belongs(part.get("when"), drawn):
        if "kind" in part and part.get("id") == check.id:
            yield place
        for key, each in part.items():
            yield from _places(each, (*place, key), check, drawn)


def _belongs(when: Any, drawn: Values) -> bool:
    if not isinstance(when, dict):
        return True
    listed = {name: each if isinstance(each, list) else [each] for name, each in when.items()}
    return applies(listed, drawn)
