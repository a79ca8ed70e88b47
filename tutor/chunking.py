"""Reads an article with front matter and cuts it into chunks by heading."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from range.lib.errors import RangeError

# About 200 tokens: small enough for a short prompt, long enough to stand alone.
CHUNK_CHARACTERS = 900
_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_HEADING = re.compile(r"^#{1,4} +(.+?) *#*$")
_RUNG = re.compile(r"^<!-- *rung: *([0-4]) *-->$")
_FENCE = re.compile(r"^(?:```|~~~)")


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

    @property
    def sha256(self) -> str:
        """Return the digest that tells whether a chunk must be embedded again."""
        return hashlib.sha256(f"{self.heading}\n{self.text}".encode()).hexdigest()


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
    text = text.replace("\r\n", "\n").removeprefix("\ufeff")
    found = _FRONT.match(text)
    if not found:
        raise ArticleInvalid(name, "it must begin with front matter between two lines of `---`.")
    front = _front(found[1], name)
    pieces = tuple(_pieces(text[found.end() :], front))
    if not pieces:
        raise ArticleInvalid(name, "it holds no text below its front matter.")
    return Article(front=front, pieces=pieces, sha256=hashlib.sha256(text.encode()).hexdigest())


def _front(text: str, name: str) -> FrontMatter:
    try:
        loaded: Any = YAML(typ="safe", pure=True).load(text)
        return FrontMatter.model_validate(loaded)
    except YAMLError as error:
        raise ArticleInvalid(name, "its front matter is not readable YAML.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "front matter"
        raise ArticleInvalid(name, f"`{where}`: {first['msg']}.") from error


def _pieces(body: str, front: FrontMatter) -> Iterator[Piece]:
    for heading, rung, lines in _sections(body, front):
        for text in _cut("\n".join(lines).strip()):
            yield Piece(heading=heading, text=text, min_rung=rung)


def _sections(body: str, front: FrontMatter) -> Iterator[tuple[str, int, list[str]]]:
    heading, rung, lines, fenced = front.title, front.min_rung, list[str](), False
    for line in body.split("\n"):
        fenced ^= bool(_FENCE.match(line))
        if not fenced and (found := _HEADING.match(line)):
            yield heading, rung, lines
            heading, rung, lines = found[1][:200], front.min_rung, []
        elif not fenced and (found := _RUNG.match(line.strip())):
            rung = int(found[1])
        else:
            lines.append(line)
    yield heading, rung, lines


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
    return [*blocks, "\n".join(lines)] if lines else blocks
