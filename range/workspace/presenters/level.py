"""How hard a scenario is, as pages show it: a step of five, and who says so."""

from dataclasses import dataclass

from range.pipeline.difficulty import Difficulty, step_of
from range.pipeline.sets import current


@dataclass(frozen=True, kw_only=True)
class Level:
    """A difficulty in steps and words.

    Args:
        source: Who says so, such as `from 24 attempts`.
        detail: The whole story, for whoever asks.
    """

    step: int
    declared: int
    source: str
    detail: str


def level_of(difficulty: Difficulty) -> Level:
    """Return how pages show a difficulty: measured where enough attempts speak, else declared."""
    if not difficulty.is_measured:
        return Level(
            step=difficulty.declared,
            declared=difficulty.declared,
            source="declared by its author",
            detail="Too few people have finished it for their attempts to say more.",
        )
    return Level(
        step=step_of(difficulty.logits, parameters=current()),
        declared=difficulty.declared,
        source=f"from {difficulty.attempts} attempts",
        detail=_story(difficulty),
    )


def _story(difficulty: Difficulty) -> str:
    kinds = [
        f"{count} {name}"
        for count, name in ((difficulty.practice, "in practice"), (difficulty.assessed, "assessed"))
        if count
    ]
    return (
        f"First attempts of {difficulty.attempts} people ({' and '.join(kinds)}), of whom "
        f"{difficulty.passed} passed; their author declared {difficulty.declared}."
    )
