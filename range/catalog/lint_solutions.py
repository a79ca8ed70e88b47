"""Lint: every objective has a reference, every scenario a wrong solution that must fail."""

from collections.abc import Iterator

from range.catalog.lint_names import nearest
from range.catalog.problems import Problem, Severity
from range.catalog.reader import LoadedScenario
from range.catalog.schema_solutions import RunStep, Step, SubmitStep, WaitStep
from range.catalog.yaml_tree import Place
from range.checks.combine import leaves
from range.checks.flag import FlagCheck

WRONG_WANTED = 2


def solution_problems(loaded: LoadedScenario) -> Iterator[Problem]:
    """Yield what is missing or unresolved in solutions and verification."""
    yield from _reference(loaded)
    yield from _wrong(loaded)
    yield from _verify(loaded)
    yield from _steps(loaded)
    yield from _grading(loaded)


def _reference(loaded: LoadedScenario) -> Iterator[Problem]:
    keys = [objective.key for objective in loaded.spec.objectives]
    for position, key in enumerate(keys):
        if not loaded.spec.reference.get(key):
            yield loaded.problem(
                Severity.ERROR,
                ("objectives", position),
                f"a reference solution under reference.{key}",
                "none",
                "A scenario without one cannot be shown to be solvable.",
            )
        if keys.index(key) != position:
            place = ("objectives", position, "key")
            yield loaded.problem(Severity.ERROR, place, "a key of its own", repr(key))
    for key in loaded.spec.reference:
        if key not in keys:
            yield _unknown(loaded, ("reference", key), key)


def _wrong(loaded: LoadedScenario) -> Iterator[Problem]:
    spec = loaded.spec
    only_flags = all(
        isinstance(check, FlagCheck) for each in spec.objectives for check in leaves(each.checks)
    )
    if not spec.wrong and not only_flags:
        yield loaded.problem(
            Severity.ERROR,
            (),
            "a wrong solution under wrong",
            "none",
            "Only a plausible solution that fails shows that the checks tell the difference.",
        )
    elif len(spec.wrong) < WRONG_WANTED and not only_flags:
        expected = f"at least {WRONG_WANTED} wrong solutions"
        yield loaded.problem(Severity.WARNING, ("wrong",), expected, str(len(spec.wrong)))
    for name, wrong in spec.wrong.items():
        for key in (*wrong.unmet, *wrong.after):
            if key not in {objective.key for objective in spec.objectives}:
                yield _unknown(loaded, ("wrong", name), key)


def _verify(loaded: LoadedScenario) -> Iterator[Problem]:
    spec = loaded.spec
    keys = {objective.key for objective in spec.objectives}
    for position, run in enumerate(spec.verify):
        place: Place = ("verify", position)
        kind, _, name = (run.run or "").partition(".")
        if (kind == "wrong" and name not in spec.wrong) or (
            kind == "reference" and name and name not in spec.reference
        ):
            yield loaded.problem(Severity.ERROR, (*place, "run"), "a solution", repr(run.run))
        for key in set(run.expect) - keys - {"objectives", "rejected"}:
            yield _unknown(loaded, (*place, "expect", key), key)


def _steps(loaded: LoadedScenario) -> Iterator[Problem]:
    spec = loaded.spec
    for key, steps in spec.reference.items():
        yield from _each_step(loaded, ("reference", key), steps)
    for key, wrong in spec.wrong.items():
        yield from _each_step(loaded, ("wrong", key, "steps"), wrong.steps)


def _each_step(loaded: LoadedScenario, place: Place, steps: tuple[Step, ...]) -> Iterator[Problem]:
    for position, step in enumerate(steps):
        here: Place = (*place, position)
        if not isinstance(step, (SubmitStep, WaitStep)):
            machine = loaded.spec.machines.get(step.on)
            if machine is None and "{{" not in step.on:
                yield _no_machine(loaded, (*here, "on"), step.on)
            elif isinstance(step, RunStep) and step.account is None and not _console(machine):
                yield loaded.problem(
                    Severity.ERROR, here, "an account under as", "a machine without a console"
                )
        handed = step.submit if isinstance(step, (RunStep, SubmitStep)) else None
        known_keys = {objective.key for objective in loaded.spec.objectives}
        if handed is not None and handed.objective not in known_keys:
            yield _unknown(loaded, (*here, "submit"), handed.objective)
        source = (handed and handed.source) or ""
        holder = source.partition(":")[0]
        if source and "{{" not in holder and holder not in loaded.spec.machines:
            yield _no_machine(loaded, (*here, "submit", "from"), holder)


def _console(machine: object) -> bool:
    return machine is None or getattr(machine, "console", None) is not None


def _grading(loaded: LoadedScenario) -> Iterator[Problem]:
    keys = {objective.key for objective in loaded.spec.objectives}
    for key in loaded.spec.grading.passing.required:
        if key not in keys:
            yield _unknown(loaded, ("grading", "pass", "required"), key)


def _unknown(loaded: LoadedScenario, place: Place, key: str) -> Problem:
    known = ", ".join(objective.key for objective in loaded.spec.objectives)
    return loaded.problem(Severity.ERROR, place, f"one of the objectives {known}", repr(key))


def _no_machine(loaded: LoadedScenario, place: Place, name: str) -> Problem:
    known = list(loaded.spec.machines)
    expected = f"one of the machines {', '.join(known)}"
    return loaded.problem(Severity.ERROR, place, expected, repr(name), nearest(name, known))
