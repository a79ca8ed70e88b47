"""Reads the manual pages in machines' images, from their layers: nothing in them is run."""

import re
import zlib
from collections.abc import Iterable, Iterator

from range.runtime.image_layers import LayerFile
from tutor.importers.reading import Entry
from tutor.importers.troff import alias_of, to_markdown

LICENSE = "that of the page's package"
# A page tells every option of a program: where a technique is documented.
RUNG = 3
PAGE_LIMIT_BYTES = 1 << 20
SHORTEST_PAGE = 80
_PAGE = re.compile(r"^/usr/(?:local/)?share/man/man([158])/([^/]+)\.\1[a-z0-9]*(?:\.gz)?$")


def entries(files: Iterable[LayerFile], *, version: str) -> Iterator[Entry]:
    """Yield the English pages about programs, files and administration.

    Args:
        files: Of an image's layers, lower ones first; a later file replaces an earlier one.
        version: What tells the image from others, such as its tag.
    """
    pages: dict[tuple[str, str], bytes] = {}
    for file in files:
        if found := _PAGE.match(file.path):
            section, name = found[1], found[2]
            if name.startswith(".wh."):
                pages.pop((section, name.removeprefix(".wh.")), None)
            else:
                pages[section, name] = file.data
    for (section, name), data in sorted(pages.items()):
        source = _unpacked(data)
        body = "" if alias_of(source) else to_markdown(source)
        if len(body) >= SHORTEST_PAGE:
            yield Entry(
                name=f"{name}-{section}",
                title=f"{name}({section}), manual page",
                body=body,
                version=version,
                license=LICENSE,
                min_rung=RUNG,
            )


def _unpacked(data: bytes) -> str:
    """Return a page's text, at most so much of it; a broken one has none."""
    if data.startswith(b"\x1f\x8b"):
        try:
            data = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(data, PAGE_LIMIT_BYTES)
        except zlib.error:
            return ""
    return data[:PAGE_LIMIT_BYTES].decode("utf-8", "replace")
