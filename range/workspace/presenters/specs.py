"""Reads what pages may show out of a scenario as its author wrote it."""

import re
from dataclasses import dataclass

from django.utils.safestring import SafeString, mark_safe

from range.catalog.models import ScenarioVersion
from range.catalog.schema import ScenarioSpec
from range.catalog.services import spec_of
from range.workspace.presenters.topology import MachineSketch, Picture, draw

_VARIABLE = re.compile(r"\{\{\s*([a-z0-9_]+)[^}]*\}\}")


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One objective as the scenario's page lists it.

    Args:
        share: Part of the whole weight, in [0, 1].
    """

    key: str
    title: str
    share: float


def preview(text: str) -> str:
    """Return a text with names in place of what is drawn for each attempt."""
    return _VARIABLE.sub(lambda found: f"[{found[1].replace('_', ' ')}]", text)


def safe(html: str) -> SafeString:
    """Mark HTML that the catalogue has already cleaned, so that a template shows it as it is."""
    return mark_safe(html)  # noqa: S308 - cleaned by range.catalog.briefs


def goals(spec: ScenarioSpec) -> list[Goal]:
    """Return the objectives of a scenario in order."""
    whole = sum(each.weight for each in spec.objectives)
    return [
        Goal(key=each.key, title=preview(each.title), share=each.weight / whole)
        for each in spec.objectives
    ]


def visible_machines(spec: ScenarioSpec) -> list[MachineSketch]:
    """Return the machines a trainee may know of."""
    shown = set(visible_networks(spec))
    return [
        MachineSketch(
            name=name,
            networks=tuple(network for network in machine.networks if network in shown),
            has_console=machine.console is not None,
        )
        for name, machine in spec.machines.items()
        if not machine.hidden
    ]


def visible_networks(spec: ScenarioSpec) -> list[str]:
    """Return the networks a trainee may know of."""
    return [name for name, network in spec.networks.items() if not network.hidden]


def picture(spec: ScenarioSpec) -> Picture:
    """Return the picture of what a trainee gets."""
    return draw(visible_machines(spec), visible_networks(spec))


def consoles(version: ScenarioVersion) -> list[str]:
    """Return the machines that a trainee can open a console on."""
    return [each.name for each in visible_machines(spec_of(version)) if each.has_console]
