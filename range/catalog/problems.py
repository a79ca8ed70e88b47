"""What is wrong with a scenario: where, what was expected, what was found, what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from range.lib.errors import RangeError


class Severity(StrEnum):
    """How much a finding weighs; only errors keep a scenario from being published."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One finding about a scenario's files.

    Args:
        file: Path inside the scenario's folder.
        line: Counted from 1; 0 when it concerns the file as a whole.
        where: Place inside the file, such as `objectives[0].weight`.
        suggestion: What to do, when that can be told.
    """

    severity: Severity
    file: str
    line: int
    where: str
    expected: str
    found: str
    suggestion: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        where = f"{self.where}: " if self.where else ""
        advice = f" {self.suggestion}" if self.suggestion else ""
        return (
            f"{place}: {self.severity}: {where}expected {self.expected}, "
            f"found {self.found}.{advice}"
        )


class ScenarioInvalid(RangeError):
    """A scenario cannot be read or published; every problem is listed."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems), reason="scenario-invalid")
        self.problems = tuple(problems)
