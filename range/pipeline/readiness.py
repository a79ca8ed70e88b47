"""From an estimate to words: intervals, levels, role readiness and what would settle it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from range.pipeline.estimate import Estimate, Observation, Weighed, spread_after
from range.pipeline.parameters import ParameterSet

# Half width of an 80 % interval of a normal distribution, in standard deviations.
HALF_WIDTH_80 = 1.2815515655446004
LIKELY = 0.9
MEETS = 0.95
ENOUGH_CHECKS = 10
ENOUGH_SCENARIOS = 4
CUTS = (-0.8, 0.4, 1.4)
SETTLING_SCENARIOS = 2


class Word(StrEnum):
    """What may be said of a skill against a cut."""

    MEETS = "meets"
    LIKELY = "likely"
    UNCLEAR = "unclear"
    NOT_ENOUGH = "not enough evidence"


class Level(StrEnum):
    """What a person does with a skill; each needs the cut below it to be held."""

    GUIDED = "guided"
    ASSISTED = "assisted"
    INDEPENDENT = "independent"
    NEW_CONDITIONS = "independent under new conditions"


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How much evidence there is for one skill.

    Args:
        checks: Observations that count; repeats of a variant do not.
        hinted: Of these, made after at least one hint.
        attested: Of these, not judged by a language model alone.
    """

    checks: int = 0
    scenarios: int = 0
    hinted: int = 0
    attested: int = 0
    last_at: datetime | None = None

    @property
    def suffices(self) -> bool:
        """Tell whether anything may be claimed: enough of it, and half not a model's word."""
        return (
            self.checks >= ENOUGH_CHECKS
            and self.scenarios >= ENOUGH_SCENARIOS
            and 2 * self.attested >= self.checks
        )


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One skill of one person: estimate and amount of evidence."""

    skill: str
    mean: float
    sd: float
    tally: Tally

    @property
    def low(self) -> float:
        """Return the lower end of the 80 % interval."""
        return self.mean - HALF_WIDTH_80 * self.sd

    @property
    def high(self) -> float:
        """Return the upper end of the 80 % interval."""
        return self.mean + HALF_WIDTH_80 * self.sd


@dataclass(frozen=True, kw_only=True)
class SkillReadiness:
    """One required skill of a role: how surely it lies above the cut, and the word for that."""

    standing: Standing
    cut: float
    probability: float
    word: Word


@dataclass(frozen=True, kw_only=True)
class RoleReadiness:
    """How ready a person is for a work role: the weakest required skill, never an average.

    Args:
        probability: The smallest over the required skills; None where the role asks for none.
        covered: Aligned statements of the role with any evidence.
        aligned: Aligned statements of the role.
    """

    skills: tuple[SkillReadiness, ...]
    probability: float | None
    word: Word
    covered: int
    aligned: int

    @property
    def coverage(self) -> float:
        """Return the share of aligned statements with any evidence."""
        return self.covered / self.aligned if self.aligned else 0.0


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A scenario that could be played next, with the observations it would give."""

    slug: str
    title: str
    planned: tuple[Observation, ...]


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A scenario that would tell more of skills still open.

    Args:
        bears_on: Open skills that its checks observe.
        information: How much it would narrow the open skills, in squared logits.
    """

    slug: str
    title: str
    bears_on: tuple[str, ...]
    information: float


def tally(weighed: Iterable[Weighed]) -> Mapping[str, Tally]:
    """Count evidence per skill."""
    per_skill: dict[str, list[Weighed]] = {}
    for item in weighed:
        for skill, _ in item.observation.skills:
            per_skill.setdefault(skill, []).append(item)
    return {skill: _tally(items) for skill, items in per_skill.items()}


def _tally(items: Sequence[Weighed]) -> Tally:
    counted = [each for each in items if each.weight > 0.0 and not each.repeat]
    seen = [each.observation for each in counted]
    return Tally(
        checks=len(seen),
        scenarios=len({each.scenario for each in seen}),
        hinted=sum(each.hint_level > 0 for each in seen),
        attested=sum(each.judge != "MODEL" for each in seen),
        last_at=max((each.observation.at for each in items), default=None),
    )


def standings(estimate: Estimate, tallies: Mapping[str, Tally]) -> tuple[Standing, ...]:
    """Return every skill of an estimate with its amount of evidence."""
    return tuple(
        Standing(
            skill=skill,
            mean=estimate.mean_of(skill),
            sd=estimate.sd_of(skill),
            tally=tallies.get(skill, Tally()),
        )
        for skill in estimate.skills
    )


def probability_above(mean: float, sd: float, *, cut: float) -> float:
    """Return P(skill >= cut) of a normal distribution."""
    return 0.5 * math.erfc((cut - mean) / (sd * math.sqrt(2.0)))


def word_for(standing: Standing, *, cut: float) -> Word:
    """Return what may be said of a skill against a cut."""
    if not standing.tally.suffices:
        return Word.NOT_ENOUGH
    return _word(probability_above(standing.mean, standing.sd, cut=cut))


def _word(probability: float) -> Word:
    if probability >= MEETS:
        return Word.MEETS
    return Word.LIKELY if probability >= LIKELY else Word.UNCLEAR


def level_of(standing: Standing) -> Level | None:
    """Return the highest level that may be claimed; None without enough evidence."""
    if not standing.tally.suffices:
        return None
    held = sum(probability_above(standing.mean, standing.sd, cut=cut) >= LIKELY for cut in CUTS)
    return tuple(Level)[held]


def role_readiness(
    known: Iterable[Standing],
    *,
    required: Mapping[str, float],
    aligned: Mapping[str, frozenset[str]],
) -> RoleReadiness:
    """Hold what is known of a person against what a role asks.

    Args:
        required: Cut in logits by skill key.
        aligned: For each aligned statement of the role, the skills that bear on it.
    """
    by_skill = {standing.skill: standing for standing in known}
    skills = tuple(
        _skill_readiness(by_skill[skill], cut=cut)
        for skill, cut in sorted(required.items())
        if skill in by_skill
    )
    complete = bool(skills) and len(skills) == len(required)
    probability = min(each.probability for each in skills) if complete else None
    observed = {standing.skill for standing in by_skill.values() if standing.tally.checks}
    return RoleReadiness(
        skills=skills,
        probability=probability,
        word=_weakest(skills) if complete else Word.NOT_ENOUGH,
        covered=sum(bool(bearing & observed) for bearing in aligned.values()),
        aligned=len(aligned),
    )


def _skill_readiness(standing: Standing, *, cut: float) -> SkillReadiness:
    return SkillReadiness(
        standing=standing,
        cut=cut,
        probability=probability_above(standing.mean, standing.sd, cut=cut),
        word=word_for(standing, cut=cut),
    )


def _weakest(skills: Sequence[SkillReadiness]) -> Word:
    order = tuple(Word)
    return max((each.word for each in skills), key=order.index)


def what_would_settle(
    estimate: Estimate,
    *,
    open_skills: Iterable[str],
    candidates: Iterable[Candidate],
    parameters: ParameterSet,
) -> tuple[Suggestion, ...]:
    """Return the two scenarios that would narrow the open skills most, best first.

    Skills are correlated, so any check tells a little of all; only scenarios that observe an
    open skill themselves are named.
    """
    wanted = frozenset(open_skills) & frozenset(estimate.skills)
    found = [_suggestion(estimate, each, wanted, parameters=parameters) for each in candidates]
    useful = [each for each in found if each.bears_on]
    best = sorted(useful, key=lambda each: (-each.information, each.slug))
    return tuple(best[:SETTLING_SCENARIOS])


def _suggestion(
    estimate: Estimate, candidate: Candidate, wanted: frozenset[str], *, parameters: ParameterSet
) -> Suggestion:
    planned = [
        each
        for each in candidate.planned
        if {skill for skill, _ in each.skills} <= {*estimate.skills}
    ]
    after = spread_after(estimate, planned=planned, parameters=parameters)
    return Suggestion(
        slug=candidate.slug,
        title=candidate.title,
        bears_on=tuple(sorted(wanted & {skill for each in planned for skill, _ in each.skills})),
        information=sum(estimate.sd_of(skill) ** 2 - after[skill] for skill in sorted(wanted)),
    )
