"""The asciicast format: version 3 as written, read back after any crash, exported as version 2."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import orjson

from range.console.redaction import Redactor

type Code = Literal["o", "r", "m"]


@dataclass(frozen=True, kw_only=True)
class Header:
    """What the first line says.

    Args:
        started_at: Unix time of the recording's start, in seconds.
    """

    cols: int
    rows: int
    started_at: int = 0
    title: str = ""


@dataclass(frozen=True)
class Event:
    """Something that happened, `at_ms` milliseconds after the recording's start."""

    at_ms: int
    code: Code
    data: str


@dataclass(frozen=True)
class Cast:
    """A whole recording, times absolute."""

    header: Header
    events: list[Event]

    @property
    def duration_ms(self) -> int:
        """Return when the last event happened."""
        return self.events[-1].at_ms if self.events else 0

    def masked(self, redactor: Redactor) -> "Cast":
        """Return the recording as anybody but its owner may see it."""
        texts = redactor.mask([event.data for event in self.events if event.code == "o"])
        shown = iter(texts)
        events = [
            replace(event, data=next(shown))
            if event.code == "o"
            else replace(event, data=redactor.redact(event.data))
            for event in self.events
        ]
        return Cast(self.header, events)


def header_line(header: Header, *, version: Literal[2, 3] = 3) -> bytes:
    """Return the first line of a recording."""
    size: Mapping[str, object] = (
        {"term": {"cols": header.cols, "rows": header.rows, "type": "xterm-256color"}}
        if version == 3
        else {"width": header.cols, "height": header.rows}
    )
    facts = {"version": version, **size, "timestamp": header.started_at, "title": header.title}
    return orjson.dumps(facts, option=orjson.OPT_APPEND_NEWLINE)


def event_line(seconds: float, code: Code, data: str) -> bytes:
    """Return one event's line; `seconds` since the event before (version 3) or the start (2)."""
    return orjson.dumps([seconds, code, data], option=orjson.OPT_APPEND_NEWLINE)


def written(cast: Cast, *, version: Literal[2, 3] = 3) -> Iterator[bytes]:
    """Yield a recording's lines."""
    yield header_line(cast.header, version=version)
    before = 0
    for event in cast.events:
        since = before if version == 3 else 0
        yield event_line((event.at_ms - since) / 1000, event.code, event.data)
        before = event.at_ms


def read(path: Path) -> Cast:
    """Read a version 3 recording; what a crash left half-written at its end is dropped.

    Raises:
        ValueError: The file does not begin with a recording's header.
    """
    lines = path.read_bytes().split(b"\n")
    # Whatever follows the last line end was being written when the writer died.
    return Cast(_header(lines[0]), list(_events(lines[1:-1])))


def _header(line: bytes) -> Header:
    try:
        facts = orjson.loads(line)
        term = facts["term"]
        return Header(
            cols=int(term["cols"]),
            rows=int(term["rows"]),
            started_at=int(facts.get("timestamp", 0)),
            title=str(facts.get("title", "")),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise ValueError("this is no asciicast of version 3") from error


def _events(lines: Iterable[bytes]) -> Iterator[Event]:
    at_ms = 0
    for line in lines:
        try:
            interval, code, data = orjson.loads(line)
            at_ms += round(float(interval) * 1000)
        except (ValueError, TypeError):
            # A machine that lost power may leave a hole in the middle; the rest still plays.
            continue
        if code in ("o", "r", "m"):
            yield Event(at_ms, code, str(data))
