"""Criteria for judging words: proposed by a model or a person, never decided by a program."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from range.checks.base import Judgement, Probe
from range.checks.judgements import inconclusive, unmet
from range.checks.spec import TEMPLATED, CheckSpec, Key, Line, Spec, Text

ARTEFACT_LIMIT_BYTES = 64 * 1024
Artefact = Annotated[
    str, StringConstraints(pattern=rf"^([a-z][a-z0-9-]{{0,30}}:/[^\x00\n]+|{TEMPLATED})$")
]


class Criterion(Spec):
    """One thing a report is judged by."""

    id: Key
    """Name of the criterion inside its check."""
    title: Line
    """What a good report does, as a person would tick it off."""
    weight: Annotated[int, Field(ge=1, le=1000)] = 1
    """Share of the check's score, relative to the other criteria."""
    levels: Annotated[tuple[Line, ...], Field(min_length=2, max_length=6)] = (
        "Not there",
        "Partly there",
        "Fully there",
    )
    """What each level means, from nothing to full."""
    guidance: Text = ""
    """For whoever judges: what to look for, what does not count."""
    must_cite: Literal["", "event", "command", "text"] = ""
    """What a judgement must quote: an event, a command the trainee typed, or the report."""


class RubricCheck(CheckSpec):
    """Holds criteria; met or not is decided elsewhere, by citation and a person.

    Trap: instructions hidden in the report. It is quoted as data, and decides nothing alone.
    """

    kind: Literal["rubric"]
    artefact: Artefact
    """Where the report lies, as `machine:/absolute/path`."""
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1, max_length=12)]
    """What it is judged by."""
    min_characters: Annotated[int, Field(ge=0)] = 80
    """A shorter report counts as not written."""
    pass_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of the weighted levels from which the check counts as met."""

    def place(self) -> tuple[str, str]:
        """Return machine and path of the report."""
        machine, _, path = self.artefact.partition(":")
        return machine, path

    def read(self, probe: Probe) -> str | None:
        """Return the report as text, or None when it is missing or too long.

        Raises:
            ProbeUnavailable: The probe could not look.
        """
        machine, path = self.place()
        stat = probe.stat(machine, path)
        if stat is None or stat.is_link or stat.is_directory:
            return None
        if stat.size_bytes > ARTEFACT_LIMIT_BYTES:
            return None
        data = probe.read_file(machine, path, limit_bytes=ARTEFACT_LIMIT_BYTES)
        return None if data is None else data.decode(errors="replace")

    def judge(self, probe: Probe, *, objective: str = "") -> Judgement:
        report = self.read(probe)
        if report is None:
            return unmet("report-missing")
        if len(report.strip()) < self.min_characters:
            return unmet("report-too-short", excerpt=report)
        return inconclusive("awaits-judgement", excerpt=report)
