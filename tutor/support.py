"""Finds which passage supports a sentence, and the words of the passage that do."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tutor.overlap import content, sentences
from tutor.retrieval import Passage

# Share of a sentence's content words that one stretch of a passage must hold.
ENOUGH = 0.5
# What needs no citation must be close to the author's words: half of them make another advice.
ENOUGH_UNCITED = 0.7
FEWEST_WORDS = 3
LONGER_COSTS = 0.25
CITATION = re.compile(r"\s?\[(\d{1,2})\]")
_CODE = re.compile(r"`([^`]+)`")
_NAME = re.compile(
    r"(?<![\w/])(?:/[\w.+-]+){2,}|(?<!\w)--?[a-z][\w-]+|\b[TC]\w*-?\d{3,}(?:\.\d+)?\b"
)


@dataclass(frozen=True, kw_only=True)
class Quote:
    """A stretch of a passage."""

    number: int
    start: int
    end: int
    score: float


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
        known: What needs no citation: the author's hint, the trainee's own commands and state.
    """

    def __init__(self, passages: Sequence[Passage], *, known: Sequence[str]) -> None:
        self._passages = passages
        self._known = [content(part) for text in known for part in [*sentences(text), text]]
        everything = " ".join([*known, *(passage.text for passage in passages)]).casefold()
        self._everything = " ".join(everything.split())

    def settle(self, sentence: str) -> Supported:
        """Cite the best passage; drop a factual sentence that nothing supports."""
        bare = CITATION.sub("", sentence).strip()
        if not content(bare) or self._names_unknown(bare):
            return Supported(text=bare, kept=False)
        if bare.rstrip("*_\"')").endswith("?"):
            return Supported(text=bare, kept=True)
        quote = self._best(bare)
        if quote is not None:
            return Supported(text=f"{bare} [{quote.number}]", kept=True, quote=quote)
        return Supported(text=bare, kept=self._is_known(bare))

    def _names_unknown(self, sentence: str) -> bool:
        """Tell whether it names a command, path or option that nobody gave it."""
        named = [*_CODE.findall(sentence), *_NAME.findall(_CODE.sub(" ", sentence))]
        return any(not self._is_given(name) for name in named)

    def _is_given(self, name: str) -> bool:
        # As it stands: a small model makes new commands out of given words.
        return " ".join(name.casefold().split()) in self._everything

    def _best(self, sentence: str) -> Quote | None:
        wanted = content(sentence)
        if len(wanted) < FEWEST_WORDS:
            return None
        quotes = (quote_of(passage, wanted) for passage in self._passages)
        best = max((quote for quote in quotes if quote), key=lambda q: q.score, default=None)
        return best if best and best.score >= ENOUGH else None

    def _is_known(self, sentence: str) -> bool:
        wanted = content(sentence)
        shared = max((len(wanted & known) for known in self._known), default=0)
        return bool(wanted) and shared / len(wanted) >= ENOUGH_UNCITED


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
