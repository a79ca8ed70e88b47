"""Reads timeline events into the few facts that the tutor's fold needs, whatever their payload."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from range.timeline.models import Event
from tutor.quoting import one_line

COMMAND = "console.command"
EVIDENCE = "evidence.recorded"
REFUSED = "submission.refused"
HINT_ASKED = "hint.asked"
HINT_UNLOCKED = "hint.unlocked"
HINT_ANSWERED = "hint.answered"
HINT_RATED = "hint.rated"

TEXT_LIMIT = 120
DIGEST_LINE_LIMIT = 160


@dataclass(frozen=True, kw_only=True)
class Happening:
    """One event, free of the database."""

    seq: int
    at: datetime
    kind: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command line with what came of it; the number is the handle for citing it."""

    seq: int
    at: datetime
    number: int
    machine: str
    text: str
    exit: int | None
    output: tuple[str, ...]
    error: str

    @property
    def program(self) -> str:
        """Return the program's name, behind sudo if it was asked through sudo."""
        words = [word for word in self.text.split() if "=" not in word]
        if words[:1] == ["sudo"] and len(words) > 1 and not words[1].startswith("-"):
            words = words[1:]
        return words[0].rpartition("/")[2] if words else ""

    @property
    def failed(self) -> bool:
        """Tell whether it ended with an error; 130 is a person's own Ctrl-C."""
        return bool(self.error) or self.exit not in (None, 0, 130)


def read(events: Iterable[Event]) -> list[Happening]:
    """Return events as happenings, in the order given."""
    return [
        Happening(seq=event.seq, at=event.at, kind=event.kind, payload=event.payload)
        for event in events
    ]


def commands_of(happenings: Sequence[Happening]) -> list[Command]:
    """Return the commands among the happenings; empty lines are none."""
    found = [_command(each) for each in happenings if each.kind == COMMAND]
    return [command for command in found if command.text]


def _command(happening: Happening) -> Command:
    body = happening.payload
    return Command(
        seq=happening.seq,
        at=happening.at,
        number=_whole(body.get("number")) or happening.seq,
        machine=one_line(str(body.get("machine", "")), limit=32),
        text=one_line(str(body.get("text", "")), limit=TEXT_LIMIT),
        exit=_whole(body.get("exit", body.get("exit_code"))),
        output=_output(body.get("digest")),
        error=_error(body),
    )


def _error(body: Mapping[str, Any]) -> str:
    """Return the class of error; `none` is what the console calls having none."""
    error = one_line(str(body.get("error_class") or body.get("error") or ""), limit=24)
    return "" if error == "none" else error


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _output(digest: object) -> tuple[str, ...]:
    """Read an output digest: a text, a list of lines, or first and last lines with a count."""
    lines: list[object] = []
    if isinstance(digest, str):
        lines = list(digest.splitlines())
    elif isinstance(digest, list):
        lines = list(digest)
    elif isinstance(digest, Mapping):
        lines = [*_lines(digest.get("first")), *_lines(digest.get("last"))]
    shown = (one_line(str(line), limit=DIGEST_LINE_LIMIT) for line in lines[:5])
    return tuple(line for line in shown if line)


def _lines(value: object) -> list[object]:
    if isinstance(value, str):
        return list(value.splitlines())
    return list(value) if isinstance(value, list | tuple) else []
