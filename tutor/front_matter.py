"""Reads front matter, whoever wrote it: small, plain values, no anchors or tags."""

from typing import Any

from range.catalog.problems import ScenarioInvalid
from range.catalog.yaml_tree import read_tree
from range.lib.errors import RangeError

LIMIT_CHARACTERS = 8_000
_BEGINS, _ENDS = "---\n", "\n---\n"


class FrontMatterInvalid(RangeError):
    """Front matter that cannot be read; the message is a clause that says why."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem, reason="front-matter-invalid")


def parted(text: str) -> tuple[str | None, str]:
    """Return a text's front matter, None where it has none, and what follows it."""
    text = text.replace("\r\n", "\n").removeprefix("\ufeff")
    if not text.startswith(_BEGINS):
        return None, text
    # The line end before the second mark may be that of the first one.
    end = text.find(_ENDS, len(_BEGINS) - 1)
    if end < 0:
        return None, text
    return text[len(_BEGINS) : end], text[end + len(_ENDS) :]


def values_of(head: str) -> dict[str, Any]:
    """Return what front matter says.

    Raises:
        FrontMatterInvalid: It is too long, no YAML, no mapping, or holds an anchor, alias or tag.
    """
    if len(head) > LIMIT_CHARACTERS:
        raise FrontMatterInvalid(f"its front matter is longer than {LIMIT_CHARACTERS} characters.")
    try:
        value = read_tree(head.encode("utf-8", "replace"), file="").value
    except ScenarioInvalid as error:
        first = error.problems[0]
        # The line of dashes above it is the text's first.
        where = f"line {first.line + 1} of " if first.line else ""
        raise FrontMatterInvalid(
            f"{where}its front matter cannot be read: {first.found}."
        ) from error
    except Exception as error:
        # The parser has more ways to fail than it names, and strangers write what it reads.
        raise FrontMatterInvalid("its front matter cannot be read as YAML.") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise FrontMatterInvalid("its front matter must be lines such as `title: Of doors`.")
    return value
