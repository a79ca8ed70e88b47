"""Selection rates of groups held against the highest: four fifths, and chance; pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

# Source: 29 CFR 1607.4(D), the four-fifths rule.
FOUR_FIFTHS = 0.8
CHANCE = 0.05
# Smaller ones are told as "less than".
LEAST_CHANCE = 0.001
# Half width of a 95 % interval of a normal distribution, in standard deviations.
HALF_WIDTH_95 = 1.959963984540054
HIGHEST = "highest rate"
BELOW = "below four fifths, more than chance explains"
BELOW_BY_CHANCE = "below four fifths, may be chance"
SMALL = "above four fifths, yet more than chance explains"
WITHIN = "within four fifths"


@dataclass(frozen=True, kw_only=True)
class Group:
    """How many of a group reached a line.

    Args:
        bound: "≤" or "≥" where `reached` is only a bound, else empty.
    """

    name: str
    size: int
    reached: int
    bound: str = ""

    @property
    def rate(self) -> float:
        """Return the selection rate."""
        return self.reached / self.size


@dataclass(frozen=True, kw_only=True)
class Line:
    """A group beside the one with the highest rate.

    Args:
        low: Lower end of the rate's 95 % interval, after Wilson.
        chance: Two-sided p of Fisher's exact test; None for the highest group itself.
        is_rough: Whether a bound stands in for this group's count, or for the highest one's.
    """

    group: Group
    low: float
    high: float
    ratio: float
    chance: float | None
    says: str
    is_rough: bool

    @property
    def count(self) -> str:
        """Return how many of how many, in words."""
        return f"{self.group.bound} {self.group.reached} of {self.group.size}".strip()

    @property
    def rate(self) -> str:
        """Return the rate with its interval, in words."""
        first = f"{self.group.bound} {_percent(self.group.rate)}".strip()
        return f"{first} ({_percent(self.low)} to {_percent(self.high)})"

    @property
    def ratio_in_words(self) -> str:
        """Return the ratio to the highest rate."""
        about = "about " if self.is_rough and self.chance is not None else ""
        return f"{about}{self.ratio:.2f}"

    @property
    def chance_in_words(self) -> str:
        """Return how likely chance alone makes such a difference; empty for the highest."""
        if self.chance is None:
            return ""
        return "< 0.001" if self.chance < LEAST_CHANCE else f"{self.chance:.3f}"

    @property
    def is_finding(self) -> bool:
        """Tell whether chance alone does not explain the difference."""
        return self.says in {BELOW, SMALL}


def _percent(share: float) -> str:
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"


def held_against_highest(groups: Sequence[Group]) -> list[Line]:
    """Hold each group's rate against the highest one."""
    top = max(groups, key=lambda group: (group.rate, group.size))
    return [_line(group, top) for group in groups]


def _line(group: Group, top: Group) -> Line:
    if group is top:
        return _made(group, top, ratio=1.0, chance=None, says=HIGHEST)
    chance = fisher(group.reached, group.size, top.reached, top.size)
    ratio = group.rate / top.rate if top.rate else 1.0
    by_chance = chance >= CHANCE
    if ratio < FOUR_FIFTHS:
        says = BELOW_BY_CHANCE if by_chance else BELOW
    else:
        says = WITHIN if by_chance else SMALL
    return _made(group, top, ratio=ratio, chance=chance, says=says)


def _made(group: Group, top: Group, *, ratio: float, chance: float | None, says: str) -> Line:
    low, high = interval(group.reached, group.size)
    rough = bool(group.bound or top.bound)
    return Line(
        group=group, low=low, high=high, ratio=ratio, chance=chance, says=says, is_rough=rough
    )


def interval(reached: int, size: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate.

    Source: Wilson (1927), the score interval.
    """
    z2 = HALF_WIDTH_95**2
    rate = reached / size
    middle = (rate + z2 / (2 * size)) / (1 + z2 / size)
    spread = math.sqrt(rate * (1 - rate) / size + z2 / (4 * size * size))
    half = HALF_WIDTH_95 * spread / (1 + z2 / size)
    return max(0.0, middle - half), min(1.0, middle + half)


def fisher(reached: int, size: int, other_reached: int, other_size: int) -> float:
    """Return the two-sided p of Fisher's exact test: tables no likelier than this one."""
    total = reached + other_reached
    first, last = max(0, total - other_size), min(size, total)
    whole = _ln_choose(size + other_size, total)
    logs = [
        _ln_choose(size, n) + _ln_choose(other_size, total - n) - whole
        for n in range(first, last + 1)
    ]
    # Tables that are equally likely differ by rounding alone.
    edge = logs[reached - first] + 1e-7
    return min(1.0, math.fsum(math.exp(each) for each in logs if each <= edge))


def _ln_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
