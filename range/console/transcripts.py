"""Cuts a console's output into commands, what they printed and how they ended."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from range.console.line_screen import LineScreen
from range.console.outputs import Output
from range.console.redaction import plain

# OSC 133: A a prompt begins, B typing begins, C output begins, D;status it has ended.
# Source: the semantic prompt sequences of FinalTerm; range/runtime/base_image/shell.bash.
_MARK = re.compile(rb"\x1b\]133;([ABCD])([^\x07\x1b]{0,1024})(?:\x07|\x1b\\)")
_MARK_BEGINS = b"\x1b]133;"
_OPEN_MARK = re.compile(rb"\x1b\]133;[^\x07\x1b]*\x1b?")
_ESCAPE = b"\x1b"
_LONGEST_MARK = 1100
_ALTERNATE = re.compile(rb"\x1b\[\?(?:47|1047|1049)([hl])")
# A prompt without marks: another shell, another machine, a database's or a language's reader.
_PROMPT = re.compile(
    r"^(?:[\w.@:~/()\[\] +-]{0,80}[$#%]|[\w.@:~/()\[\]-]{1,80}>|>>>) (?P<typed>\S.*)$"
)
_PASTE_ROWS = 40
_TYPED_MOST_BYTES = 16 * 1024
_ROW_MOST_BYTES = 4 * 1024


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command line and what came of it; nothing here is redacted yet.

    Args:
        at_ms: When it was entered, since the recording's start.
        exit_code: What the shell reported; None where no shell of ours saw the end.
        assembled: Told from the look of a line, because the shell did not mark it.
        typed_by: Who else than the trainee pressed keys since the command before.
    """

    text: str
    at_ms: int
    ms: int
    exit_code: int | None
    output: Output
    assembled: bool = False
    typed_by: tuple[str, ...] = ()


