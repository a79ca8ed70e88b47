"""Figures for ranked lists: nDCG and recall, over sections judged by hand."""

import math
from collections.abc import Mapping, Sequence


def ndcg(found: Sequence[str], want: Mapping[str, int], *, at: int = 10) -> float:
    """Return normalised discounted cumulative gain.

    Source: Järvelin and Kekäläinen 2002, with gain 2^grade - 1.
    """
    gains = [_gain(want.get(name, 0)) for name in found[:at]]
    best = sorted((_gain(grade) for grade in want.values()), reverse=True)[:at]
    return _discounted(gains) / _discounted(best)


def recall(found: Sequence[str], want: Mapping[str, int], *, at: int = 5) -> float:
    """Return the share of answering sections (grade 2) among the first found."""
    answers = {name for name, grade in want.items() if grade == 2}
    return len(answers & set(found[:at])) / min(at, len(answers))


def _gain(grade: int) -> float:
    return float(2**grade - 1)


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(place + 1) for place, gain in enumerate(gains, start=1))
