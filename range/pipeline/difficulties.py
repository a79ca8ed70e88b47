"""Reads first attempts, keeps what they say of each scenario's difficulty, and tells it."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db.models import Avg, F, Max, Q
from django.db.models.functions import Greatest
from django.utils import timezone

from range.accounts.access import STAFF
from range.assessment.models import Evidence, Grade
from range.catalog.models import Scenario, ScenarioVersion
from range.catalog.outline import Outline, outlines_of
from range.exercises.models import Attempt
from range.lib.logs import get_logger
from range.pipeline.difficulty import Difficulty, FirstAttempt, calibrate
from range.pipeline.estimate import Mode
from range.pipeline.models import ScenarioDifficulty, SkillEstimate
from range.pipeline.sets import current

log = get_logger(__name__)

_COLUMNS = (
    "declared",
    "logits",
    "sd",
    "practice",
    "assessed",
    "passed",
    "parameter_set",
    "updated_at",
)


def refresh_difficulties() -> int:
    """Rebuild the row of every scenario with an attempt graded since; return how many."""
    moment = timezone.now()
    attempts = "versions__exercises__attempts"
    # A person's decision makes a new grade of an attempt that was graded long before.
    newest = Greatest(Max(f"{attempts}__graded_at"), Max(f"{attempts}__grades__at"))
    stale = (
        Scenario.objects.filter(retired_at=None)
        .annotate(newest=newest)
        .filter(
            Q(newest__isnull=False), Q(difficulty=None) | Q(difficulty__updated_at__lt=F("newest"))
        )
        .order_by("slug")
    )
    count = sum(_refresh(scenario, moment) for scenario in stale)
    if count:
        log.info("pipeline.difficulties.refreshed", scenarios=count)
    return count


def known_difficulties(declared: Mapping[uuid.UUID, int]) -> dict[uuid.UUID, Difficulty]:
    """Return the difficulty of scenarios: measured where a row speaks of what is declared now.

    Args:
        declared: The author's step of each scenario's version in use, by scenario id.
    """
    rows = ScenarioDifficulty.objects.filter(scenario__in=declared)
    found = {
        row.scenario_id: Difficulty(
            declared=row.declared,
            logits=row.logits,
            sd=row.sd,
            practice=row.practice,
            assessed=row.assessed,
            passed=row.passed,
        )
        for row in rows
        if row.parameter_set == current().name and row.declared == declared[row.scenario_id]
    }
    return {
        scenario: found.get(scenario) or calibrate(step, (), parameters=current())
        for scenario, step in declared.items()
    }


def _refresh(scenario: Scenario, moment: datetime) -> bool:
    newest = ScenarioVersion.objects.filter(scenario=scenario).latest_per_scenario()
    outlines = outlines_of(newest.values_list("pk", flat=True))
    if not outlines:
        return False
    (outline,) = outlines.values()
    made = calibrate(outline.difficulty, _first_attempts(scenario, outline), parameters=current())
    row = ScenarioDifficulty(
        scenario=scenario,
        declared=made.declared,
        logits=made.logits,
        sd=made.sd,
        practice=made.practice,
        assessed=made.assessed,
        passed=made.passed,
        parameter_set=current().name,
        updated_at=moment,
    )
    ScenarioDifficulty.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["scenario"], update_fields=_COLUMNS
    )
    return True


def _first_attempts(scenario: Scenario, outline: Outline) -> list[FirstAttempt]:
    """Read each trainee's first finished attempt at a version of the difficulty declared now.

    Staff tries scenarios whose solution it has read: its attempts do not count.
    """
    attempts = list(
        Attempt.objects.filter(
            state=Attempt.State.GRADED,
            exercise__version__scenario=scenario,
            exercise__version__spec__difficulty=outline.difficulty,
        )
        .exclude(trainee__memberships__role__in=STAFF)
        .select_related("exercise")
        .order_by("trainee", "started_at", "pk")
        .distinct("trainee")
    )
    grades = _final_grades(attempts)
    rungs = _mean_rungs(attempts)
    abilities = _abilities([each.trainee_id for each in attempts], outline.skills)
    return [
        _first(attempt, grade, rungs.get(attempt.pk, 0.0), abilities, minutes=outline.minutes)
        for attempt in attempts
        if (grade := grades.get(attempt.pk)) is not None
    ]


def _first(
    attempt: Attempt,
    grade: Grade,
    rungs: float,
    abilities: Mapping[uuid.UUID, tuple[float, float]],
    *,
    minutes: int,
) -> FirstAttempt:
    took = attempt.finished_at - attempt.started_at if attempt.finished_at else None
    prior = (current().prior_mean, current().prior_sd)
    ability, ability_sd = abilities.get(attempt.trainee_id, prior)
    return FirstAttempt(
        share=grade.share,
        passed=grade.passed,
        rungs=rungs,
        pace=None if took is None else max(0.0, took.total_seconds() / 60 / minutes),
        mode=Mode(attempt.exercise.policy),
        ability=ability,
        ability_sd=ability_sd,
    )


def _final_grades(attempts: Iterable[Attempt]) -> dict[uuid.UUID, Grade]:
    """Return the newest grade of each attempt, where it waits for nothing."""
    newest = Grade.objects.filter(attempt__in=attempts).order_by("attempt", "-at")
    return {
        grade.attempt_id: grade for grade in newest.distinct("attempt") if not grade.provisional
    }


def _mean_rungs(attempts: Iterable[Attempt]) -> dict[uuid.UUID, float]:
    """Return the highest rung taken on each objective, averaged over the objectives."""
    rows = Evidence.objects.filter(attempt__in=attempts).values("attempt", "objective")
    found: dict[uuid.UUID, list[int]] = {}
    for attempt, rung in rows.annotate(rung=Max("hint_rung")).values_list("attempt", "rung"):
        found.setdefault(attempt, []).append(rung)
    return {attempt: sum(rungs) / len(rungs) for attempt, rungs in found.items()}


def _abilities(
    people: Iterable[uuid.UUID], skills: Iterable[str]
) -> dict[uuid.UUID, tuple[float, float]]:
    """Return what is believed of people on some skills, each skill weighing the same."""
    known = SkillEstimate.objects.filter(assessed_only=False)
    rows = known.filter(trainee__in=people, skill__key__in=skills)
    means = rows.values("trainee").annotate(ability=Avg("mean"), doubt=Avg("sd"))
    return {pk: (mean, sd) for pk, mean, sd in means.values_list("trainee", "ability", "doubt")}
