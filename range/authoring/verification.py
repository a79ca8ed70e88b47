"""What verification of a scenario comes to, run by run, and who is told of it meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from range.authoring.plan import PlannedRun
from range.checks.base import Judgement

type Checks = Mapping[str, Mapping[str, Judgement]]


class Stopped(Exception):
    """Whoever follows a verification wants no more of it."""


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What one run showed.

    Args:
        differences: Sentences, one for each thing that differs; empty when all is as wanted.
        checks: By objective key, each required check with its judgement.
    """

    name: str
    expected: Mapping[str, str]
    found: Mapping[str, str]
    seconds: float
    differences: tuple[str, ...] = ()
    checks: Checks = field(default_factory=dict)

    @property
    def reasons(self) -> dict[str, str]:
        """Return, by objective key, each required check with the slug it was judged by."""
        return reasons_of(self.checks)

    @property
    def is_as_expected(self) -> bool:
        """Tell whether nothing differs."""
        return not self.differences


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What verification of one scenario showed.

    Args:
        error: Why it could not be verified at all.
        stopped: Whether it was ended before every run was done.
    """

    id: str
    digest: str = ""
    runs: tuple[RunResult, ...] = ()
    seconds: float = 0.0
    error: str = ""
    stopped: bool = False

    @property
    def passed(self) -> bool:
        """Tell whether every run was as expected."""
        whole = not self.error and not self.stopped
        return whole and all(run.is_as_expected for run in self.runs)


class Follower:
    """Is told how far a verification is, by several threads at once, and may end it."""

    def planned(self, runs: Sequence[PlannedRun]) -> None:
        """Take note of the runs that are to be done."""

    def began(self, run: PlannedRun) -> None:
        """Take note that a run begins; it waits for as long as this takes."""

    def ended(self, run: PlannedRun, result: RunResult) -> None:
        """Take note of what a run showed."""

    def is_stopped(self) -> bool:
        """Tell whether nothing more is wanted."""
        return False


def reasons_of(checks: Checks) -> dict[str, str]:
    """Return, by objective key, what its checks were judged by, as one line."""
    return {
        objective: "; ".join(
            f"{check}: {judged.reason}" + (f" ({judged.excerpt[:160]})" if judged.excerpt else "")
            for check, judged in mine.items()
        )
        for objective, mine in checks.items()
    }
