"""Lint: texts name variables that exist, and what trainees read names no secret."""

from collections.abc import Iterator, Mapping
from typing import Any

from range.catalog.lint_names import nearest
from range.catalog.problems import Problem, Severity
from range.catalog.reader import BRIEF_FILE, LoadedScenario
from range.catalog.rendering import VERBATIM, dumped
from range.catalog.schema_solutions import PutStep, RunStep
from range.catalog.schema_variables import ChoiceVariable, FlagVariable
from range.catalog.templating import TemplateInvalid, names_in
from range.catalog.yaml_tree import Place
from range.checks.combine import leaves
from range.checks.detection import DetectionCheck

# Keys whose texts a trainee reads; rung 4 from the reference is written by the range.
_READ_BY_TRAINEES = frozenset({"title", "description", "feedback", "summary", "prompt"})
_SHORTEST_SECRET = 6


def text_problems(loaded: LoadedScenario) -> Iterator[Problem]:
    """Yield what is wrong with the variables that texts name."""
    for place, text in _texts(dumped(loaded.spec), ()):
        yield from _names(loaded, place, text, _told(place))
    yield from _asset(loaded, BRIEF_FILE, told=True)
    for machine in loaded.spec.machines.values():
        for seed in machine.seed:
            if seed.template is not None:
                yield from _asset(loaded, seed.template, told=False)
    for name in _solution_templates(loaded) | _corpus_templates(loaded):
        yield from _asset(loaded, name, told=False)
    yield from _variables(loaded)


def _names(loaded: LoadedScenario, place: Place, text: str, told: bool) -> Iterator[Problem]:
    for _, expected, found, advice in _wrong_names(loaded, text, told):
        yield loaded.problem(Severity.ERROR, place, expected, found, advice)


def _asset(loaded: LoadedScenario, name: str, *, told: bool) -> Iterator[Problem]:
    text = loaded.assets.get(name, {}).get("text")
    if text is None:
        return
    for line, expected, found, advice in _wrong_names(loaded, text, told):
        yield Problem(
            severity=Severity.ERROR,
            file=name,
            line=line,
            where="",
            expected=expected,
            found=found,
            suggestion=advice,
        )


def _wrong_names(
    loaded: LoadedScenario, text: str, told: bool
) -> Iterator[tuple[int, str, str, str]]:
    """Yield line of the text, what was expected, what was found, and what to do."""
    variables = loaded.spec.variables
    try:
        names = names_in(text)
    except TemplateInvalid as error:
        yield error.line, "a text that can be filled in", error.message, ""
        return
    for name, line in sorted(names.items()):
        if name not in variables:
            known = ", ".join(variables) or "none"
            yield line, f"one of the variables {known}", repr(name), nearest(name, variables)
        elif told and (variables[name].is_secret or variables[name].hidden):
            yield line, "no secret where trainees read", repr(name), ""


def _told(place: Place) -> bool:
    # The address of a web view is read in its bar.
    shown = place[-1] in _READ_BY_TRAINEES or place[-2:] == ("view", "path")
    return shown or ("hints" in place and place[-1] == "text")


def _texts(part: Any, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(part, str):
        yield place, part
    elif isinstance(part, Mapping):
        for key, each in part.items():
            if key not in VERBATIM:
                yield from _texts(each, (*place, key))
    elif isinstance(part, list):
        for position, each in enumerate(part):
            yield from _texts(each, (*place, position))


def _solution_templates(loaded: LoadedScenario) -> set[str]:
    steps = [step for part in loaded.spec.reference.values() for step in part]
    steps += [step for wrong in loaded.spec.wrong.values() for step in wrong.steps]
    scripts = {step.script for step in steps if isinstance(step, RunStep) and step.script}
    return scripts | {step.put for step in steps if isinstance(step, PutStep)}


def _corpus_templates(loaded: LoadedScenario) -> set[str]:
    checks = [check for each in loaded.spec.objectives for check in leaves(each.checks)]
    corpora = [c for e in checks if isinstance(e, DetectionCheck) for c in e.corpora().values()]
    return {corpus.template for corpus in corpora if corpus.template is not None}


def _variables(loaded: LoadedScenario) -> Iterator[Problem]:
    proofs = loaded.spec.flag_variables()
    for name, variable in loaded.spec.variables.items():
        if isinstance(variable, FlagVariable) and not (variable.objective or name in proofs):
            yield loaded.problem(
                Severity.ERROR, ("variables", name), "a flag check that stands for it", "none"
            )
        if not (variable.is_secret and isinstance(variable, ChoiceVariable)):
            continue
        if any(len(str(option)) < _SHORTEST_SECRET for option in variable.options):
            yield loaded.problem(
                Severity.ERROR,
                ("variables", name),
                f"secrets of at least {_SHORTEST_SECRET} characters",
                "a shorter one",
                "Every place where it occurs is masked; mark it hidden instead.",
            )
