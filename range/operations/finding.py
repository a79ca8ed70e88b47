"""What one look of the doctor found, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters; PROBLEM makes the doctor's exit code 1."""

    OK = "OK"
    WARNING = "WARNING"
    PROBLEM = "PROBLEM"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the doctor's answer.

    Args:
        says: What was seen, with figures.
        advice: What to do; empty where there is nothing to do.
    """

    name: str
    level: Level
    says: str
    advice: str = ""


def ok(name: str, says: str) -> Finding:
    """Return that all is well."""
    return Finding(name=name, level=Level.OK, says=says)


def warning(name: str, says: str, advice: str) -> Finding:
    """Return that something works, but not as it should."""
    return Finding(name=name, level=Level.WARNING, says=says, advice=advice)


def problem(name: str, says: str, advice: str) -> Finding:
    """Return that something is missing or unsafe."""
    return Finding(name=name, level=Level.PROBLEM, says=says, advice=advice)
