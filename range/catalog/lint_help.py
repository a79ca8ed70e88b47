"""Lint: objectives help on four rungs, speak of skills, and name framework ids properly."""

import re
from collections.abc import Iterator

from range.catalog.problems import Problem, Severity
from range.catalog.reader import LoadedScenario
from range.catalog.rendering import applies, variants
from range.catalog.schema_objectives import ObjectiveSpec
from range.checks.combine import leaves

RUNGS = frozenset({1, 2, 3, 4})
# Shapes of ids inside their framework; the framework itself is named by the key above them.
FRAMEWORK_IDS = {
    "nice": re.compile(r"^([TKS]\d{4}|[A-Z]{2}-WRL-\d{3}|NF-COM-\d{3})$"),
    "dcwf": re.compile(r"^(\d{3,4}|[TKSA]\d{4})$"),
    "attack": re.compile(r"^(T\d{4}(\.\d{3})?|TA\d{4})$"),
    "d3fend": re.compile(r"^D3-[A-Z]+$"),
}


def help_problems(loaded: LoadedScenario) -> Iterator[Problem]:
    """Yield what is missing in hints, skills and framework ids."""
    for position, objective in enumerate(loaded.spec.objectives):
        yield from _ladder(loaded, position, objective)
        own = any(check.skills for check in leaves(objective.checks))
        if not objective.skills and not own:
            yield loaded.problem(
                Severity.WARNING,
                ("objectives", position),
                "a skill it tells about",
                "none",
                "Without one its outcome moves no estimate.",
            )
        for technique in objective.techniques:
            yield from _namespaced(loaded, ("objectives", position, "techniques"), technique)
    for name, framework in loaded.spec.frameworks.items():
        pattern = FRAMEWORK_IDS.get(name)
        ids = (
            *framework.work_roles,
            *framework.competency_areas,
            *framework.statements,
            *framework.techniques,
        )
        for each in ids:
            if pattern is not None and not pattern.match(each):
                expected = f"ids of the framework {name}"
                yield loaded.problem(Severity.ERROR, ("frameworks", name), expected, repr(each))


def _ladder(loaded: LoadedScenario, position: int, objective: ObjectiveSpec) -> Iterator[Problem]:
    for variant in variants(loaded.spec):
        there = {hint.rung for hint in objective.hints if applies(hint.when, variant)}
        missing = sorted(set(RUNGS) - there)
        if missing:
            which = ", ".join(f"{name} is {value}" for name, value in variant.items())
            yield loaded.problem(
                Severity.WARNING,
                ("objectives", position, "hints"),
                "hints on rungs 1 to 4",
                f"none on {', '.join(map(str, missing))}" + (f" when {which}" if which else ""),
            )
            return


def _namespaced(
    loaded: LoadedScenario, place: tuple[str | int, ...], technique: str
) -> Iterator[Problem]:
    framework, _, identifier = technique.partition(":")
    if framework not in loaded.spec.frameworks:
        yield loaded.problem(
            Severity.ERROR,
            place,
            f"the version of {framework} under frameworks",
            "none",
            "Ids change between releases, so the release must be named.",
        )
    pattern = FRAMEWORK_IDS.get(framework)
    if pattern is not None and not pattern.match(identifier):
        yield loaded.problem(Severity.ERROR, place, f"an id of {framework}", repr(identifier))
