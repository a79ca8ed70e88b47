"""What a check is: its outcome, the probe it looks through, and how checks combine."""

import socket
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from range.runtime.driver import FileStat as FileStat
from range.runtime.driver import HttpReply as HttpReply
from range.runtime.driver import Process as Process

Scalar = str | int | bool


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
    """What a program printed, and how it ended."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    timed_out: bool = False


@dataclass(frozen=True, kw_only=True)
class TypedCommand:
    """A command line of the transcript, redacted, with the exit code the shell reported."""

    number: int
    machine: str
    text: str
    exit_code: int | None


@dataclass(frozen=True, kw_only=True)
class Happening:
    """An event of the attempt as the range recorded it.

    Args:
        number: Its place in the order of events.
        facts: What is known of it, such as `objective`, `check`, `outcome`, `machine`, `text`.
    """

    number: int
    at: datetime
    kind: str
    facts: Mapping[str, str] = field(default_factory=dict)


class ProbeUnavailable(Exception):
    """The probe could not look (sandbox gone, engine down, time-out): INCONCLUSIVE."""


class TooMuchThere(Exception):
    """More lies there than is looked at, which is a trainee's doing: UNMET."""


class Probe(Protocol):
    """The only way a check looks at a sandbox; `assessment/probes.py` implements it once.

    Every method raises `ProbeUnavailable` when it could not look, which is never the
    trainee's failure. Only `run_inside` runs what a trainee could have replaced.
    """

    def read_file(self, machine: str, path: str, *, limit_bytes: int = 1 << 20) -> bytes | None:
        """Return the content of a regular file, or None if there is none at `path`."""
        ...

    def look(
        self, machine: str, path: str, *, limit_bytes: int = 1 << 20
    ) -> tuple[FileStat, bytes | None] | None:
        """Return what lies at `path` with its content, seen at once, or None.

        The content is None where it is no regular file, or holds more than the limit.
        """
        ...

    def stat(self, machine: str, path: str) -> FileStat | None:
        """Return what lies at `path` without following a final link, or None."""
        ...

    def list_files(self, machine: str, path: str, *, limit: int = 2000) -> Sequence[FileStat]:
        """Return everything below a folder, links not followed.

        Raises:
            TooMuchThere: The files are larger than is streamed.
        """
        ...

    def processes(self, machine: str) -> Sequence[Process]:
        """Return the machine's processes as seen from outside."""
        ...

    def held_still(self, machine: str) -> AbstractContextManager[None]:
        """Let nothing move in a machine while it is looked at, where that can be done."""
        ...

    def turn(self) -> None:
        """Come from another place on each network from now on."""
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

    def connect(
        self,
        *,
        from_network: str,
        host: str,
        port: int,
        timeout_seconds: float = 5.0,
        datagrams: bool = False,
    ) -> socket.socket | None:
        """Connect to `host:port` from a segment; None if nothing accepts. The caller closes.

        Args:
            datagrams: Over UDP, where nobody accepts or refuses.
        """
        ...

    def tool(
        self,
        machine: str,
        argv: Sequence[str],
        *,
        files: Mapping[str, bytes],
        replaced: Sequence[str] = (),
        timeout_seconds: float = 10.0,
    ) -> ToolResult:
        """Run a program of the machine's image, as it was built, beside the machine.

        Args:
            files: What it sees of the machine, by path.
            replaced: What of the image is taken away first.
        """
        ...

    def run_inside(
        self, machine: str, argv: Sequence[str], *, account: str, timeout_seconds: float = 10.0
    ) -> ToolResult:
        """Run a program of the machine's own: a trainee may have replaced it."""
        ...

    def transcript(self) -> Sequence[TypedCommand]:
        """Return the redacted commands of the attempt so far, in order."""
        ...

    def events(self) -> Sequence[Happening]:
        """Return what happened in the attempt so far."""
        ...

    def asset(self, path: str, *, filled: bool = False) -> bytes:
        """Return a file of the scenario, which no sandbox holds.

        Args:
            filled: With the attempt's variables filled in.
        """
        ...

    def latest_submission(self, objective: str, check: str) -> str | None:
        """Return the trainee's last answer to an answer check, or None."""
        ...
