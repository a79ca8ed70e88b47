"""Lint: files a scenario names exist, and none that is placed gives the solution away."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from range.catalog.problems import Problem, Severity
from range.catalog.reader import BRIEF_FILE, LoadedScenario, solution_files
from range.catalog.yaml_tree import Place

# Folders whose files must never reach a machine.
SOLUTION_FOLDERS = ("reference", "wrong")


def file_problems(loaded: LoadedScenario) -> Iterator[Problem]:
    """Yield what is wrong with the files a scenario names."""
    files = set(loaded.files)
    if BRIEF_FILE not in files:
        yield loaded.problem(
            Severity.ERROR, (), f"the file {BRIEF_FILE}", "none", "Trainees read it first."
        )
    yield from _seeds(loaded, files)
    yield from _builds(loaded, files)
    for name in sorted(solution_files(loaded.spec) - files):
        yield loaded.problem(Severity.ERROR, ("reference",), "a file of the scenario", repr(name))
    for pattern in loaded.spec.tutor.knowledge:
        if not any(PurePosixPath(name).match(pattern) for name in files):
            place = ("tutor", "knowledge")
            yield loaded.problem(
                Severity.WARNING, place, "articles of its own", f"none at {pattern}"
            )


def _seeds(loaded: LoadedScenario, files: set[str]) -> Iterator[Problem]:
    for name, machine in loaded.spec.machines.items():
        for position, seed in enumerate(machine.seed):
            place: Place = ("machines", name, "seed", position)
            if seed.source and seed.source not in files:
                yield loaded.problem(
                    Severity.ERROR, place, "a file of the scenario", repr(seed.source)
                )
            elif seed.source and PurePosixPath(seed.source).parts[0] in SOLUTION_FOLDERS:
                yield loaded.problem(
                    Severity.ERROR,
                    place,
                    "a file outside reference/ and wrong/",
                    repr(seed.source),
                    "Nothing a trainee can read may come from a solution.",
                )


def _builds(loaded: LoadedScenario, files: set[str]) -> Iterator[Problem]:
    for name, machine in loaded.spec.machines.items():
        place: Place = ("machines", name, "build")
        if machine.build is None:
            continue
        folder = machine.build.rstrip("/")
        dockerfile = f"{folder}/Dockerfile"
        if dockerfile not in files:
            yield loaded.problem(Severity.ERROR, place, f"the file {dockerfile}", "none")
            continue
        if PurePosixPath(folder).parts[0] in (*SOLUTION_FOLDERS, ".") or folder == "":
            yield loaded.problem(
                Severity.ERROR, place, "a folder of the machine's own", repr(machine.build)
            )
        yield from _dockerfile(loaded, dockerfile)


def _dockerfile(loaded: LoadedScenario, name: str) -> Iterator[Problem]:
    text = (loaded.folder / name).read_text(encoding="utf-8", errors="replace")
    lines = text.splitlines()
    if not any(line.split()[:2] == ["FROM", "${BASE}"] for line in lines):
        yield _in_file(name, 1, "FROM ${BASE} after ARG BASE", "another base or none")
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if words[:1] == ["ADD"] and any("://" in word for word in words):
            yield _in_file(name, number, "files of the scenario", "a download")
        if words[:1] == ["RUN"] and any(word.startswith("--mount") for word in words):
            yield _in_file(name, number, "the classic builder's instructions", "RUN --mount")


def _in_file(name: str, line: int, expected: str, found: str) -> Problem:
    return Problem(
        severity=Severity.ERROR, file=name, line=line, where="", expected=expected, found=found
    )
