"""Writes one console's recording, exactly what was shown; a crash loses a second at most."""

import codecs
import fcntl
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from range.console.cast import Code, Header, event_line, header_line
from range.lib.logs import get_logger

log = get_logger(__name__)

QUOTA_BYTES = 32 * 1024 * 1024
QUOTA_NOTE = "The recording has reached its limit; the console goes on unrecorded."


@dataclass(frozen=True)
class Seal:
    """What a finished recording is: its size and digest."""

    size_bytes: int
    sha256: str


class Recorder:
    """Appends to one file; used by one thread.

    While it is open the file is locked, so that others can tell a recording in progress from
    one whose writer died.

    Args:
        quota_bytes: How large the file may become; what is shown after that is not recorded.
    """

    def __init__(self, path: Path, header: Header, *, quota_bytes: int = QUOTA_BYTES) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        self.path = path
        self.full = False
        self.last_ms = 0
        # The web role, in the folder's group, may read and nobody may change it later.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.fdopen(os.open(path, flags, 0o640), "wb", buffering=0)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._digest = hashlib.sha256()
        self._size = 0
        self._quota = quota_bytes
        self._pending: list[bytes] = []
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._append(header_line(header))
        self.flush()

    @property
    def size_bytes(self) -> int:
        """Return how much has been written or waits to be."""
        return self._size

    def output(self, at_ms: int, data: bytes) -> None:
        """Record bytes shown; a character cut in two is held until its rest comes."""
        if self.full:
            return
        text = self._decoder.decode(data)
        if text:
            self._event(at_ms, "o", text)

    def resize(self, at_ms: int, *, cols: int, rows: int) -> None:
        """Record a new size."""
        self._event(at_ms, "r", f"{cols}x{rows}")

    def mark(self, at_ms: int, label: str) -> None:
        """Record a named moment."""
        self._event(at_ms, "m", label)

    def flush(self) -> None:
        """Hand everything recorded so far to the operating system."""
        if self._pending:
            data = b"".join(self._pending)
            self._pending.clear()
            self._file.write(data)

    def close(self) -> Seal:
        """End the recording and return its digest."""
        rest = self._decoder.decode(b"", final=True)
        if rest:
            self._event(self.last_ms, "o", rest)
        self.flush()
        self._file.close()
        return Seal(self._size, self._digest.hexdigest())

    def _event(self, at_ms: int, code: Code, data: str) -> None:
        if self.full:
            return
        # Intervals are taken from rounded times, so that rounding never adds up.
        line = event_line(max(0, at_ms - self.last_ms) / 1000, code, data)
        if self._size + len(line) > self._quota:
            self.full = True
            line = event_line(max(0, at_ms - self.last_ms) / 1000, "m", QUOTA_NOTE)
        self.last_ms = max(at_ms, self.last_ms)
        self._append(line)

    def _append(self, line: bytes) -> None:
        self._pending.append(line)
        self._digest.update(line)
        self._size += len(line)


def seal(path: Path) -> Seal | None:
    """Return what a recording left behind by a dead writer is; None while it is being written.

    Raises:
        FileNotFoundError: There is no such recording.
    """
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Seal(file.tell(), digest)
