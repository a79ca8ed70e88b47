"""Looks at everything the range needs and tells what is missing or unsafe."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from range.operations.finding import Finding, Level
from range.operations.probes import configuration, data, engine, machine


def examine(state_dir: Path) -> list[Finding]:
    """Return everything that was found, in the order in which parts depend on each other."""
    return [
        *machine.look(state_dir),
        *engine.look(),
        *data.look(),
        *configuration.look(),
    ]


def exit_code(findings: Iterable[Finding]) -> int:
    """Return 1 where something is missing or unsafe."""
    return int(any(finding.level is Level.PROBLEM for finding in findings))


def table(findings: list[Finding]) -> str:
    """Return the findings for a person, worst last, so that it stays in view."""
    width = max(len(finding.name) for finding in findings)
    order = [Level.OK, Level.WARNING, Level.PROBLEM]
    lines = []
    for finding in sorted(findings, key=lambda each: order.index(each.level)):
        lines.append(f"{finding.level:<8} {finding.name:<{width}}  {finding.says}")
        if finding.advice:
            lines.append(f"{'':<8} {'':<{width}}  -> {finding.advice}")
    return "\n".join(lines)


def as_json(findings: list[Finding]) -> dict[str, Any]:
    """Return the findings for a program."""
    return {
        "healthy": exit_code(findings) == 0,
        "findings": [asdict(finding) for finding in findings],
    }
