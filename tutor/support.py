"""Finds which passage supports a sentence, and the words of the passage that do."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tutor.overlap import content, sentences
from tutor.retrieval import Passage

# Share of a sentence's content words that one stretch of a passage must hold.
ENOUGH = 0.6
# What needs no citation must be close to one sentence of the author's: words gathered from
# several of them make another advice, and sometimes the opposite.
ENOUGH_UNCITED = 0.8
FEWEST_WORDS = 3
LONGER_COSTS = 0.25
CITATION = re.compile(r"\s?\[(\d{1,2})\]")
_CODE = re.compile(r"`([^`]+)`")
_NAME = re.compile(
    r"(?<![\w/])(?:/[\w.+-]+){2,}|(?<!\w)--?[a-z][\w-]+|\b[TC]\w*-?\d{3,}(?:\.\d+)?\b|\b\d{2,}\b"
)


@dataclass(frozen=True, kw_only=True)
class Quote:
    """A stretch of a passage."""

    number: int
    start: int
    end: int
    score: float

    def joined(self, other: "Quote | None") -> "Quote":
        """Return the stretch that holds both: several sentences may cite one passage."""
        if other is None:
            return self
        first, last = min(self.start, other.start), max(self.end, other.end)
        return replace(self, start=first, end=last)


@dataclass(frozen=True, kw_only=True)
class Supported:
    """A sentence with its citation settled.

    Args:
        kept: False where nothing supports it; such a sentence is not shown.
    """

    text: str
    kept: bool
    quote: Quote | None = None


class Supporter:
    """Settles citations of one answer.

    Args:
        known: What needs no citation: the author's hint.
        named: What the trainee saw and asked: its names may be repeated, which bears out nothing.
    """

    def __init__(
        self, passages: Sequence[Passage], *, known: Sequence[str], named: Sequence[str] = ()
    ) -> None:
        self._passages = passages
        self._known = [content(part) for text in known for part in sentences(text)]
        given = [*known, *named, *(passage.text for passage in passages)]
        self._everything = _flat(" ".join(given))

    def settle(self, sentence: str) -> Supported:
        """Cite the best passage; drop a factual sentence that nothing supports."""
        bare = CITATION.sub("", sentence).strip()
        if not content(bare) or self._names_unknown(bare):
            return Supported(text=bare, kept=False)
        if is_question(bare):
            return Supported(text=bare, kept=True)
        quote = self._best(bare)
        if quote is not None:
            return Supported(text=f"{bare} [{quote.number}]", kept=True, quote=quote)
        return Supported(text=bare, kept=self._is_known(bare))

    def _names_unknown(self, sentence: str) -> bool:
        """Tell whether it names a command, path or option that nobody gave it."""
        return any(name not in self._everything for name in _names(sentence))

    def _best(self, sentence: str) -> Quote | None:
        wanted = content(sentence)
        if len(wanted) < FEWEST_WORDS:
            return None
        # What names something is borne out by a passage that names it too.
        named = _names(sentence)
        naming = (
            passage
            for passage in self._passages
            if all(name in _flat(passage.text) for name in named)
        )
        quotes = (quote_of(passage, wanted) for passage in naming)
        best = max((quote for quote in quotes if quote), key=lambda q: q.score, default=None)
        return best if best and best.score >= ENOUGH else None

    def _is_known(self, sentence: str) -> bool:
        wanted = content(sentence)
        shared = max((len(wanted & known) for known in self._known), default=0)
        return bool(wanted) and shared / len(wanted) >= ENOUGH_UNCITED


def _names(sentence: str) -> list[str]:
    """Return the commands, paths, options and numbers of a sentence, as they stand.

    A small model makes new commands out of given words.
    """
    named = [*_CODE.findall(sentence), *_NAME.findall(_CODE.sub(" ", sentence))]
    return [_flat(name) for name in named]


def _flat(text: str) -> str:
    return " ".join(text.casefold().split())


def is_question(sentence: str) -> bool:
    """Tell whether a sentence asks something."""
    return sentence.rstrip("*_\"')").endswith("?")


def quote_of(passage: Passage, wanted: frozenset[str]) -> Quote | None:
    """Return the sentence of a passage, or the two neighbours, that hold most of some words."""
    parts = sentences(passage.text)
    windows = [(part, part) for part in parts] + list(pairwise(parts))
    best: Quote | None = None
    for first, last in windows:
        start = passage.text.find(first)
        end = passage.text.find(last, start) + len(last)
        score = len(wanted & content(passage.text[start:end])) / max(1, len(wanted))
        # A longer stretch must say clearly more than a shorter one.
        worth = score if first is last else score - LONGER_COSTS
        if score > 0 and (best is None or worth > best.score):
            best = Quote(number=passage.number, start=start, end=end, score=worth)
    return best


def best_quote(passage: Passage, question: str) -> Quote:
    """Return what to mark of a passage for a question; its first sentence where nothing matches."""
    found = quote_of(passage, content(question))
    if found is not None:
        return found
    first = (sentences(passage.text) or [passage.text])[0]
    start = passage.text.find(first)
    return Quote(number=passage.number, start=start, end=start + len(first), score=0.0)
