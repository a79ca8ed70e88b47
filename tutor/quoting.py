"""Makes hostile text harmless to quote: no control sequences, no hidden characters, a fence."""

import re
import secrets
import unicodedata
from collections.abc import Sequence

from django.utils.crypto import salted_hmac

_OSC = re.compile(r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f]).*?(?:\x07|\x1b\\|\x9c|$)", re.DOTALL)
_CSI = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?")
_ESCAPE = re.compile(r"\x1b[ -/]*[0-~]?")
# Chat templates of common models: a server may read them as control tokens inside any text.
_TEMPLATE = re.compile(
    r"<\s*(?=[|\uff5c])|(?<=[|\uff5c])\s*>|<<(?=/?SYS)|\[(?=/?INST\])"
    r"|<(?=\s*+(?:/\s*+)?(?:s|system|user|assistant|think|tool_call|tool_response)\b)",
    re.IGNORECASE,
)
# What a careless reader could take for one of our marks, whatever stands in it.
_LIKE_A_FENCE = re.compile(r"\[\[(?=\s*end\b|[^\[\]\n]*\b[0-9a-f]{12}\s*\]\])", re.IGNORECASE)
FENCE_DIGITS = 12
ELLIPSIS = "…"


def plain(text: str) -> str:
    """Return readable text only: control sequences, bidi and zero-width characters removed."""
    text = _CSI.sub("", _OSC.sub("", text))
    text = _ESCAPE.sub("", text)
    text = _backspaced(text.replace("\r\n", "\n"))
    return "".join(_readable(character) for character in text)


def _backspaced(text: str) -> str:
    """Return what is left when each backspace took the character before it."""
    if "\x08" not in text:
        return text
    kept: list[str] = []
    for character in text:
        if character != "\x08":
            kept.append(character)
        elif kept and kept[-1] != "\n":
            kept.pop()
    return "".join(kept)


def _readable(character: str) -> str:
    if character in "\n\t":
        return character
    category = unicodedata.category(character)
    if category in {"Cc", "Zl", "Zp"}:
        return " "
    return "" if category in {"Cf", "Cs", "Co", "Cn"} else character


def one_line(text: str, *, limit: int) -> str:
    """Return readable text on one line, cut to `limit` characters."""
    return cut(" ".join(plain(text).split()), limit=limit)


def cut(text: str, *, limit: int) -> str:
    """Shorten text to `limit` characters, the last of them a mark that something is missing."""
    return text if len(text) <= limit else text[: max(0, limit - 1)].rstrip() + ELLIPSIS


def inert(text: str) -> str:
    """Break what a model's server could take for a control token or a role of the chat."""
    return _TEMPLATE.sub("(", text)


def new_fence() -> str:
    """Return a mark that nobody who wrote the quoted text could have known."""
    return secrets.token_hex(FENCE_DIGITS // 2)


def lasting_fence(text: str) -> str:
    """Return the mark of one text on this range, the same whenever that text is quoted.

    It hangs on a key and on all of the text: whoever wrote it cannot know it, and whoever learns
    it and writes it into the text changes it.
    """
    return salted_hmac("tutor.quoting", text, algorithm="sha256").hexdigest()[:FENCE_DIGITS]


def fenced(text: str, *, fence: str, label: str, known: Sequence[str] = ()) -> str:
    """Wrap untrusted text so that its end can be told from anything inside it.

    Args:
        known: Marks of the same prompt that its writer may have come to know.
    """
    body = inert(plain(text))
    for mark in (fence, *known):
        while mark in body:
            body = body.replace(mark, "")
    body = _LIKE_A_FENCE.sub("((", body)
    return f"[[{label} {fence}]]\n{body}\n[[end {fence}]]"
