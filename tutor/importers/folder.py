"""Reads a folder of Markdown: each file an article, its title the first heading or its name."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tutor.chunking import without_front_matter
from tutor.importers.reading import Entry, ImportRefused, files_below, text_of

_TITLE = re.compile(r"^# +(.+?) *#*$", re.MULTILINE)
# What a page carries for browsers alone is no text.
_HIDDEN = re.compile(r"<(script|style)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_IMAGE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
# A passage is quoted without links: what one leads to is another page, or far away.
_LINK = re.compile(r"\[([^\]]+)\]\((?:https?://[^)\s]*|[^)\s]*\.md(?:#[^)\s]*)?|#[^)\s]*)\)")


def entries(folder: Path) -> Iterator[Entry]:
    """Yield the Markdown and text files below a folder.

    Raises:
        ImportRefused: There are none, or one cannot be read.
    """
    found = False
    for path in files_below(folder, ".md", ".markdown", ".txt"):
        found = True
        name = path.relative_to(folder).with_suffix("")
        yield entry_of(text_of(path), name=str(name), fallback=path.stem.replace("_", " "))
    if not found:
        raise ImportRefused(f"{folder} holds no Markdown.")


def entry_of(text: str, *, name: str, fallback: str) -> Entry:
    """Return one text as an entry; its front matter counts where it has any.

    Args:
        fallback: Its title where neither front matter nor a heading gives one.
    """
    head, body = without_front_matter(text)
    front = _front(head)
    body = _LINK.sub(r"\1", _IMAGE.sub(r"\1", _HIDDEN.sub("", body)))
    heading = _TITLE.search(body)
    return Entry(
        name=name,
        title=str(front.get("title") or (heading[1] if heading else "") or fallback),
        body=body,
        version=str(front.get("version") or ""),
        license=str(front.get("license") or front.get("licence") or ""),
        url=str(front.get("url") or ""),
        min_rung=_rung(front.get("min_rung")),
    )


def _front(head: str) -> dict[str, Any]:
    try:
        loaded = YAML(typ="safe", pure=True).load(head) if head else None
    except (YAMLError, RecursionError, ValueError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _rung(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value <= 4 else 2
