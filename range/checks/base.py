"""What a check is: its outcome, the probe it looks through, and how checks combine."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from range.runtime.driver import FileStat as FileStat
from range.runtime.driver import HttpReply as HttpReply
from range.runtime.driver import Process as Process


class Outcome(StrEnum):
    """What a check found; INCONCLUSIVE means the check itself could not be made."""

    MET = "MET"
    UNMET = "UNMET"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The answer of one check.

    Args:
        score: Share achieved in [0, 1]; 1.0 when met, partial credit where a kind allows it.
        reason: Short slug a page turns into a sentence, such as `file-missing`.
        excerpt: At most 4 KB of what was observed, secrets already replaced.
    """

    outcome: Outcome
    score: float
    reason: str
    excerpt: str = ""


@dataclass(frozen=True, kw_only=True)
class ToolResult:
    """What a trusted tool printed, run beside the machine and never from its own files."""

    exit_code: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True, kw_only=True)
class TypedCommand:
    """A command line of the transcript, redacted, with the exit code the shell reported."""

    number: int
    machine: str
    text: str
    exit_code: int | None


class ProbeUnavailable(Exception):
    """The probe could not look (sandbox gone, engine down, time-out): INCONCLUSIVE."""


class Probe(Protocol):
    """The only way a check looks at a sandbox; `assessment/probes.py` implements it once.

    Every method raises `ProbeUnavailable` when it could not look, which is never the
    trainee's failure. Nothing here runs a program that a trainee could have replaced.
    """

    def read_file(self, machine: str, path: str, *, limit_bytes: int = 1 << 20) -> bytes | None:
        """Return the content of a regular file, or None if there is none at `path`."""
        ...

    def stat(self, machine: str, path: str) -> FileStat | None:
        """Return what lies at `path` without following a final link, or None."""
        ...

    def list_files(self, machine: str, path: str, *, limit: int = 2000) -> Sequence[FileStat]:
        """Return everything below a folder, links not followed."""
        ...

    def processes(self, machine: str) -> Sequence[Process]:
        """Return the machine's processes as seen from outside."""
        ...

    def http(
        self,
        *,
        from_network: str,
        method: str,
        url: str,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        timeout_seconds: float = 5.0,
    ) -> HttpReply | None:
        """Ask a machine over HTTP from a grader's own namespace; None if nothing answered."""
        ...

    def can_connect(
        self, *, from_network: str, host: str, port: int, timeout_seconds: float = 2.0
    ) -> bool:
        """Tell whether a TCP connection from a segment to `host:port` is accepted."""
        ...

    def transcript(self) -> Sequence[TypedCommand]:
        """Return the redacted commands of the attempt so far, in order."""
        ...

    def latest_submission(self, objective: str, check: str) -> str | None:
        """Return the trainee's last answer to an answer check, or None."""
        ...
