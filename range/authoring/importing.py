"""Brings drafts from other formats among the scenarios: all of a source, or none of it."""

import os
from collections.abc import Callable
from pathlib import Path

from range.authoring.archives import settle, unpack, workshop
from range.authoring.importers import cmgr, ctfd, sdl
from range.authoring.importers.draft import Draft, write
from range.authoring.skeleton import FolderTaken
from range.catalog.editor_schema import refresh_schema

type Reader = Callable[[Path], list[Draft]]
# Whether the reader wants a file as it is, or an unpacked folder.
FORMATS: dict[str, tuple[Reader, bool]] = {
    "ctfd": (ctfd.drafts, False),
    "cmgr": (cmgr.drafts, False),
    "sdl": (sdl.drafts, True),
}


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
        found = read(source if as_it_is or source.is_dir() else _unpacked(source, place))
        for draft in found:
            if os.path.lexists(root / draft.slug):
                raise FolderTaken(draft.slug)
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
