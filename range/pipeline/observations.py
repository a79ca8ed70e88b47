"""Turns the judged checks of one attempt into what the skill model sees."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from range.catalog.outline import Weights
from range.catalog.schema_objectives import ObjectiveSpec
from range.checks.base import Judgement, Outcome
from range.checks.combine import Observation as Combination
from range.checks.combine import combine
from range.pipeline.estimate import SOLUTION_RUNG, Judge, Mode, Observation
from range.pipeline.parameters import ParameterSet

# A planned observation has not happened; its moment is never looked at.
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class JudgedCheck:
    """One evidence record that no later one supersedes.

    Args:
        hint_rung: Highest rung unlocked on the objective when it was made.
    """

    evidence_id: str
    objective: str
    check_id: str
    outcome: Outcome
    score: float
    judge: Judge
    hint_rung: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class AttemptRecord:
    """What one attempt left behind.

    Args:
        difficulty: The author's, 1 to 5.
        drawn: What was chosen for this attempt; the same draw is the same variant.
        objectives: Those of the attempt, its conditions already resolved.
    """

    attempt_id: str
    scenario: str
    difficulty: int
    mode: Mode
    drawn: Mapping[str, str]
    objectives: Sequence[ObjectiveSpec]
    judged: Sequence[JudgedCheck]


@dataclass(frozen=True, kw_only=True)
class Traced:
    """An observation with the evidence it rests on, newest record of each check last.

    Args:
        item: What difficulties are fitted for: the same checks of the same scenario.
    """

    observation: Observation
    item: str
    objective: str
    title: str
    evidence_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Moment:
    """Where one combination stood when it was first met, or last looked at."""

    at: datetime
    rung: int


def trace(record: AttemptRecord, *, parameters: ParameterSet) -> tuple[Traced, ...]:
    """Return the observations of an attempt; what was INCONCLUSIVE is none.

    All required checks that share skills are one observation, as `combine` settles.
    """
    found = [
        (objective, combination, moment)
        for objective in record.objectives
        for combination, moment in _followed(
            objective, [row for row in record.judged if row.objective == objective.key]
        )
    ]
    return tuple(
        _traced(record, objective, combination, moment, count=len(found), parameters=parameters)
        for objective, combination, moment in found
    )


def planned(
    observed: Iterable[Weights],
    *,
    difficulty: float,
    scenario: str,
    parameters: ParameterSet,
    played: bool = False,
) -> tuple[Observation, ...]:
    """Return the observations that playing a scenario would give, unhinted and in practice.

    Args:
        observed: What each speaks for, as the scenario's outline tells.
        difficulty: Logits.
        played: Whether the trainee played it before, so that it would count as a repeat.
    """
    parts = tuple(observed)
    return tuple(
        Observation(
            key=f"{scenario}:{number}",
            attempt=scenario,
            scenario=scenario,
            variant=f"{scenario}:{number}",
            at=_NEVER,
            skills=_shares(weights),
            difficulty=difficulty,
            difficulty_sd=parameters.difficulty_sd,
            score=0.0,
            checks_in_attempt=len(parts),
            mode=Mode.PRACTICE,
            weight=parameters.repeat_weight if played else 1.0,
        )
        for number, weights in enumerate(parts)
    )


def _followed(
    objective: ObjectiveSpec, rows: Iterable[JudgedCheck]
) -> list[tuple[Combination, _Moment]]:
    """Follow an objective through its records; return where each combination ended."""
    judgements: dict[str, Judgement] = {}
    first_met: dict[tuple[str, ...], _Moment] = {}
    last: _Moment | None = None
    ended: tuple[Combination, ...] = ()
    for row in sorted(rows, key=lambda each: (each.at, each.evidence_id)):
        judgements[row.check_id] = Judgement(outcome=row.outcome, score=row.score, reason="")
        last = _Moment(at=row.at, rung=max(row.hint_rung, last.rung if last else 0))
        ended = _combinations(objective, judgements)
        for combination in ended:
            if combination.outcome is Outcome.MET:
                first_met.setdefault(combination.check_ids, last)
    if last is None:
        return []
    return [
        (each, first_met.get(each.check_ids, last) if each.outcome is Outcome.MET else last)
        for each in ended
        if each.outcome is not Outcome.INCONCLUSIVE and each.skills
    ]


def _combinations(
    objective: ObjectiveSpec, judgements: Mapping[str, Judgement]
) -> tuple[Combination, ...]:
    return combine(
        objective.checks, judgements, partial=objective.partial, skills=objective.skills
    ).observations


def _traced(
    record: AttemptRecord,
    objective: ObjectiveSpec,
    combination: Combination,
    moment: _Moment,
    *,
    count: int,
    parameters: ParameterSet,
) -> Traced:
    name = f"{objective.key}:{'+'.join(combination.check_ids)}"
    rows = [
        row
        for row in sorted(record.judged, key=lambda each: (each.at, each.evidence_id))
        if row.objective == objective.key and row.check_id in combination.check_ids
    ]
    item = f"{record.scenario}:{name}"
    difficulty, difficulty_sd = parameters.difficulty_at(item, step=record.difficulty)
    observation = Observation(
        key=f"{record.attempt_id}:{name}",
        attempt=record.attempt_id,
        scenario=record.scenario,
        variant=f"{item}:{_draw(record.drawn)}",
        at=moment.at,
        skills=_shares((each.key, each.weight) for each in combination.skills),
        difficulty=difficulty,
        difficulty_sd=difficulty_sd,
        score=min(1.0, max(0.0, combination.score)),
        checks_in_attempt=count,
        hint_level=moment.rung,
        solution_shown=moment.rung >= SOLUTION_RUNG,
        judge=_judge(rows),
        mode=record.mode,
    )
    return Traced(
        observation=observation,
        item=item,
        objective=objective.key,
        title=objective.title,
        evidence_ids=tuple(row.evidence_id for row in rows),
    )


def _draw(drawn: Mapping[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(drawn.items()))


def _shares(skills: Iterable[tuple[str, float]]) -> Weights:
    """Return weights that sum to 1, one a skill, in the order of the keys."""
    weights: dict[str, float] = {}
    for key, weight in skills:
        weights[key] = weights.get(key, 0.0) + weight
    total = sum(weights[key] for key in sorted(weights))
    return tuple((key, weights[key] / total) for key in sorted(weights))


def _judge(rows: Iterable[JudgedCheck]) -> Judge:
    """Name the least certain of those whose judgement stands at the end."""
    final = {row.check_id: row.judge for row in rows}.values()
    return next((judge for judge in (Judge.MODEL, Judge.PERSON) if judge in final), Judge.CHECK)