class Cutter:
    """Follows one console's output; feed it in order.

    Args:
        cols: Width of the terminal, at which a long command line wraps.
        on_begin: Called with the text of each command as it is entered.
    """

    def __init__(self, *, cols: int, on_begin: Callable[[str], None] = lambda _: None) -> None:
        self.cols = cols
        self._on_begin = on_begin
        self._held = b""
        self._typed: bytearray | None = None
        self._prompt = bytearray()
        self._starts: list[int] = []
        self._running: _Running | None = None
        self._row = bytearray()
        self._awaited = 0
        self._patience = 0
        self._full_screen = False

    def entered(self, lines: int = 1) -> None:
        """Note that the return key was pressed: the present row may be a command."""
        self._awaited = min(self._awaited + lines, 64)
        # Of several lines pasted at once the later ones echo after what the first ones print.
        self._patience = _PASTE_ROWS if lines > 1 else 0

    def feed(self, data: bytes, at_ms: int) -> Iterator[Command]:
        """Take what was shown and yield the commands that ended with it."""
        data, self._held = _whole_marks(self._held + data)
        at = 0
        for mark in _found(_MARK, data):
            yield from self._show(data[at : mark.start()], at_ms)
            yield from self._mark(mark[1], mark[2], at_ms)
            at = mark.end()
        yield from self._show(data[at:], at_ms)

    def finish(self, at_ms: int) -> Iterator[Command]:
        """End the transcript: a command still running is given without an exit code."""
        yield from self._show(self._held, at_ms)
        self._held = b""
        yield from self._end(at_ms, exit_code=None)

    def _mark(self, kind: bytes, detail: bytes, at_ms: int) -> Iterator[Command]:
        if kind == b"A":
            # A prompt while a command runs comes from a shell that the command opened.
            yield from self._end(at_ms, exit_code=None)
            self._prompt.clear()
            self._typed = None
            self._awaited = 0
        elif kind == b"B":
            self._begin_typing()
        elif kind == b"C" and self._typed is not None:
            self._begin(self._typed_text(), at_ms)
        elif kind == b"D":
            yield from self._end(at_ms, exit_code=_status(detail))

    def _begin_typing(self) -> None:
        if self._typed is None:
            self._typed = bytearray(self._prompt)
            self._starts = []
        # The line editor draws its prompt, mark included, again whenever it starts afresh.
        self._starts.append(len(self._typed))

    def _typed_text(self) -> str:
        typed, screen = bytes(self._typed or b""), LineScreen(cols=self.cols)
        start = at = 0
        for until in [*self._starts, len(typed)]:
            screen.feed(typed[at:until].decode("utf-8", "replace"))
            start, at = (screen.at, until) if until in self._starts else (start, until)
        lines = screen.text(start).split("\n")
        return "\n".join([lines[0], *(line.removeprefix("> ") for line in lines[1:])]).strip()

    def _begin(self, text: str, at_ms: int, *, assembled: bool = False) -> None:
        self._typed = None
        self._awaited = 0
        self._row.clear()
        if text:
            self._running = _Running(text, at_ms, Output(), assembled)
            self._on_begin(text)

    def _end(self, at_ms: int, *, exit_code: int | None) -> Iterator[Command]:
        running, self._running = self._running, None
        self._row.clear()
        if running is None:
            return
        yield Command(
            text=running.text,
            at_ms=running.at_ms,
            ms=max(0, at_ms - running.at_ms),
            exit_code=None if running.assembled else exit_code,
            output=running.output,
            assembled=running.assembled,
        )

    def _show(self, data: bytes, at_ms: int) -> Iterator[Command]:
        if not data:
            return
        for switch in _found(_ALTERNATE, data):
            self._full_screen = switch[1] == b"h"
        if self._typed is not None:
            del self._typed[_TYPED_MOST_BYTES:]
            self._typed += data[:_TYPED_MOST_BYTES]
        elif self._awaited and not self._full_screen:
            yield from self._assemble(data, at_ms)
        else:
            self._take(data)

    def _assemble(self, data: bytes, at_ms: int) -> Iterator[Command]:
        while self._awaited and (end := data.find(b"\n")) >= 0:
            self._keep_row(data[: end + 1])
            found = _PROMPT.match(_row_text(self._row, cols=self.cols))
            if found:
                if self._running is not None:
                    self._running.output.ends_with_prompt = True
                yield from self._end(at_ms, exit_code=None)
                awaited = self._awaited - 1
                self._begin(found["typed"], at_ms, assembled=True)
                self._awaited = awaited
            else:
                self._take(data[: end + 1])
                self._awaited -= 0 if self._patience else 1
                self._patience = max(0, self._patience - 1)
            self._row.clear()
            data = data[end + 1 :]
        self._take(data)

    def _take(self, data: bytes) -> None:
        if self._running is not None:
            self._running.output.add(data)
        elif self._typed is None:
            self._prompt = bytearray((self._prompt + data)[-_ROW_MOST_BYTES:].rpartition(b"\n")[2])
        self._keep_row(data)

    def _keep_row(self, data: bytes) -> None:
        last = data.rstrip(b"\r\n").rfind(b"\n")
        if last >= 0:
            self._row.clear()
            data = data[last + 1 :]
        self._row += data[-_ROW_MOST_BYTES:]
        del self._row[:-_ROW_MOST_BYTES]


@dataclass
class _Running:
    text: str
    at_ms: int
    output: Output
    assembled: bool


def _found(pattern: re.Pattern[bytes], data: bytes) -> Iterable[re.Match[bytes]]:
    # Bulk output seldom holds an escape, and one byte is looked for many times faster.
    return pattern.finditer(data) if _ESCAPE in data else ()


def _whole_marks(data: bytes) -> tuple[bytes, bytes]:
    """Split off a mark whose end has not come yet."""
    start = data.rfind(_MARK_BEGINS, max(0, len(data) - _LONGEST_MARK))
    if start >= 0 and _OPEN_MARK.fullmatch(data, start):
        return data[:start], data[start:]
    for length in range(len(_MARK_BEGINS) - 1, 0, -1):
        if data.endswith(_MARK_BEGINS[:length]):
            return data[:-length], data[-length:]
    return data, b""


def _status(detail: bytes) -> int | None:
    number = detail.removeprefix(b";").split(b";")[0]
    return int(number) if number.isdigit() and len(number) < 4 else None


def _row_text(row: bytes | bytearray, *, cols: int) -> str:
    screen = LineScreen(cols=cols)
    screen.feed(bytes(row).rstrip(b"\r\n").decode("utf-8", "replace"))
    return plain(screen.text()).split("\n")[-1]
