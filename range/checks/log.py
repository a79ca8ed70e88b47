"""Whether lines occur in a log of a machine: counted by pattern, within a time, from outside."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from range.checks.base import FileStat, Judgement, Probe
from range.checks.judgements import met, unmet
from range.checks.log_lines import SIZE_LIMIT_BYTES, LogTooLarge, is_recent, read_lines
from range.checks.patterns import Budget, PatternTooCostly, Regex
from range.checks.spec import AbsolutePath, CheckSpec, MachineName, Owner, owner_id

# Accounts of services; people's accounts begin here. Source: Debian's adduser.conf, FIRST_UID.
FIRST_PERSON = 1000
SECONDS_FOR_PATTERNS = 5.0


class LogCheck(CheckSpec):
    """Met when as many lines of a log match as wanted. Supporting unless said otherwise.

    Trap: forged lines. The file is read outside the machine, must be a plain file that only a
    service's account can write to, rotated ones too, and whole lines are matched. Whoever is root
    there can still write any line: let a required check read the log of a machine that trainees
    cannot enter.
    """

    kind: Literal["log"]
    role: Literal["required", "supporting"] = "supporting"
    """Supporting by default: whoever may write to a log may write any line."""
    machine: MachineName
    """Where the log lies."""
    path: AbsolutePath
    """The log; its rotated files, `.1` to `.9`, packed or not, are read before it."""
    matches: Regex
    """Pattern that a line must match to count; anchor it with `^` and `$`."""
    not_matching: Regex | None = None
    """Lines that match this too do not count."""
    at_least: Annotated[int, Field(ge=0, le=100_000)] = 1
    """How many lines must count."""
    at_most: Annotated[int, Field(ge=0, le=100_000)] | None = None
    """How many lines may count; at_most: 0 wants none, and needs at_least: 0."""
    min_lines: Annotated[int, Field(ge=0, le=100_000)] = 0
    """How many lines the log must hold in all, so that an emptied log is no answer."""
    within_seconds: Annotated[int, Field(ge=1)] | None = None
    """Count only lines whose own time is at most that long ago and not in the future."""
    rotated: bool = True
    """Whether rotated files are read too."""
    owner: Owner | None = None
    """Numeric owner of the file, or root; any account below 1000 when left out."""

    @model_validator(mode="after")
    def _ordered(self) -> "LogCheck":
        if self.at_most is not None and self.at_most < self.at_least:
            raise ValueError("at_most is below at_least; give at_least: 0 to want no line")
        return self

    def judge(self, probe: Probe, *, objective: str = "") -> Judgement:
        if wrong := self._unfit(probe):
            return unmet(wrong, excerpt=self.path)
        try:
            lines = read_lines(
                probe, self.machine, self.path, rotated=self.rotated, fit=self._is_fit
            )
            if len(lines) < self.min_lines:
                return unmet("log-too-short", excerpt=f"{len(lines)} lines")
            hits = list(self._counting(lines))
        except LogTooLarge:
            return unmet("log-too-large", excerpt=f"more than {SIZE_LIMIT_BYTES} bytes")
        except PatternTooCostly:
            return unmet("log-too-costly", excerpt=self.path)
        shown = "\n".join([f"{len(hits)} lines", *(line[:300] for line in hits[-8:])])
        if len(hits) < self.at_least:
            return unmet("log-lines-missing", excerpt=shown)
        if self.at_most is not None and len(hits) > self.at_most:
            return unmet("log-lines-too-many", excerpt=shown)
        return met("log-lines-found" if hits else "log-lines-absent", excerpt=shown)

    def _unfit(self, probe: Probe) -> str:
        stat = probe.stat(self.machine, self.path)
        if stat is None:
            return "log-missing"
        if stat.is_link or stat.is_directory:
            return "log-is-no-file"
        return "" if self._is_fit(stat) else "log-not-trusted"

    def _is_fit(self, stat: FileStat) -> bool:
        owned = stat.uid < FIRST_PERSON if self.owner is None else stat.uid == owner_id(self.owner)
        plain = not (stat.is_link or stat.is_directory or stat.is_special)
        return plain and owned and not stat.mode & 0o022

    def _counting(self, lines: list[str]) -> Iterator[str]:
        budget = Budget(SECONDS_FOR_PATTERNS)
        for line in lines:
            if not budget.found(self.matches, line):
                continue
            if self.not_matching is not None and budget.found(self.not_matching, line):
                continue
            if self.within_seconds is None or is_recent(line, self.within_seconds):
                yield line
