"""Reads pages of tldr: what a program is for, and examples of how it is called."""

import re
from collections.abc import Iterator
from pathlib import Path

from tutor.importers.reading import Entry, ImportRefused, files_below, text_of

LICENSE = "CC-BY-4.0"
# Whole command lines are a technique.
RUNG = 3
PLATFORMS = ("common", "linux")
_PLACE = re.compile(r"\{\{(.*?)\}\}")
_MORE = re.compile(r"More information: <([^>]+)>")
_OPTIONS = re.compile(r"\[(-[^|\]]+)\|(--[^\]]+)\]")


def entries(folder: Path) -> Iterator[Entry]:
    """Yield the English pages for Linux and for everywhere.

    Args:
        folder: Of the repository, or its folder `pages`.

    Raises:
        ImportRefused: There are none.
    """
    pages = folder / "pages" if (folder / "pages").is_dir() else folder
    found = False
    for platform in PLATFORMS:
        if not (pages / platform).is_dir():
            continue
        for path in files_below(pages / platform, ".md"):
            found = True
            yield _entry(path.stem, platform, text_of(path))
    if not found:
        raise ImportRefused(f"{folder} holds no page: its folders common and linux are missing.")


def _entry(name: str, platform: str, text: str) -> Entry:
    more = _MORE.search(text)
    lines = [line.rstrip() for line in text.splitlines()]
    title = next((line[2:] for line in lines if line.startswith("# ")), name)
    about = [line[2:] for line in lines if line.startswith("> ") and not line.startswith("> More ")]
    examples = [_example(line) for line in lines if line.startswith(("- ", "`"))]
    return Entry(
        name=f"{platform}-{name}",
        title=f"{title} by examples",
        body=f"## {title}\n\n{' '.join(about)}\n\n" + "\n".join(examples),
        version="",
        license=LICENSE,
        url=more[1] if more else "",
        min_rung=RUNG,
    )


def _example(line: str) -> str:
    line = _OPTIONS.sub(r"\2", line)
    return _PLACE.sub(lambda found: f"<{found[1]}>", line)
