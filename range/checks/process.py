"""Whether a program runs, told from outside the machine."""

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, model_validator

from range.checks.base import Judgement, Probe, Process
from range.checks.judgements import met, unmet
from range.checks.patterns import PatternTooCostly, Regex, found
from range.checks.spec import CheckSpec, MachineName, Owner, owner_id


class ProcessCheck(CheckSpec):
    """Met when processes that match are running, or when none is.

    Trap: a renamed process. The resolved executable is compared beside the words it was
    started with, and both come from the engine's host, not from a tool of the machine. A program
    counts as running by its words only where their first names the program.
    """

    kind: Literal["process"]
    machine: MachineName
    """Where to look."""
    any_match: Regex | None = None
    """Met when at least one process's command line or executable matches."""
    none_match: Regex | None = None
    """Met when no process's command line or executable matches."""
    owner: Owner | None = None
    """Count only processes of this numeric owner."""
    at_least: Annotated[int, Field(ge=1, le=1000)] = 1
    """How many must match, with any_match."""

    @model_validator(mode="after")
    def _one_question(self) -> "ProcessCheck":
        if (self.any_match is None) == (self.none_match is None):
            raise ValueError("give exactly one of any_match and none_match")
        return self

    def judge(self, probe: Probe, *, objective: str = "") -> Judgement:
        pattern = self.any_match or self.none_match or ""
        try:
            hits = [p for p in probe.processes(self.machine) if self._counts(p, pattern)]
        except PatternTooCostly:
            return unmet("pattern-too-costly")
        shown = "\n".join(_described(process) for process in hits[:20])
        if self.any_match is not None:
            enough = len(hits) >= self.at_least
            return met("process-runs", excerpt=shown) if enough else unmet("process-missing")
        return unmet("process-still-runs", excerpt=shown) if hits else met("process-gone")

    def _counts(self, process: Process, pattern: str) -> bool:
        if self.owner is not None and process.uid != owner_id(self.owner):
            return False
        if found(pattern, process.executable):
            return True
        # Whoever starts a program chooses the words: to prove that something runs, they must
        # name the program that does.
        believed = self.none_match is not None or _is_what_it_says(process)
        return believed and found(pattern, " ".join(process.argv))


def _is_what_it_says(process: Process) -> bool:
    """Tell whether the first word names the program, as far as that is known."""
    if not process.executable:
        return True
    if not process.argv:
        return False
    said = re.split(r"[:\s]", PurePosixPath(process.argv[0]).name, maxsplit=1)[0].lstrip("-")
    program = PurePosixPath(process.executable.removesuffix(" (deleted)")).name
    return bool(said) and (said in program or program in said)


def _described(process: Process) -> str:
    return f"{process.uid} {process.executable or '?'} {' '.join(process.argv)[:200]}"
