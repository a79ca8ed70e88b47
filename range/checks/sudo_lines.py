"""Lines of sudoers files as sudo reads them: remarks gone, lines joined, other files included.

Source: sudoers(5), sections "SUDOERS FILE FORMAT" and "Other special characters".
"""

import re
from collections.abc import Callable, Iterator, Sequence

DEPTH_LIMIT = 16
LINES_LIMIT = 5000
# A hash begins a remark unless a number makes it somebody's.
_REMARK = re.compile(r"(?<!\\)#(?!-?[0-9])")
_INCLUDE = re.compile(r"[ \t]*[@#](include|includedir)[ \t]+([A-Za-z0-9_./+@~-]+)[ \t]*")
_LIKE_INCLUDE = re.compile(r"[ \t]*[@#]include(dir)?([ \t]|$)")
# Where joining two lines cannot join two words.
_BETWEEN_WORDS = re.compile(r"[ \t]*[^ \t].*(?<=[ \t,=:(])")

# Reads a file's text (None: there is none), and the names in a folder.
ReadText = Callable[[str], str | None]
ListNames = Callable[[str], Sequence[str]]


class NotUnderstood(Exception):
    """A rule may say more than is understood here; the message is its line or file."""


def sudoers_lines(
    read: ReadText, list_names: ListNames, path: str, *, depth: int = 0
) -> Iterator[str]:
    """Yield the lines of a file and of everything it includes, in order, none of them empty.

    Raises:
        NotUnderstood: A line or a file cannot be read as sudo would read it for sure.
    """
    text = read(path)
    if depth > DEPTH_LIMIT or (text is None and depth) or "\r" in (text or ""):
        raise NotUnderstood(path)
    for line in _joined(text or ""):
        include = _INCLUDE.fullmatch(line)
        if include is None:
            yield line
            continue
        how, target = include.groups()
        if not target.startswith("/"):
            target = path.rpartition("/")[0] + "/" + target
        for each in _included(how, target, list_names):
            yield from sudoers_lines(read, list_names, each, depth=depth + 1)


def _included(how: str, target: str, list_names: ListNames) -> list[str]:
    if how == "include":
        return [target]
    # sudo leaves out names that hold a dot or end in a tilde.
    names = sorted(n for n in list_names(target) if "." not in n and not n.endswith("~"))
    return [f"{target.rstrip('/')}/{name}" for name in names]


def _joined(text: str) -> Iterator[str]:
    pending, found = "", 0
    for written in text.split("\n"):
        line, goes_on = _taken_apart(written, is_first=not pending)
        pending += line
        if goes_on:
            pending += " "
            continue
        if pending.strip(" \t"):
            found += 1
            yield pending.strip(" \t")
        if found > LINES_LIMIT:
            raise NotUnderstood(f"more than {LINES_LIMIT} lines")
        pending = ""
    if pending:
        raise NotUnderstood(pending)


def _taken_apart(written: str, *, is_first: bool) -> tuple[str, bool]:
    """Return a line without its remark, and whether the next one belongs to it."""
    if _LIKE_INCLUDE.match(written):
        if not is_first or not _INCLUDE.fullmatch(written):
            raise NotUnderstood(written)
        return written, False
    remark = _REMARK.search(written)
    line = written[: remark.start()] if remark else written
    goes_on = remark is None and line.endswith("\\")
    line = line.removesuffix("\\") if goes_on else line
    if any(not (character.isprintable() or character == "\t") for character in line):
        raise NotUnderstood(written)
    if not is_first and line.lstrip(" \t").startswith(":"):
        raise NotUnderstood(written)
    if line.count('"') % 2 or (goes_on and not _BETWEEN_WORDS.fullmatch(line)):
        raise NotUnderstood(written)
    return line, goes_on
