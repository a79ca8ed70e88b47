"""Reads a scenario's folder into a specification, or says file, line and what is wrong."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from range.catalog.bound_images import bound_digest, pinned
from range.catalog.explanations import explain, place_of, written
from range.catalog.folder import digest_of, list_files
from range.catalog.problems import Problem, ScenarioInvalid, Severity
from range.catalog.schema import ScenarioSpec
from range.catalog.schema_solutions import PutStep, RunStep
from range.catalog.source import packed_assets, read_files
from range.catalog.yaml_tree import Place, Tree, read_tree
from range.checks.combine import leaves
from range.checks.detection import DetectionCheck

SCENARIO_FILE = "scenario.yaml"
BRIEF_FILE = "brief.md"
PROBLEM_LIMIT = 50


@dataclass(frozen=True, kw_only=True)
class LoadedScenario:
    """A scenario as it lies in its folder.

    Args:
        digest: Over every file of the folder, and every image of the range that it names.
        files: Paths of every file inside the folder.
        assets: Brief, seeds, knowledge and solutions, as a version stores them.
        tree: The YAML with its line numbers.
    """

    spec: ScenarioSpec
    folder: Path
    digest: str
    files: tuple[str, ...]
    assets: dict[str, Any] = field(repr=False)
    tree: Tree = field(repr=False)

    @property
    def brief(self) -> str:
        """Return the brief as written, in Markdown."""
        return str(self.assets.get(BRIEF_FILE, {}).get("text", ""))

    def problem(
        self, severity: Severity, place: Place, expected: str, found: str, suggestion: str = ""
    ) -> Problem:
        """Return a finding about a place in the scenario file."""
        return Problem(
            severity=severity,
            file=SCENARIO_FILE,
            line=self.tree.line_of(place),
            where=written(place),
            expected=expected,
            found=found,
            suggestion=suggestion,
        )


def read_scenario(folder: Path) -> LoadedScenario:
    """Read and validate a scenario's folder.

    Raises:
        ScenarioInvalid: It cannot be read, or the schema objects; every problem is listed.
    """
    path = folder / SCENARIO_FILE
    if not path.is_file() or path.is_symlink():
        raise ScenarioInvalid([_missing(folder)])
    files = list_files(folder)
    tree = read_tree(path.read_bytes(), file=SCENARIO_FILE)
    spec = pinned(parse(tree))
    return LoadedScenario(
        spec=spec,
        folder=folder,
        digest=bound_digest(digest_of(folder, files), spec),
        files=tuple(files),
        assets=packed_assets(read_files(folder, _published(spec, folder, files))),
        tree=tree,
    )


def parse(tree: Tree, *, file: str = SCENARIO_FILE) -> ScenarioSpec:
    """Validate a YAML document against the schema.

    Raises:
        ScenarioInvalid: The schema objects; every problem is listed.
    """
    try:
        return ScenarioSpec.model_validate(tree.value)
    except ValidationError as error:
        details = _telling(error.errors(include_url=False))
        problems = [_problem(each, tree, file) for each in details[:PROBLEM_LIMIT]]
        raise ScenarioInvalid(sorted(problems, key=lambda each: each.line)) from error


def _telling(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out that a list is too short where its items were wrong and so did not count."""
    return [
        error
        for error in errors
        if error["type"] != "too_short"
        or not any(
            other is not error and other["loc"][: len(error["loc"])] == error["loc"]
            for other in errors
        )
    ]


def _problem(error: ErrorDetails, tree: Tree, file: str) -> Problem:
    place = place_of(error, tree.value)
    expected, found, suggestion = explain(error, tree.value)
    return Problem(
        severity=Severity.ERROR,
        file=file,
        line=tree.line_of(place),
        where=written(place),
        expected=expected,
        found=found,
        suggestion=suggestion,
    )


def _published(spec: ScenarioSpec, folder: Path, files: list[str]) -> set[str]:
    """Return the files a version stores; what is named but missing is left to lint."""
    wanted = {BRIEF_FILE}
    for machine in spec.machines.values():
        wanted |= {seed.source for seed in machine.seed if seed.source}
    for pattern in spec.tutor.knowledge:
        wanted |= {path.relative_to(folder).as_posix() for path in folder.glob(pattern)}
    return (wanted | solution_files(spec) | corpus_files(spec)) & set(files)


def corpus_files(spec: ScenarioSpec) -> set[str]:
    """Return the labelled records that rules are tried on, which never enter a sandbox."""
    checks = [check for each in spec.objectives for check in leaves(each.checks)]
    detections = [check for check in checks if isinstance(check, DetectionCheck)]
    return {corpus.path for check in detections for corpus in check.corpora().values()}


def solution_files(spec: ScenarioSpec) -> set[str]:
    """Return the files that reference and wrong solutions name."""
    steps = [step for part in spec.reference.values() for step in part]
    steps += [step for wrong in spec.wrong.values() for step in wrong.steps]
    found = {step.script for step in steps if isinstance(step, RunStep) and step.script}
    return found | {step.put for step in steps if isinstance(step, PutStep)}


def _missing(folder: Path) -> Problem:
    return Problem(
        severity=Severity.ERROR,
        file=SCENARIO_FILE,
        line=0,
        where="",
        expected=f"the file {SCENARIO_FILE} in {folder.name}",
        found="none",
        suggestion="A scenario is a folder with scenario.yaml and brief.md.",
    )
