"""Suggests what of a later release took the place of an id that it withdrew; pure."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_WORD = re.compile(r"[a-z]{3,}")
# Long enough to tell words apart, short enough that "analyse" and "analysing" are the same.
_STEM = 6
# Below this, two wordings share no more than any two of a framework do.
LEAST_LIKENESS = 0.35
SUGGESTED = 3


@dataclass(frozen=True, kw_only=True)
class Successor:
    """An id that a release offers where another one went; a suggestion, never a fact.

    Args:
        likeness: Of the two wordings, from 0 to 1.
    """

    code: str
    text: str
    likeness: float


class Wordings:
    """The wordings of one kind in one release, ready to be compared with others.

    Likeness is the cosine of the words that both hold, each weighed by how rare it is here.

    Args:
        texts: Wording by code.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        stems = {code: _stems(text) for code, text in texts.items()}
        seen = Counter(stem for each in stems.values() for stem in each)
        self._rarity = {stem: math.log(1 + len(texts) / count) for stem, count in seen.items()}
        self._unknown = math.log(1 + len(texts))
        self._weighed = {code: self._weigh(each) for code, each in stems.items()}

    def nearest(self, text: str, *, limit: int = SUGGESTED) -> tuple[Successor, ...]:
        """Return the likest wordings, the likest first; none where nothing is like it."""
        wanted = self._weigh(_stems(text))
        likeness = {code: _cosine(wanted, each) for code, each in self._weighed.items()}
        close = [code for code, value in likeness.items() if value >= LEAST_LIKENESS]
        close.sort(key=lambda code: (-likeness[code], code))
        return tuple(
            Successor(code=code, text=self._texts[code], likeness=likeness[code])
            for code in close[:limit]
        )

    def _weigh(self, stems: Sequence[str]) -> dict[str, float]:
        return {stem: self._rarity.get(stem, self._unknown) for stem in stems}


def _stems(text: str) -> list[str]:
    return sorted({word[:_STEM] for word in _WORD.findall(text.lower())})


def _cosine(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    shared = sum(weight * other[stem] for stem, weight in one.items() if stem in other)
    size = math.hypot(*one.values()) * math.hypot(*other.values())
    return shared / size if size else 0.0
