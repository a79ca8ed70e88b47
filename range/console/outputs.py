"""What a command printed, kept as its first and last lines and a class of error."""

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from range.console.redaction import Redactor, plain

type ErrorClass = Literal["denied", "not-found", "no-route", "syntax", "usage", "time-out", "none"]

FIRST_LINES = 2
LAST_LINES = 3
LINE_CHARACTERS = 160
# Enough for the lines that are kept, also where a program prints very long ones.
_HEAD_BYTES = 4 * 1024
_TAIL_BYTES = 8 * 1024
_UNSURE_BYTES = 1024

# In this order: a shell's own complaint about a line says more than the words inside it.
_COMPLAINTS: dict[ErrorClass, str] = {
    "syntax": "syntax error|unexpected token|unexpected EOF|parse error|SyntaxError",
    "usage": "^usage:|invalid option|unrecogni[sz]ed option|unknown option"
    r"|missing (?:file )?(?:operand|argument)"
    "|--help' for more|requires an argument",
    "time-out": "timed out|time-?out|deadline exceeded",
    "no-route": "no route to host|network is unreachable|host is down|connection refused"
    "|could not resolve|name or service not known|failure in name resolution|failed to connect",
    "denied": "permission denied|operation not permitted|access denied|not in the sudoers"
    "|not allowed to|authentication failure|incorrect password|login incorrect"
    "|forbidden|unauthori[sz]ed",
    "not-found": "not found|no such file|does not exist|cannot find|unknown host",
}
_CLASSES = {
    name: re.compile(pattern, re.IGNORECASE | re.MULTILINE) for name, pattern in _COMPLAINTS.items()
}
# What shells report whatever was printed. Source: POSIX, simple commands; timeout(1).
_BY_STATUS: dict[int, ErrorClass] = {124: "time-out", 126: "denied", 127: "not-found"}


@dataclass(frozen=True, kw_only=True)
class Digest:
    """The lines of an output that are kept, already redacted, and how many there were."""

    first: tuple[str, ...]
    last: tuple[str, ...]
    lines: int


@dataclass
class Output:
    """Gathers what a command prints in bounded space.

    Args:
        ends_with_prompt: Whether what follows the last line end is no output but a prompt.
    """

    lines: int = 0
    ends_with_prompt: bool = False
    _head: bytearray = field(default_factory=bytearray)
    _tail: deque[bytes] = field(default_factory=deque)
    _tail_size: int = 0
    _dropped: bool = False

    def add(self, data: bytes) -> None:
        """Take what was printed next."""
        self.lines += data.count(b"\n")
        room = _HEAD_BYTES - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if data:
            self._tail.append(data)
            self._tail_size += len(data)
            while self._tail_size - len(self._tail[0]) >= _TAIL_BYTES:
                self._tail_size -= len(self._tail.popleft())
                self._dropped = True

    def digest(self, redactor: Redactor) -> Digest:
        """Return the first and last lines, redacted before they are cut."""
        lines = redactor.redact(self._text()).split("\n")
        unfinished = lines.pop() if self.ends_with_prompt else lines[-1]
        cut = [line.rstrip()[:LINE_CHARACTERS] for line in lines if line.strip()]
        count = self.lines + (1 if not self.ends_with_prompt and unfinished.strip() else 0)
        last = cut[FIRST_LINES:][-LAST_LINES:]
        return Digest(first=tuple(cut[:FIRST_LINES]), last=tuple(last), lines=count)

    def error_class(self, exit_code: int | None) -> ErrorClass:
        """Return what kind of failure the output speaks of; success has none."""
        if exit_code == 0:
            return "none"
        if exit_code in _BY_STATUS:
            return _BY_STATUS[exit_code]
        return error_class_of(self._text())

    def _text(self) -> str:
        tail = b"".join(self._tail)
        if self._dropped:
            # A line that lost its beginning could show the end of a secret that is not known
            # by its end alone.
            _, found, rest = tail.partition(b"\n")
            tail = b"\n" + (rest if found else tail[_UNSURE_BYTES:])
        raw = (bytes(self._head) + tail).decode("utf-8", "replace")
        return "\n".join(_overwritten(line) for line in plain(raw).split("\n"))


def error_class_of(text: str) -> ErrorClass:
    """Return what kind of failure a text speaks of."""
    return next((name for name, pattern in _CLASSES.items() if pattern.search(text)), "none")


def _overwritten(line: str) -> str:
    """Return what a line shows after its carriage returns, as progress bars use them."""
    return next((part for part in reversed(line.split("\r")) if part), "")
