"""Reads what a recommendation needs of one person: standings, and what a chosen role asks."""

from collections.abc import Iterable

from range.accounts.models import User
from range.catalog.outline import Outline
from range.competencies.frameworks import Role, demand_of
from range.pipeline.difficulty import Difficulty
from range.pipeline.observations import planned
from range.pipeline.recommend import Option, Recommendation, recommend
from range.pipeline.services import cached_standings
from range.pipeline.sets import current


def option_of(
    slug: str, outline: Outline, difficulty: Difficulty, *, played: bool, is_done: bool
) -> Option:
    """Return a scenario as something to play next.

    Args:
        played: Whether the person finished an attempt at it, so that it tells less.
        is_done: Whether it was passed, or is under way.
    """
    return Option(
        slug=slug,
        minutes=outline.minutes,
        difficulty=difficulty.logits,
        planned=planned(
            outline.observed,
            difficulty=difficulty.logits,
            scenario=slug,
            parameters=current(),
            played=played,
        ),
        is_done=is_done,
    )


def recommended_for(
    trainee: User, options: Iterable[Option], *, role: Role | None = None
) -> tuple[Recommendation, ...]:
    """Return what a person may play next, towards a role if they chose one that asks anything."""
    required = demand_of(role).required if role else {}
    return recommend(
        options,
        known=cached_standings([trainee]).get(trainee.pk, ()),
        required=required or None,
        parameters=current(),
    )
