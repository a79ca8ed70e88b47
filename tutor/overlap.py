"""Says what two texts share: word runs for the guard, content words for citations."""

import re
from collections.abc import Iterable, Sequence

_WORD = re.compile(r"[\w./~$@:+=-]*\w[\w./~$@:+=-]*|-{1,2}\w[\w-]*|[|!*]")
_CONTENT = re.compile(r"[a-z0-9][a-z0-9_./+-]*[a-z0-9]|[a-z0-9]")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"'(])|\n{2,}|\n(?=[-*] )")
_SUFFIXES = ("ings", "ing", "edly", "ed", "ly", "s")
_STOP_WORDS = """
a about above after again all also am an and any are as at be because been before being
below between both but by can cannot could did do does done down each either else ever
every few for from further get give given go had has have having he her here him his how
i if in into is it its itself just let like look made make many may me might more most
much must my need next no not now of off on once one only or other our out over own same
see she should so some such take than that the their them then there these they thing
this those through to too try under until up us use used using very want was way we were
what when where which while who whose why will with without would yes yet you your
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())


def words(text: str) -> list[str]:
    """Return the words of a text or the parts of a command line, in lower case."""
    return [word.casefold().rstrip(".:") for word in _WORD.findall(text)]


def runs(text: str, *, length: int) -> frozenset[tuple[str, ...]]:
    """Return every run of `length` words."""
    found = words(text)
    return frozenset(tuple(found[at : at + length]) for at in range(len(found) - length + 1))


def runs_of_all(texts: Iterable[str], *, length: int) -> frozenset[tuple[str, ...]]:
    """Return every run of `length` words of several texts."""
    return frozenset[tuple[str, ...]]().union(*(runs(text, length=length) for text in texts))


def content(text: str) -> frozenset[str]:
    """Return the stems of the words that carry meaning."""
    found = (word.strip("./+-") for word in _CONTENT.findall(text.casefold()))
    return frozenset(stem(word) for word in found if word and word not in STOP_WORDS)


def stem(word: str) -> str:
    """Cut one English ending and a last e, so that `files` meets `file` and `filed`."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and not word.endswith("ss") and len(word) - len(suffix) >= 3:
            word = word[: -len(suffix)]
            break
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def sentences(text: str) -> list[str]:
    """Return the sentences of a passage, each a stretch of the text as it stands."""
    return [part for part in (piece.strip() for piece in _SENTENCE.split(text)) if part]


def holds_any(text: str, phrases: Sequence[str]) -> bool:
    """Tell whether a text holds one of the phrases as whole words, in any case."""
    if not phrases:
        return False
    spoken = " ".join(text.split())
    return any(
        re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", spoken, re.IGNORECASE) for phrase in phrases
    )
