"""A published version in brief, read once for each process: what lists of scenarios need of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from range.catalog.models import ScenarioVersion
from range.catalog.schema import ScenarioSpec
from range.catalog.schema_objectives import ObjectiveSpec
from range.catalog.values import remember
from range.checks.combine import combine
from range.lib.logs import get_logger

log = get_logger(__name__)

# One is a few kilobytes; a written scenario may be a hundred times that.
OUTLINES_KEPT = 4096
_outlines: dict[UUID, "Outline"] = {}

# Skill keys with what of an outcome speaks for each.
type Weights = tuple[tuple[str, float], ...]


@dataclass(frozen=True, kw_only=True)
class Outline:
    """A scenario version in brief; nothing in it is drawn for an attempt, and nothing is secret.

    Args:
        skills: Keys of observable skills, each once, in the order of the objectives.
        work_roles: NICE codes.
        observed: For each observation that an attempt gives, the skills it speaks for. Of parts
            that depend on a draw all are here: which one comes is not known.
    """

    title: str
    summary: str
    sector: str
    modes: tuple[str, ...]
    tags: tuple[str, ...]
    difficulty: int
    minutes: int
    skills: tuple[str, ...]
    work_roles: tuple[str, ...]
    observed: tuple[Weights, ...]


def outlines_of(version_ids: Iterable[UUID]) -> dict[UUID, Outline]:
    """Return versions in brief, with one query for all that this process has not read yet.

    A version that cannot be read by this release is left out.
    """
    wanted = list(version_ids)
    found = {pk: _outlines[pk] for pk in wanted if pk in _outlines}
    if unread := [pk for pk in wanted if pk not in found]:
        rows = ScenarioVersion.objects.filter(pk__in=unread).values_list("pk", "spec")
        for pk, written in rows:
            try:
                found[pk] = remember(_outlines, pk, partial(_read, written), limit=OUTLINES_KEPT)
            except ValidationError as error:
                log.warning("catalog.version.unreadable", version=str(pk), error=str(error)[:200])
    return found


def _read(written: Any) -> Outline:
    return outline(ScenarioSpec.model_validate(written))


def outline(spec: ScenarioSpec) -> Outline:
    """Return a scenario in brief."""
    nice = spec.frameworks.get("nice")
    return Outline(
        title=spec.title,
        summary=spec.summary,
        sector=spec.sector,
        modes=spec.modes,
        tags=spec.tags,
        difficulty=spec.difficulty,
        minutes=spec.estimated_minutes,
        skills=skill_keys(spec),
        work_roles=nice.work_roles if nice else (),
        observed=observed_by(spec.objectives),
    )


def skill_keys(spec: ScenarioSpec) -> tuple[str, ...]:
    """Return the keys of the observable skills a scenario shows, each once, in order."""
    named = [skill.key for objective in spec.objectives for skill in objective.skills]
    # A check may name skills of its own.
    of_checks = [key for weights in observed_by(spec.objectives) for key, _ in weights]
    return tuple(dict.fromkeys(named + of_checks))


def observed_by(objectives: Iterable[ObjectiveSpec]) -> tuple[Weights, ...]:
    """Return what each observation of an attempt would speak for; what moves no skill is none."""
    return tuple(
        tuple((skill.key, skill.weight) for skill in each.skills)
        for objective in objectives
        for each in combine(
            objective.checks, {}, partial=objective.partial, skills=objective.skills
        ).observations
        if each.skills
    )
