"""Works out what a line editor left on the screen from the bytes it echoed."""

import re

_TOKEN = re.compile(
    r"\x1b\[(?P<args>[0-?]*)[ -/]*(?P<final>[@-~])"
    r"|\x1b[\]PX^_][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)"
    r"|\x1b[ -/]*[0-~]?"
    r"|(?P<control>[\x00-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f]+)"
)
# No command line is longer; what is beyond it is not followed.
MOST_CELLS = 16 * 1024


class LineScreen:
    """A few rows of a terminal, addressed as one long row: enough for a command line.

    Args:
        cols: Width at which the line editor wraps.
    """

    def __init__(self, *, cols: int) -> None:
        self.cols = max(2, cols)
        self.at = 0
        self._cells: list[str] = []
        self._breaks: set[int] = set()

    def feed(self, text: str) -> None:
        """Follow what was echoed."""
        for token in _TOKEN.finditer(text):
            if token["text"]:
                self._write(token["text"])
            elif token["control"]:
                self._control(token["control"])
            elif token["final"]:
                self._sequence(token["final"], token["args"])

    def text(self, start: int = 0) -> str:
        """Return what stands from a cell on, with line ends where the return key made them."""
        edges = sorted(edge for edge in self._breaks if start < edge < len(self._cells))
        rows = zip([start, *edges], [*edges, len(self._cells)], strict=True)
        lines = ("".join(self._cells[begin:end]).rstrip() for begin, end in rows)
        return "\n".join(lines).rstrip()

    def _write(self, text: str) -> None:
        text = text[: max(0, MOST_CELLS - self.at)]
        self._reach(self.at)
        self._cells[self.at : self.at + len(text)] = text
        self.at += len(text)

    def _control(self, character: str) -> None:
        if character == "\r":
            self.at -= self.at % self.cols
        elif character == "\n":
            self.at = min(self.at + self.cols, MOST_CELLS)
            self._breaks.add(self.at - self.at % self.cols)
        elif character == "\b":
            self.at = max(0, self.at - 1)
        elif character == "\t":
            self.at = min(self.at + 8 - self.at % 8, MOST_CELLS)

    def _sequence(self, final: str, args: str) -> None:
        count = _number(args)
        many = max(1, count)
        moves = {"C": many, "D": -many, "A": -many * self.cols, "B": many * self.cols}
        if final in moves:
            self.at = min(max(0, self.at + moves[final]), MOST_CELLS)
        elif final == "G":
            self.at += min(many, self.cols) - 1 - self.at % self.cols
        elif final == "K" and count == 0:
            self._blank(self.at, self._row_end())
        elif final == "J" and count == 0:
            self._blank(self.at, len(self._cells))
        elif final == "P":
            self._shift_left(many)
        elif final == "@":
            self._shift_right(many)

    def _row_end(self) -> int:
        return self.at - self.at % self.cols + self.cols

    def _reach(self, length: int) -> None:
        self._cells.extend(" " * (length - len(self._cells)))

    def _blank(self, start: int, end: int) -> None:
        end = min(end, len(self._cells))
        if end > start:
            self._cells[start:end] = " " * (end - start)

    def _shift_left(self, count: int) -> None:
        end = self._row_end()
        self._reach(end)
        count = min(count, end - self.at)
        self._cells[self.at : end] = [*self._cells[self.at + count : end], *" " * count]

    def _shift_right(self, count: int) -> None:
        end = self._row_end()
        self._reach(end)
        count = min(count, end - self.at)
        self._cells[self.at : end] = [*" " * count, *self._cells[self.at : end - count]]


def _number(args: str) -> int:
    first = args.split(";")[0]
    return min(int(first), MOST_CELLS) if first.isdecimal() else 0
