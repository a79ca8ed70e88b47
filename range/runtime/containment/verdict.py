"""What a probe came to: closed, stopped, bounded, ok or open; and which of them decide."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self


class Outcome(StrEnum):
    """How a probe ended; OPEN is the only bad one."""

    CLOSED = "closed"  # the network: nothing arrived
    STOPPED = "stopped"  # the kernel refused
    BOUNDED = "bounded"  # a limit held
    OK = "ok"  # a control: what must work works, so that the probes can see something
    OPEN = "open"  # it got through, or nobody can prove that it did not


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One line of the answer.

    Args:
        detail: What was tried, and what was seen.
        critical: Whether sandboxes of trainees wait while it is open.
        unproven: Whether it is open only because the probe, or a control of it, did not work.
    """

    probe: str
    outcome: Outcome
    detail: str
    critical: bool = False
    unproven: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote.

        Raises:
            ValueError: The value is not a verdict.
        """
        try:
            return cls(**{**value, "outcome": Outcome(value["outcome"])})
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a verdict: {error}") from error


def unproven(probe: str, why: str, *, critical: bool = False) -> Verdict:
    """Return that nobody can tell; it reads open, never safe."""
    return Verdict(
        probe=probe,
        outcome=Outcome.OPEN,
        detail=f"not proven: {why}",
        critical=critical,
        unproven=True,
    )


def control(name: str, works: bool, *, saw: str, missed: str) -> Verdict:
    """Return whether something that must work did; a control that failed proves nothing."""
    if works:
        return Verdict(probe=name, outcome=Outcome.OK, detail=saw)
    return unproven(name, missed)


def breaches(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return the critical probes that got through."""
    return [each for each in _open(verdicts) if each.critical and not each.unproven]


def is_decisive(verdicts: Iterable[Verdict]) -> bool:
    """Tell whether a run may replace an earlier one: it found a breach, or proved there is none."""
    found = list(verdicts)
    return bool(breaches(found)) or not any(each.critical for each in _open(found))


def _open(verdicts: Iterable[Verdict]) -> list[Verdict]:
    return [each for each in verdicts if each.outcome is Outcome.OPEN]
