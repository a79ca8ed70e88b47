"""Geometry of interval bars: where an estimate, its interval and a cut lie in a small drawing."""

from dataclasses import dataclass

WIDTH = 240.0
EDGE = 3.0
_SHORTEST = 2.0


@dataclass(frozen=True, kw_only=True)
class Bar:
    """An interval bar in user units of a 240 by 24 drawing.

    Args:
        label: The same in words, for those who do not see the drawing.
        cut: Place of the cut line; None where no role asks for the skill.
    """

    left: float
    width: float
    mean: float
    cut: float | None
    label: str


def place(logits: float) -> float:
    """Return the horizontal place of a value; what lies beyond the scale sits at its edge."""
    inside = max(-EDGE, min(EDGE, logits))
    return round((inside + EDGE) / (2 * EDGE) * WIDTH, 1)


def figure(logits: float) -> str:
    """Write a value in logits with one digit and a true minus sign."""
    rounded = round(logits, 1)
    sign = "\N{MINUS SIGN}" if rounded < 0 else ""
    return f"{sign}{abs(rounded):.1f}"


def bar(*, low: float, high: float, mean: float, cut: float | None) -> Bar:
    """Lay an interval out."""
    left, right = place(low), place(high)
    words = f"80 % interval from {figure(low)} to {figure(high)} logits"
    if cut is not None:
        words += f", cut line at {figure(cut)}"
    return Bar(
        left=left,
        width=max(_SHORTEST, round(right - left, 1)),
        mean=place(mean),
        cut=None if cut is None else place(cut),
        label=words,
    )
