"""Checks a scenario beyond its schema: errors that forbid publication, warnings, notes."""

from collections.abc import Callable, Iterator
from pathlib import Path

from range.catalog.lint_checks import check_problems
from range.catalog.lint_corpora import corpus_problems
from range.catalog.lint_files import file_problems
from range.catalog.lint_help import help_problems
from range.catalog.lint_images import image_problems
from range.catalog.lint_machines import machine_problems
from range.catalog.lint_solutions import solution_problems
from range.catalog.lint_texts import text_problems
from range.catalog.lint_variants import variant_problems
from range.catalog.problems import Problem, ScenarioInvalid, Severity
from range.catalog.reader import LoadedScenario, read_scenario
from range.catalog.templating import together

RULES: tuple[Callable[[LoadedScenario], Iterator[Problem]], ...] = (
    check_problems,
    corpus_problems,
    file_problems,
    image_problems,
    machine_problems,
    solution_problems,
    help_problems,
    text_problems,
    variant_problems,
)
_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def lint(loaded: LoadedScenario) -> list[Problem]:
    """Return everything to say about a scenario, errors first, each finding once."""
    with together():
        found = {problem for rule in RULES for problem in rule(loaded)}
    return sorted(found, key=lambda each: (_ORDER[each.severity], each.file, each.line, str(each)))


def checked(folder: Path) -> tuple[LoadedScenario | None, list[Problem]]:
    """Return a scenario's folder as far as it can be read, and everything to say about it."""
    try:
        loaded = read_scenario(folder)
    except ScenarioInvalid as error:
        return None, list(error.problems)
    return loaded, lint(loaded)
