"""Reads a log with its rotated files, bounded in size, and the times its lines carry."""

import re
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from range.checks.base import FileStat, Probe
from range.lib import clock

# Of the log and its rotated files together, unpacked.
SIZE_LIMIT_BYTES = 8 << 20
LINE_LIMIT = 4096
ROTATED = 9
# A machine's clock is the host's; a line this far ahead was not written by it.
_AHEAD = timedelta(seconds=60)
_GZIP = 16 + zlib.MAX_WBITS
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,6})?(?:Z|[+-]\d\d:?\d\d)?")
_WEB = re.compile(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}")
_SYSLOG = re.compile(r"^([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) ")


class LogTooLarge(Exception):
    """The log holds more than is read."""


def read_lines(
    probe: Probe, machine: str, path: str, *, rotated: bool, fit: Callable[[FileStat], bool]
) -> list[str]:
    """Return the lines of a log, oldest first, each cut at 4 KB.

    Args:
        fit: Tells whether a file may be one of the log; others are left out.

    Raises:
        LogTooLarge: It and its rotated files hold more than 8 MB.
        ProbeUnavailable: The probe could not look.
    """
    room = SIZE_LIMIT_BYTES
    text: list[bytes] = []
    for names in ((path,), *(_rotated(path) if rotated else ())):
        data = next(
            (d for n in names if (d := _content(probe, machine, n, room, fit)) is not None), None
        )
        if data is None:
            break
        text.append(data)
        room -= len(data)
    whole = b"\n".join(reversed(text)).decode("utf-8", errors="replace")
    return [line[:LINE_LIMIT] for line in whole.split("\n") if line.strip()]


def is_recent(line: str, seconds: int) -> bool:
    """Tell whether a line carries a time that is at most so long ago, and not to come."""
    now = clock.now()
    at = time_of(line, now)
    return at is not None and now - timedelta(seconds=seconds) <= at <= now + _AHEAD


def time_of(line: str, now: datetime) -> datetime | None:
    """Return the time a line carries: ISO 8601, a web server's, or syslog's; UTC if unsaid."""
    try:
        if found := _ISO.search(line[:200]):
            at = datetime.fromisoformat(found.group(0).replace(",", "."))
        elif found := _WEB.search(line[:300]):
            at = datetime.strptime(found.group(0), "%d/%b/%Y:%H:%M:%S %z")
        elif found := _SYSLOG.match(line):
            # Syslog says no year: it is the last one in which the line is not to come.
            at = datetime.strptime(f"{now.year} {found.group(1)} +0000", "%Y %b %d %H:%M:%S %z")
            if at > now + timedelta(days=1):
                at = at.replace(year=now.year - 1)
        else:
            return None
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at
    except ValueError:
        return None


def _rotated(path: str) -> Iterator[tuple[str, str]]:
    for number in range(1, ROTATED + 1):
        yield f"{path}.{number}", f"{path}.{number}.gz"


def _content(
    probe: Probe, machine: str, path: str, room: int, fit: Callable[[FileStat], bool]
) -> bytes | None:
    looked = probe.look(machine, path, limit_bytes=room)
    if looked is None or not fit(looked[0]):
        return None
    stat, data = looked
    if stat.size_bytes > room:
        raise LogTooLarge
    return _unpacked(data, room) if data and path.endswith(".gz") else data


def _unpacked(data: bytes, room: int) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        text = unpacker.decompress(data, room + 1)
    except zlib.error:
        return b""
    if len(text) > room:
        raise LogTooLarge
    return text
