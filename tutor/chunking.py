"""Reads an article, with or without front matter, and cuts it into chunks by heading."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from range.lib.errors import RangeError
from tutor import front_matter

# About 200 tokens: small enough for a short prompt, long enough to stand alone.
CHUNK_CHARACTERS = 900
# A paragraph that goes on for longer is cut too, wherever a line, a sentence or a word ends.
LONGEST_BLOCK = 1_600
LONGEST_HEADING = 200
# Every passage of a section carries its questions, and each of them is embedded.
MOST_ASKS = 20
LONGEST_ASK = 200
DEEPEST_HEADING = 4
_RUNGS = ("0", "1", "2", "3", "4")
_FENCE = re.compile(r"^(?:```|~~~)")
_ENDS = ("\n", ". ", " ")


class ArticleInvalid(RangeError):
    """An article that cannot be ingested; the message names it and what is wrong."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}", reason="article-invalid")


class FrontMatter(BaseModel):
    """What an article says about itself."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=3, max_length=200)
    slug: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=80)
    license: str = Field(min_length=2, max_length=64)
    version: str | int | float
    topics: list[str] = []
    skills: list[str] = []
    min_rung: int = Field(default=0, ge=0, le=4)
    spoils: bool = False
    objective: str = ""
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One chunk before it is stored."""

    heading: str
    text: str
    min_rung: int
    asks: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Return the digest that tells whether a chunk must be embedded again."""
        asked = "".join(f"\n? {each}" for each in self.asks)
        return hashlib.sha256(f"{self.heading}\n{self.text}{asked}".encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Article:
    """One document, cut into pieces."""

    front: FrontMatter
    pieces: tuple[Piece, ...]
    sha256: str


def parse(text: str, *, name: str) -> Article:
    """Read one article.

    Args:
        name: What messages call it, such as its file name.

    Raises:
        ArticleInvalid: No front matter, unknown or wrong fields, or no text.
    """
    if "\0" in text:
        raise ArticleInvalid(name, "it is not text: it holds zero bytes.")
    head, body = front_matter.parted(text)
    if head is None:
        raise ArticleInvalid(name, "it must begin with front matter between two lines of `---`.")
    front = _front(head, name)
    pieces = tuple(_pieces(body, front))
    if not pieces:
        raise ArticleInvalid(name, "it holds no text below its front matter.")
    whole = f"---\n{head}\n---\n{body}"
    return Article(front=front, pieces=pieces, sha256=hashlib.sha256(whole.encode()).hexdigest())


def _front(head: str, name: str) -> FrontMatter:
    try:
        return FrontMatter.model_validate(front_matter.values_of(head))
    except front_matter.FrontMatterInvalid as error:
        raise ArticleInvalid(name, error.message) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "front matter"
        raise ArticleInvalid(name, f"`{where}`: {first['msg']}.") from error


def cut_plain(body: str, front: FrontMatter) -> tuple[Piece, ...]:
    """Cut a text that has no front matter of its own; what is said about it comes from outside."""
    return tuple(_pieces(body.replace("\r\n", "\n"), front))


def heading_of(line: str) -> str:
    """Return the text of a line that is a heading; empty where it is none.

    By hand: a pattern that looks for marks at both ends takes for ever on a line full of them.
    """
    text = line.lstrip("#")
    if not 0 < len(line) - len(text) <= DEEPEST_HEADING or not text.startswith(" "):
        return ""
    text = text.strip(" ")
    return text.rstrip("#").rstrip(" ") or text


def _told(line: str) -> tuple[str, str]:
    """Return what a comment tells about its section, such as `rung` and `3`."""
    line = line.strip()
    if not line.startswith("<!--") or not line.endswith("-->"):
        return "", ""
    name, _, value = line[4:-3].strip(" ").partition(":")
    return name, value.strip(" ")


@dataclass(kw_only=True)
class _Section:
    """What stands below one heading, while it is read."""

    heading: str
    rung: int
    asks: tuple[str, ...] = ()
    lines: list[str] = field(default_factory=list)


def _pieces(body: str, front: FrontMatter) -> Iterator[Piece]:
    for section in _sections(body, front):
        for text in _cut("\n".join(section.lines).strip()):
            yield Piece(
                heading=section.heading, text=text, min_rung=section.rung, asks=section.asks
            )


def _sections(body: str, front: FrontMatter) -> Iterator[_Section]:
    section, fenced = _Section(heading=front.title, rung=front.min_rung), False
    for line in body.split("\n"):
        fenced ^= bool(_FENCE.match(line))
        if not fenced and (heading := heading_of(line)):
            yield section
            section = _Section(heading=heading[:LONGEST_HEADING], rung=front.min_rung)
        elif fenced or not _is_told(line, section, front):
            section.lines.append(line)
    yield section


def _is_told(line: str, section: _Section, front: FrontMatter) -> bool:
    """Take what a comment tells about its section; False where the line is text."""
    name, value = _told(line)
    if name == "rung" and value in _RUNGS:
        # Whoever gave the text its lowest rung is never overruled from inside it.
        section.rung = max(front.min_rung, int(value))
    elif name == "asks" and value:
        asked = (part.strip()[:LONGEST_ASK] for part in value.split(";"))
        section.asks = (*section.asks, *filter(None, asked))[:MOST_ASKS]
    else:
        return False
    return True


def _cut(text: str) -> Iterator[str]:
    """Cut a section between paragraphs, never inside a fenced block, code kept to its text."""
    held = ""
    for block in _blocks(text):
        if held and len(held) + len(block) > CHUNK_CHARACTERS:
            yield held
            held = ""
        held = f"{held}\n\n{block}" if held else block
    if held:
        yield held


def _blocks(text: str) -> list[str]:
    blocks, lines, fenced = list[str](), list[str](), False
    for line in text.split("\n"):
        fenced ^= bool(_FENCE.match(line))
        if line.strip() or fenced:
            lines.append(line)
        elif lines:
            blocks.append("\n".join(lines))
            lines = []
    whole = [*blocks, "\n".join(lines)] if lines else blocks
    return [part for block in whole for part in _bounded(block)]


def _bounded(block: str) -> Iterator[str]:
    """Cut a block that nobody could read at once; each part of a fenced one is fenced anew."""
    fence = block.split("\n", 1)[0][:20] if _FENCE.match(block) else ""
    while len(block) > LONGEST_BLOCK:
        ends = (block.rfind(end, CHUNK_CHARACTERS, LONGEST_BLOCK) for end in _ENDS)
        at = next((end + 1 for end in ends if end > 0), LONGEST_BLOCK)
        head, block = block[:at].rstrip(), block[at:].lstrip()
        yield f"{head}\n{fence[:3]}" if fence else head
        block = f"{fence}\n{block}" if fence and block else block
    if block:
        yield block
