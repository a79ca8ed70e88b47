"""What differs between two sets of files, line by line where that can be told."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from range.catalog.source import File, Files

LINES_LIMIT = 3000
BYTES_LIMIT = 256 << 10
AROUND = 3


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a comparison.

    Args:
        sign: `+` for a new line, `-` for one that is gone, empty around them, `…` for a gap.
        before: Its number in the earlier file; None where it is new.
        after: Its number in the later file; None where it is gone.
    """

    sign: str
    before: int | None
    after: int | None
    text: str


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How one file differs.

    Args:
        state: `added`, `removed` or `changed`.
        note: What cannot be shown line by line, in words.
    """

    path: str
    state: str
    lines: tuple[Line, ...] = ()
    note: str = ""

    @property
    def added(self) -> int:
        """Return how many lines are new."""
        return sum(line.sign == "+" for line in self.lines)

    @property
    def removed(self) -> int:
        """Return how many lines are gone."""
        return sum(line.sign == "-" for line in self.lines)


def compare(before: Files, after: Files) -> list[Difference]:
    """Return every file that differs, by path."""
    return [
        _difference(path, before.get(path), after.get(path))
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    ]


def _difference(path: str, before: File | None, after: File | None) -> Difference:
    state = "added" if before is None else "removed" if after is None else "changed"
    old, new = (b"" if each is None else each.data for each in (before, after))
    if old == new:
        executable = after is not None and after.executable
        note = "Can be run now." if executable else "Cannot be run any more."
        return Difference(path=path, state=state, note="" if state != "changed" else note)
    texts = [None if each is None else each.text for each in (before, after)]
    if any(each is not None and each.text is None for each in (before, after)):
        return Difference(path=path, state=state, note=_sizes(old, new))
    rows = [(text or "").splitlines() for text in texts]
    if max(len(old), len(new)) > BYTES_LIMIT or max(map(len, rows)) > LINES_LIMIT:
        return Difference(path=path, state=state, note=f"Too long to compare. {_sizes(old, new)}")
    return Difference(path=path, state=state, lines=tuple(_lines(*rows)))


def _lines(old: list[str], new: list[str]) -> Iterator[Line]:
    matcher = SequenceMatcher(None, old, new)
    for number, group in enumerate(matcher.get_grouped_opcodes(AROUND)):
        if number:
            yield Line(sign="…", before=None, after=None, text="")
        for tag, from_old, to_old, from_new, to_new in group:
            if tag == "equal":
                for i, j in zip(range(from_old, to_old), range(from_new, to_new), strict=True):
                    yield Line(sign="", before=i + 1, after=j + 1, text=old[i])
                continue
            for i in range(from_old, to_old):
                yield Line(sign="-", before=i + 1, after=None, text=old[i])
            for j in range(from_new, to_new):
                yield Line(sign="+", before=None, after=j + 1, text=new[j])


def _sizes(old: bytes, new: bytes) -> str:
    return f"{len(old)} bytes before, {len(new)} after."
