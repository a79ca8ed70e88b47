"""The levels of a rubric, and which of them a cut in logits stands for."""

from range.competencies.requirements import CUTS

# Where each level of a rubric begins, in logits.
BEGINS = dict(CUTS)
LEVEL_WORDS = {
    "assisted": "assisted",
    "independent": "independent",
    "new-conditions": "independent under new conditions",
}


def level_at(cut: float) -> str:
    """Return the level that a cut asks for, in words."""
    reached = [level for level, begin in BEGINS.items() if cut >= begin]
    return LEVEL_WORDS[reached[-1]] if reached else "guided"
