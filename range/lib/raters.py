"""How far two raters agree beyond chance, where being far apart counts more."""

from collections.abc import Sequence


def weighted_kappa(given: Sequence[int], wanted: Sequence[int]) -> float | None:
    """Return the quadratic weighted kappa of two raters; None where both always say one level.

    How many levels there are makes no difference: distances are compared with distances.

    Source: Cohen 1968, with squared distances as weights.
    """
    if not given:
        return None
    total = len(given)
    seen = sum((a - b) ** 2 for a, b in zip(given, wanted, strict=True)) / total
    by_chance = sum((a - b) ** 2 for a in given for b in wanted) / total**2
    return round(1 - seen / by_chance, 4) if by_chance else None
