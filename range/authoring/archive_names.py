"""Names inside an archive, hostile by assumption: which are refused, and where each would go."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from range.catalog.folder import IGNORED
from range.lib.errors import RangeError

NAME_LIMIT = 120
PATH_LIMIT = 240
DEPTH_LIMIT = 12
_QUOTED = 60
# What systems put beside files when they pack a folder; left out, once its name is sound.
_LEFT_OUT = IGNORED | {"__MACOSX"}


class ArchiveRefused(RangeError):
    """An archive holds something that no scenario needs; nothing of it was kept."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="archive-refused", status=422)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file of an archive.

    Args:
        path: Sound, and below the folder that everything goes to.
    """

    path: tuple[str, ...]
    executable: bool
    chunks: Iterator[bytes]


def quoted(name: str) -> str:
    """Return a hostile name as a message may show it."""
    return ascii(name[:_QUOTED]) + ("…" if len(name) > _QUOTED else "")


def sound_path(name: str) -> tuple[str, ...]:
    """Return the parts of a name, none of which leads anywhere else than down.

    Raises:
        ArchiveRefused: The name could mean another place, or another name on another system.
    """
    parts = tuple(name.removeprefix("./").removesuffix("/").split("/"))
    if name.startswith("/") or (len(name) > 1 and name[1] == ":"):
        raise _refused(name, "a path that begins inside the archive")
    if any(part in ("", ".", "..") for part in parts):
        raise _refused(name, "a path without . and ..")
    if "\\" in name or any(unicodedata.category(c)[0] == "C" for c in name):
        raise _refused(name, "a name of visible characters")
    if unicodedata.normalize("NFC", name) != name:
        raise _refused(name, "a name written the usual way (NFC)")
    if any(len(part) > NAME_LIMIT or part != part.strip() for part in parts):
        raise _refused(name, f"parts of at most {NAME_LIMIT} characters, no spaces around them")
    if len(name) > PATH_LIMIT or len(parts) > DEPTH_LIMIT:
        raise _refused(name, f"at most {PATH_LIMIT} characters and {DEPTH_LIMIT} folders")
    return parts


def is_left_out(path: tuple[str, ...]) -> bool:
    """Tell whether a file is no part of a scenario, such as what an editor leaves behind."""
    return not _LEFT_OUT.isdisjoint(path) or path[-1].endswith(("~", ".pyc"))


class Names:
    """The names met so far; two that one file system could take for one are refused."""

    def __init__(self) -> None:
        self._files: set[tuple[str, ...]] = set()
        self._folders: dict[tuple[str, ...], tuple[str, ...]] = {}

    def add(self, path: tuple[str, ...]) -> None:
        """Add a file.

        Raises:
            ArchiveRefused: It collides with another file, or with a folder.
        """
        folded = _folded(path)
        if folded in self._files or folded in self._folders:
            raise ArchiveRefused(
                f"The archive has two things called {quoted('/'.join(path))}, "
                "or names that differ in their case only."
            )
        self._files.add(folded)
        for depth in range(1, len(path)):
            above, written = folded[:depth], path[:depth]
            if above in self._files or self._folders.setdefault(above, written) != written:
                raise ArchiveRefused(
                    f"The archive has two things called {quoted('/'.join(written))}, "
                    "or names that differ in their case only."
                )


def _folded(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(unicodedata.normalize("NFKC", part).casefold() for part in path)


def _refused(name: str, expected: str) -> ArchiveRefused:
    return ArchiveRefused(f"The archive is refused: expected {expected}, found {quoted(name)}.")
