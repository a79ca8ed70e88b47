"""What every reader of a collection needs: files within bounds, names, and an article's frame."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from range.lib.errors import RangeError
from tutor.chunking import Article, FrontMatter, Piece, cut_plain
from tutor.quoting import inert, one_line, plain

FILE_LIMIT_BYTES = 4 << 20
COLLECTION_LIMIT_BYTES = 256 << 20
MOST_FILES = 50_000
TITLE_LIMIT = 200
SLUG_LIMIT = 80
_NOT_SLUG = re.compile(r"[^a-z0-9]+")


class ImportRefused(RangeError):
    """A collection cannot be read; the message says what was expected and what came."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="import-refused")


@dataclass(frozen=True, kw_only=True)
class About:
    """What an operator says about a collection; empty where its files say it themselves."""

    version: str = ""
    license: str = ""
    url: str = ""
    min_rung: int | None = None
    spoils: bool = False


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One document of a collection, before it is cut.

    Args:
        name: What tells it from all others of its collection.
        body: Markdown.
    """

    name: str
    title: str
    body: str
    version: str
    license: str
    url: str = ""
    min_rung: int = 2


def files_below(folder: Path, *endings: str) -> Iterator[Path]:
    """Yield the regular files below a folder in a fixed order; links are not followed.

    Raises:
        ImportRefused: There is no such folder, or it holds too many files.
    """
    if not folder.is_dir():
        raise ImportRefused(f"{folder} is not a folder.")
    found = 0
    for place, folders, names in folder.walk(follow_symlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = place / name
            if name.endswith(endings) and path.is_file() and not path.is_symlink():
                found += 1
                if found > MOST_FILES:
                    raise ImportRefused(f"{folder} holds more than {MOST_FILES:,} files.")
                yield path


def bytes_of(path: Path, *, limit: int = FILE_LIMIT_BYTES) -> bytes:
    """Return a file's bytes.

    Raises:
        ImportRefused: It cannot be read or is too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise ImportRefused(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > limit:
        raise ImportRefused(f"{path} holds more than {limit >> 20} MiB.")
    return data


def text_of(path: Path) -> str:
    """Return a file's text.

    Raises:
        ImportRefused: It cannot be read, is too large, or is no UTF-8 text.
    """
    try:
        return bytes_of(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportRefused(f"{path} is not UTF-8 text.") from error


def slug_of(name: str, *, limit: int = SLUG_LIMIT) -> str:
    """Return a name as keys hold it; a long or foreign one ends in a digest that keeps it apart."""
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    slug = _NOT_SLUG.sub("-", bare).strip("-")
    return slug if slug == name and len(slug) <= limit else shortened(slug, name, limit=limit)


def shortened(slug: str, name: str, *, limit: int) -> str:
    """Return the beginning of a slug with a digest of the name that it stands for."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{slug[: limit - 9].strip('-') or 'x'}-{digest}"


def article_of(entry: Entry, about: About) -> Article | None:
    """Cut one entry into an article; None where nothing is left to read.

    Control sequences, hidden characters and what a chat template would read as its own are gone
    before anything is stored: a collection is written by strangers.
    """
    front = FrontMatter(
        title=_heading(entry.title) or entry.name,
        slug=slug_of(entry.name),
        license=one_line(about.license or entry.license, limit=64) or "unknown",
        version=one_line(about.version or entry.version, limit=32) or "unknown",
        url=one_line(about.url or entry.url, limit=300),
        min_rung=entry.min_rung if about.min_rung is None else about.min_rung,
        spoils=about.spoils,
    )
    pieces = cleaned(cut_plain(plain(entry.body), front))
    if not pieces:
        return None
    return Article(front=front, pieces=pieces, sha256=digest_of(front, pieces))


def cleaned(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Return pieces whose headings stand on one line and steer no model."""
    return tuple(
        Piece(
            heading=_heading(each.heading),
            text=each.text,
            min_rung=each.min_rung,
            asks=each.asks,
        )
        for each in pieces
    )


def digest_of(front: FrontMatter, pieces: Sequence[Piece]) -> str:
    """Return what changes when anything that is stored of a document does."""
    digest = hashlib.sha256(front.model_dump_json().encode())
    for piece in pieces:
        digest.update(f"\n{piece.min_rung} {piece.sha256}".encode())
    return digest.hexdigest()


def _heading(text: str) -> str:
    return inert(one_line(text, limit=TITLE_LIMIT))[:TITLE_LIMIT]
