"""The levels of a rubric, and which of them a cut in logits stands for."""

from range.competencies.readers.starter import CUTS
from range.competencies.services import LEVELS

# Where each level of a rubric begins, in logits; the last is never asked for by a role of ours.
BEGINS = dict(zip(LEVELS, (*CUTS.values(), 1.4), strict=True))
LEVEL_WORDS = {
    "assisted": "assisted",
    "independent": "independent",
    "new-conditions": "independent under new conditions",
}


def level_at(cut: float) -> str:
    """Return the level that a cut asks for, in words."""
    reached = [level for level, begin in BEGINS.items() if cut >= begin]
    return LEVEL_WORDS[reached[-1]] if reached else "guided"
