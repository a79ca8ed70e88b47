"""Reads a folder of Markdown: each file an article, its title the first heading or its name."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tutor.chunking import heading_of
from tutor.front_matter import FrontMatterInvalid, parted, values_of
from tutor.importers.reading import Entry, ImportRefused, files_below, text_of

DEFAULT_RUNG = 2
HIGHEST_RUNG = 4
# What a page carries for browsers alone is no text.
_BEGINS_HIDDEN = re.compile(r"<(script|style)\b", re.IGNORECASE)
_ENDS_HIDDEN = {
    name: re.compile(rf"</{name}\s{{0,20}}>", re.IGNORECASE) for name in ("script", "style")
}
# In these no run may hold what begins the next one, and none is tried twice: a megabyte of
# brackets is read in one go.
_IMAGE = re.compile(r"!\[([^\[\]]*+)\]\([^()]*+(?:\([^()]*+\)[^()]*+)?+\)")
_LINK = re.compile(r"\[([^\[\]]++)\]\(([^()\s]*+(?:\([^()\s]*+\)[^()\s]*+)?+)\)")


def entries(folder: Path) -> Iterator[Entry]:
    """Yield the Markdown and text files below a folder.

    Raises:
        ImportRefused: There are none, or one cannot be read.
    """
    found = False
    for path in files_below(folder, ".md", ".markdown", ".txt"):
        found = True
        name, text = path.relative_to(folder).with_suffix(""), text_of(path)
        try:
            yield entry_of(text, name=str(name), fallback=path.stem.replace("_", " "))
        except FrontMatterInvalid as error:
            raise ImportRefused(f"{path}: {error.message}") from error
    if not found:
        raise ImportRefused(f"{folder} holds no Markdown.")


def entry_of(text: str, *, name: str, fallback: str) -> Entry:
    """Return one text as an entry; its front matter counts where it has any.

    Args:
        fallback: Its title where neither front matter nor a heading gives one.

    Raises:
        FrontMatterInvalid: Its front matter cannot be read.
    """
    head, body = parted(text)
    front = values_of(head) if head else {}
    body = _LINK.sub(_without_link, _IMAGE.sub(r"\1", _without_hidden(body)))
    return Entry(
        name=name,
        title=_line(front, "title") or _heading(body) or fallback,
        body=body,
        version=_line(front, "version"),
        license=_line(front, "license") or _line(front, "licence"),
        url=_line(front, "url"),
        min_rung=_rung(front.get("min_rung")),
    )


def _heading(body: str) -> str:
    first = (heading_of(line) for line in body.split("\n") if line.startswith("# "))
    return next(filter(None, first), "")


def _without_hidden(text: str) -> str:
    kept, at, endless = list[str](), 0, set[str]()
    for begin in _BEGINS_HIDDEN.finditer(text):
        name = begin[1].casefold()
        if begin.start() < at or name in endless:
            continue
        end = _ENDS_HIDDEN[name].search(text, begin.end())
        if end is None:
            endless.add(name)
            continue
        kept.append(text[at : begin.start()])
        at = end.end()
    return "".join([*kept, text[at:]])


def _without_link(found: re.Match[str]) -> str:
    """A passage is quoted without links: what one leads to is another page, or far away."""
    url = found[2]
    is_link = url.startswith(("https://", "http://", "#")) or url.partition("#")[0].endswith(".md")
    return found[1] if is_link else found[0]


def _line(front: Mapping[str, Any], name: str) -> str:
    """Return one value of front matter.

    Raises:
        FrontMatterInvalid: It is a list or a mapping.
    """
    value = front.get(name)
    if isinstance(value, list | dict):
        raise FrontMatterInvalid(f"`{name}` in its front matter must be one line.")
    return "" if value is None else str(value)


def _rung(value: object) -> int:
    """Return the rung that front matter names.

    Raises:
        FrontMatterInvalid: There is no such rung.
    """
    if value is None:
        return DEFAULT_RUNG
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= HIGHEST_RUNG:
        raise FrontMatterInvalid(f"`min_rung` in its front matter must be 0 to {HIGHEST_RUNG}.")
    return value
