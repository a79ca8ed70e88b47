"""How a skill's estimate moved, attempt by attempt, and the small drawing of it; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from range.pipeline.bars import EDGE, figure
from range.pipeline.estimate import Observation, stages
from range.pipeline.parameters import ParameterSet
from range.pipeline.readiness import HALF_WIDTH_80

WIDTH = 480.0
HEIGHT = 120.0
_MARGIN = 8.0
# One point is where somebody stands, and tells no growth.
FEWEST = 2
# So many newest points a drawing shows before they run into each other.
MOST = 40


@dataclass(frozen=True, kw_only=True)
class Point:
    """Where a skill stood after one attempt that told of it, in logits.

    Args:
        attempt: Its id.
        scenario: Slug of what was played.
    """

    at: datetime
    attempt: str
    scenario: str
    mean: float
    low: float
    high: float

    @property
    def interval(self) -> str:
        """Return the 80 % interval in words."""
        return f"{figure(self.low)} to {figure(self.high)}"


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Growth in user units of a 480 by 120 drawing.

    Args:
        band: Corners of the 80 % intervals, as a polygon's points.
        line: Means from left to right, as a polyline's points.
        dots: The means once more, as pairs.
        cut: Height of the cut line; None where no role asks for the skill.
        label: The same in words, for those who do not see the drawing.
    """

    points: Sequence[Point]
    band: str
    line: str
    dots: Sequence[tuple[float, float]]
    cut: float | None
    label: str


def growth(
    observations: Iterable[Observation], *, parameters: ParameterSet
) -> Mapping[str, list[Point]]:
    """Return, for each skill, where it stood after every attempt that told of it."""
    known = list(observations)
    told: dict[str, set[str]] = {}
    for item in known:
        told.setdefault(item.attempt, set()).update(name for name, _ in item.skills)
    found: dict[str, list[Point]] = {}
    for last, estimate in stages(known, parameters=parameters):
        for skill in sorted(told[last.attempt]):
            mean, sd = estimate.mean_of(skill), estimate.sd_of(skill)
            point = Point(
                at=last.at,
                attempt=last.attempt,
                scenario=last.scenario,
                mean=mean,
                low=mean - HALF_WIDTH_80 * sd,
                high=mean + HALF_WIDTH_80 * sd,
            )
            found.setdefault(skill, []).append(point)
    return found


def curve(points: Sequence[Point], *, cut: float | None) -> Curve | None:
    """Lay growth out, attempts at equal distances; None where there is too little to tell."""
    if len(points) < FEWEST:
        return None
    shown = points[-MOST:]
    step = (WIDTH - 2 * _MARGIN) / (len(shown) - 1)
    across = [round(_MARGIN + step * number, 1) for number in range(len(shown))]
    means = list(zip(across, (_height(each.mean) for each in shown), strict=True))
    above = list(zip(across, (_height(each.high) for each in shown), strict=True))
    below = list(zip(across, (_height(each.low) for each in shown), strict=True))
    words = (
        f"From {figure(shown[0].mean)} to {figure(shown[-1].mean)} logits over {len(shown)} "
        f"attempts; the 80 % interval went from {shown[0].interval} to {shown[-1].interval}"
    )
    return Curve(
        points=shown,
        band=_path([*above, *reversed(below)]),
        line=_path(means),
        dots=means,
        cut=None if cut is None else _height(cut),
        label=words if cut is None else f"{words}; cut line at {figure(cut)}",
    )


def _height(logits: float) -> float:
    """Return how far down a value lies; what lies beyond the scale sits at its edge."""
    inside = max(-EDGE, min(EDGE, logits))
    return round(_MARGIN + (EDGE - inside) / (2 * EDGE) * (HEIGHT - 2 * _MARGIN), 1)


def _path(corners: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{across},{down}" for across, down in corners)
