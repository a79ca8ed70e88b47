"""Lint: whatever is drawn, the scenario of an attempt is complete and refers to what exists."""

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

from range.catalog.lint_names import unknown_names
from range.catalog.problems import Problem, Severity
from range.catalog.reader import LoadedScenario
from range.catalog.rendering import rendered, variants
from range.catalog.schema import ScenarioSpec
from range.catalog.schema_objectives import ObjectiveSpec
from range.catalog.templating import TemplateInvalid
from range.catalog.variables import draw
from range.catalog.yaml_tree import Place
from range.checks.combine import leaves
from range.checks.spec import Scalar

_SAMPLE_ATTEMPT = UUID("00000000-0000-4000-8000-000000000000")
_SAMPLE_SECRET = b"lint"


def variant_problems(loaded: LoadedScenario) -> Iterator[Problem]:
    """Yield what is wrong in any of the scenarios that attempts may get."""
    yield from _conditions(loaded)
    sample = draw(loaded.spec, _SAMPLE_SECRET, _SAMPLE_ATTEMPT, epoch=1)
    for variant in variants(loaded.spec):
        try:
            spec = rendered(loaded.spec, sample | variant)
        except TemplateInvalid as error:
            yield loaded.problem(
                Severity.ERROR, (), f"a scenario that holds{_when(variant)}", error.message
            )
            continue
        for position, objective in enumerate(spec.objectives):
            yield from _objective(loaded, spec, position, objective, variant)


def _objective(
    loaded: LoadedScenario,
    spec: ScenarioSpec,
    position: int,
    objective: ObjectiveSpec,
    variant: dict[str, Scalar],
) -> Iterator[Problem]:
    place: Place = ("objectives", position, "checks")
    when = _when(variant)
    checks = list(leaves(objective.checks))
    if not any(check.role == "required" for check in checks):
        yield loaded.problem(Severity.ERROR, place, f"a required check{when}", "none")
    for name, count in Counter(check.id for check in checks).items():
        if count > 1:
            yield loaded.problem(Severity.ERROR, place, f"check ids of their own{when}", name)
    if sum(check.kind == "flag" for check in checks) > 1:
        yield loaded.problem(Severity.ERROR, place, f"at most one flag check{when}", "several")
    for check in checks:
        yield from unknown_names(loaded, spec, position, check, variant)
    if not spec.reference.get(objective.key):
        yield loaded.problem(Severity.ERROR, place, f"a reference solution{when}", "none")


def _conditions(loaded: LoadedScenario) -> Iterator[Problem]:
    for place, name, option in _whens(loaded.tree.value, ()):
        variable = loaded.spec.variables.get(name)
        options = getattr(variable, "options", None)
        if options is None:
            expected = "a variable of type choice"
            yield loaded.problem(Severity.ERROR, place, expected, repr(name))
        elif option not in options:
            expected = f"one of {', '.join(map(str, options))}"
            yield loaded.problem(Severity.ERROR, place, expected, repr(option))


def _whens(part: object, place: Place) -> Iterator[tuple[Place, str, Scalar]]:
    if isinstance(part, dict):
        when = part.get("when")
        if isinstance(when, dict):
            for name, written in when.items():
                for option in written if isinstance(written, list) else [written]:
                    yield (*place, "when", name), name, option
        for key, each in part.items():
            yield from _whens(each, (*place, key))
    elif isinstance(part, list):
        for position, each in enumerate(part):
            yield from _whens(each, (*place, position))


def _when(variant: dict[str, Scalar]) -> str:
    if not variant:
        return ""
    return " when " + ", ".join(f"{name} is {value}" for name, value in variant.items())
