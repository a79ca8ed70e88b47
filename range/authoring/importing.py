"""Brings drafts from other formats among the scenarios: all of a source, or none of it."""

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from range.authoring.archive_names import ArchiveRefused
from range.authoring.archives import settle, unpack, workshop
from range.authoring.importers import cmgr, ctfd, sdl
from range.authoring.importers.draft import Draft, write
from range.authoring.skeleton import FolderTaken
from range.catalog.editor_schema import refresh_schema
from range.lib.logs import get_logger

log = get_logger(__name__)

type Reader = Callable[[Path], list[Draft]]
# Whether the reader wants a file as it is, or an unpacked folder.
FORMATS: dict[str, tuple[Reader, bool]] = {
    "ctfd": (ctfd.drafts, False),
    "cmgr": (cmgr.drafts, False),
    "sdl": (sdl.drafts, True),
}


# What each format is called, and the file that shows it.
_SIGNS = {
    "muster": ("a scenario of Muster", re.compile(r"([^/]+/)?scenario\.yaml")),
    "ctfd": ("an export of CTFd", re.compile(r"([^/]+/)?db/challenges\.json")),
    "cmgr": ("a problem of cmgr", re.compile(r"([^/]+/)?problem\.(md|json)")),
}
_SDL = ("a topology in Open Cyber Range SDL", re.compile(rb"^(nodes|infrastructure|name):", re.M))
_START_BYTES = 4096


@contextmanager
def understood() -> Iterator[None]:
    """Refuse a source whose values are of other kinds than its format has.

    Raises:
        ArchiveRefused: They are.
    """
    try:
        yield
    except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError) as error:
        log.warning("import.not_understood", exc_info=True)
        raise ArchiveRefused(
            "It cannot be read as that format: a value in it is of another kind than expected."
        ) from error


def suggestion(source: Path, *, chosen: str) -> str:
    """Return a sentence about what a refused file looks like; empty where that helps nobody.

    Args:
        chosen: The format that it was said to be.
    """
    with tempfile.TemporaryDirectory(prefix="muster-upload-") as place:
        try:
            names = [path.as_posix() for path in _names(_unpacked(source, Path(place)))]
        except ArchiveRefused:
            names = []
    found = [key for key, (_, sign) in _SIGNS.items() if any(map(sign.fullmatch, names))]
    with source.open("rb") as file:
        is_sdl = len(set(_SDL[1].findall(file.read(_START_BYTES)))) > 1
    form = found[0] if found else "sdl" if is_sdl else ""
    if form in ("", chosen):
        return ""
    called = _SIGNS[form][0] if form in _SIGNS else _SDL[0]
    return f" It looks like {called}: choose that."


def _names(folder: Path) -> Iterator[Path]:
    return (path.relative_to(folder) for path in folder.rglob("*"))


def import_drafts(source: Path, root: Path, *, form: str) -> list[Draft]:
    """Make drafts of everything in a source, each with its report.

    Args:
        source: A file, an archive, or the folder that an archive would hold.
        form: One of `FORMATS`.

    Raises:
        ArchiveRefused: It is nothing of that format, or holds what no scenario needs.
        ScenarioInvalid: Its YAML cannot be read.
        FolderTaken: A scenario of a draft's name is there; nothing was written.
    """
    read, as_it_is = FORMATS[form]
    with workshop(root) as place:
        folder = source if as_it_is or source.is_dir() else _unpacked(source, place)
        with understood():
            found = read(folder)
        for draft in found:
            if os.path.lexists(root / draft.slug):
                raise FolderTaken(draft.slug)
        with understood():
            for draft in found:
                write(draft, place / f"draft-{draft.slug}")
        for draft in found:
            settle(place / f"draft-{draft.slug}", root / draft.slug, place)
    refresh_schema(root)
    return found


def _unpacked(source: Path, place: Path) -> Path:
    with source.open("rb") as file:
        unpack(file, place / "source")
    return place / "source"
