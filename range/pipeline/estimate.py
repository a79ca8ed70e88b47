"""The skill model: an online Bayesian multidimensional Rasch model, pure and replayable."""

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from range.pipeline.parameters import ParameterSet

SOLUTION_RUNG = 4
SECONDS_A_MONTH = 365.25 / 12 * 24 * 3600


class Judge(StrEnum):
    """Who gave the score: a check, a language model alone, or a person."""

    CHECK = "CHECK"
    MODEL = "MODEL"
    PERSON = "PERSON"


class Mode(StrEnum):
    """Under which conditions the score was earned."""

    PRACTICE = "PRACTICE"
    ASSESSED = "ASSESSED"


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One judged outcome as the model sees it.

    Args:
        key: Stable name; breaks ties between observations of the same moment.
        skills: Skill keys with weights that sum to 1.
        variant: What a trainee meets again when the same puzzle is drawn again.
        difficulty: Logits on the scale of the skills.
        hint_level: Highest rung unlocked before the first MET; 4 means the solution was shown.
        score: Share achieved in [0, 1].
        checks_in_attempt: How many observations the attempt gave, this one included.
        weight: Further discount the caller knows of, in [0, 1].
        solution_shown: Whether the trainee saw the answer before achieving it.

    Raises:
        ValueError: A field lies outside its bounds.
    """

    key: str
    attempt: str
    scenario: str
    variant: str
    at: datetime
    skills: tuple[tuple[str, float], ...]
    difficulty: float
    difficulty_sd: float
    score: float
    checks_in_attempt: int
    hint_level: int = 0
    solution_shown: bool = False
    weight: float = 1.0
    judge: Judge = Judge.CHECK
    mode: Mode = Mode.ASSESSED

    def __post_init__(self) -> None:
        names = [skill for skill, _ in self.skills]
        total = math.fsum(weight for _, weight in self.skills)
        if len(set(names)) != len(names) or abs(total - 1.0) > 1e-9:
            raise ValueError(f"{self.key}: skill weights must sum to 1 once each: {self.skills}")
        if any(weight <= 0 for _, weight in self.skills):
            raise ValueError(f"{self.key}: a skill weight must be positive: {self.skills}")
        if not (0.0 <= self.score <= 1.0 and 0.0 <= self.weight <= 1.0):
            raise ValueError(f"{self.key}: score and weight lie in [0, 1]")
        if not 0 <= self.hint_level <= SOLUTION_RUNG:
            raise ValueError(f"{self.key}: rung {self.hint_level} is not 0 to {SOLUTION_RUNG}")
        if self.checks_in_attempt < 1 or self.difficulty_sd < 0 or self.at.tzinfo is None:
            raise ValueError(f"{self.key}: needs a count, an sd and a moment with a zone")


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """An observation with the score and weight that history leaves it.

    Args:
        repeat: The variant was met in an earlier attempt.
    """

    observation: Observation
    score: float
    weight: float
    repeat: bool


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What is believed of a trainee: a normal distribution over all skills, in logits."""

    parameter_set: str
    skills: tuple[str, ...]
    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]

    def mean_of(self, skill: str) -> float:
        """Return the mean of one skill."""
        return self.mean[self.skills.index(skill)]

    def sd_of(self, skill: str) -> float:
        """Return the standard deviation of one skill."""
        place = self.skills.index(skill)
        return math.sqrt(self.covariance[place][place])

    def digest(self) -> str:
        """Return a digest of every bit, to compare a replay with what was stored."""
        rows = (self.mean, *self.covariance)
        text = [self.parameter_set, *self.skills, *(value.hex() for row in rows for value in row)]
        return hashlib.sha256("\n".join(text).encode()).hexdigest()


def prior(skills: Iterable[str], *, parameters: ParameterSet) -> Estimate:
    """Return what is believed before any evidence: one variance, one correlation."""
    names = tuple(sorted(set(skills)))
    variance = parameters.prior_sd**2
    shared = variance * parameters.prior_correlation
    return Estimate(
        parameter_set=parameters.name,
        skills=names,
        mean=tuple(parameters.prior_mean for _ in names),
        covariance=tuple(
            tuple(variance if row == column else shared for column in names) for row in names
        ),
    )


def weigh(observations: Iterable[Observation], *, parameters: ParameterSet) -> tuple[Weighed, ...]:
    """Order observations in time and settle what each one counts.

    A shown solution scores 0; a later success on the same variant counts nothing; any other
    repeat of a variant counts `repeat_weight`; practice and model-only scores are discounted.

    Raises:
        ValueError: Two observations bear the same key, so their order would be chance.
    """
    first_attempt: dict[str, str] = {}
    shown: set[str] = set()
    weighed: list[Weighed] = []
    ordered = sorted(observations, key=lambda each: (each.at, each.key))
    if len({item.key for item in ordered}) != len(ordered):
        raise ValueError("observation keys must be unique")
    for item in ordered:
        repeat = first_attempt.setdefault(item.variant, item.attempt) != item.attempt
        known = repeat and item.variant in shown
        if item.solution_shown:
            shown.add(item.variant)
        score = 0.0 if item.solution_shown else item.score
        weight = _weight(item, repeat=repeat, parameters=parameters)
        if known and score > 0.0:
            weight = 0.0
        weighed.append(Weighed(observation=item, score=score, weight=weight, repeat=repeat))
    return tuple(weighed)


def replay(
    observations: Iterable[Observation],
    *,
    parameters: ParameterSet,
    as_of: datetime,
    skills: Iterable[str] = (),
) -> Estimate:
    """Return the estimate that the observations up to `as_of` give.

    The result depends on nothing else: not on the order of the input, and not on which other
    skills are asked for, down to the last bit.

    Args:
        skills: Further skills to report beside those observed.
    """
    known = [item for item in observations if item.at <= as_of]
    belief = _Belief(prior(_names(known, skills), parameters=parameters))
    last: datetime | None = None
    for item in belief.fold(weigh(known, parameters=parameters), parameters=parameters):
        last = item.at
    belief.age(last, as_of, parameters=parameters)
    return belief.estimate()


def stages(
    observations: Iterable[Observation], *, parameters: ParameterSet, skills: Iterable[str] = ()
) -> Iterator[tuple[Observation, Estimate]]:
    """Yield the estimate as it stood after each attempt, with the attempt's last observation.

    One replay gives all of them. Attempts that overlap in time are told apart by when the last
    observation of each was made.
    """
    weighed = weigh(observations, parameters=parameters)
    ends = {item.observation.attempt: item.observation.key for item in weighed}
    known = [item.observation for item in weighed]
    belief = _Belief(prior(_names(known, skills), parameters=parameters))
    for item in belief.fold(weighed, parameters=parameters):
        if ends[item.attempt] == item.key:
            yield item, belief.estimate()


def _names(observations: Iterable[Observation], skills: Iterable[str]) -> set[str]:
    return {name for item in observations for name, _ in item.skills} | set(skills)


def forecasts(
    observations: Iterable[Observation], *, parameters: ParameterSet
) -> tuple[tuple[Weighed, float], ...]:
    """Return what was expected of each observation from those before it; 0.5 says nothing."""
    known = list(observations)
    belief = _Belief(prior(_names(known, ()), parameters=parameters))
    told: list[tuple[Weighed, float]] = []
    last: datetime | None = None
    for item in weigh(known, parameters=parameters):
        belief.age(last, item.observation.at, parameters=parameters)
        last = item.observation.at
        told.append((item, belief.chance(item.observation, parameters=parameters)))
        if item.weight > 0.0:
            belief.absorb(item, parameters=parameters)
    return tuple(told)


def spread_after(
    estimate: Estimate, *, planned: Sequence[Observation], parameters: ParameterSet
) -> Mapping[str, float]:
    """Return each skill's variance once the planned observations were made.

    The model's spread does not depend on the outcomes, so this is known beforehand.
    """
    belief = _Belief(estimate)
    for item in planned:
        weight = _weight(item, repeat=False, parameters=parameters)
        belief.shrink(item, weight=weight, parameters=parameters)
    after = belief.estimate()
    return {name: after.covariance[at][at] for at, name in enumerate(after.skills)}


def _weight(item: Observation, *, repeat: bool, parameters: ParameterSet) -> float:
    weight = item.weight
    if item.mode is Mode.PRACTICE:
        weight *= parameters.practice_weight
    if item.judge is Judge.MODEL:
        weight *= parameters.model_weight
    if repeat:
        weight *= parameters.repeat_weight
    return weight


@dataclass(frozen=True, kw_only=True)
class _Step:
    """One update's numbers: the direction S'w after it, and what scales the mean's move."""

    direction: list[float]
    discount: float
    chance: float
    damping: float


class _Belief:
    """A mutable estimate, folded over observations in plain float arithmetic.

    Library kernels order their sums by processor; plain Python does not, and one person's
    skills are few.
    """

    def __init__(self, estimate: Estimate) -> None:
        self._parameter_set = estimate.parameter_set
        self._skills = estimate.skills
        self._place = {name: at for at, name in enumerate(estimate.skills)}
        self._mean = list(estimate.mean)
        self._covariance = [list(row) for row in estimate.covariance]

    def estimate(self) -> Estimate:
        return Estimate(
            parameter_set=self._parameter_set,
            skills=self._skills,
            mean=tuple(self._mean),
            covariance=tuple(tuple(row) for row in self._covariance),
        )

    def age(self, since: datetime | None, until: datetime, *, parameters: ParameterSet) -> None:
        """Widen every skill for the time that passed: S + q² months I."""
        if since is None or until <= since:
            return
        months = (until - since).total_seconds() / SECONDS_A_MONTH
        growth = parameters.drift_per_root_month**2 * months
        for place, row in enumerate(self._covariance):
            row[place] += growth

    def fold(
        self, weighed: Iterable[Weighed], *, parameters: ParameterSet
    ) -> Iterator[Observation]:
        """Take observations in, in their order and ageing between them; yield each once taken."""
        last: datetime | None = None
        for item in weighed:
            self.age(last, item.observation.at, parameters=parameters)
            last = item.observation.at
            if item.weight > 0.0:
                self.absorb(item, parameters=parameters)
            yield item.observation

    def chance(self, item: Observation, *, parameters: ParameterSet) -> float:
        """Return the expected score of an observation that is not yet taken in."""
        weights = [(self._place[name], share) for name, share in sorted(item.skills)]
        variance = _dot([_dot(row, weights) for row in self._covariance], weights)
        return self._chance(item, weights, variance, parameters=parameters)

    def absorb(self, item: Weighed, *, parameters: ParameterSet) -> None:
        """Take one observation in: the spread first, then the mean with the new spread."""
        step = self.shrink(item.observation, weight=item.weight, parameters=parameters)
        move = step.discount * (item.score - step.chance) / step.damping
        for place, along in enumerate(step.direction):
            self._mean[place] += along * move

    def shrink(self, item: Observation, *, weight: float, parameters: ParameterSet) -> _Step:
        """Narrow the spread by one observation; return the step with the direction S'w."""
        weights = [(self._place[name], share) for name, share in sorted(item.skills)]
        direction = [_dot(row, weights) for row in self._covariance]
        variance = _dot(direction, weights)
        chance = self._chance(item, weights, variance, parameters=parameters)
        spread = chance * (1.0 - chance)
        damping = 1.0 + spread * item.difficulty_sd**2
        discount = weight * _independence(item, parameters=parameters)
        gain = discount * spread / damping
        shrinkage = gain / (1.0 + gain * variance)
        for place, along in enumerate(direction):
            # (a b) s, never (a s) b: the product of the pair keeps the matrix symmetric to the bit.
            self._covariance[place] = [
                old - along * other * shrinkage
                for old, other in zip(self._covariance[place], direction, strict=True)
            ]
        narrowed = [along / (1.0 + gain * variance) for along in direction]
        return _Step(direction=narrowed, discount=discount, chance=chance, damping=damping)

    def _chance(
        self,
        item: Observation,
        weights: list[tuple[int, float]],
        variance: float,
        *,
        parameters: ParameterSet,
    ) -> float:
        """Return the expected score, averaged over what is not known.

        Source: k = 1/sqrt(1 + π s²/8), D. MacKay, "The evidence framework applied to
        classification networks", Neural Computation 4 (1992).
        """
        margin = _dot(self._mean, weights) - item.difficulty
        margin += parameters.hint_offset * item.hint_level
        unknown = variance + item.difficulty_sd**2
        return _sigmoid(margin / math.sqrt(1.0 + math.pi * unknown / 8.0))


def _independence(item: Observation, *, parameters: ParameterSet) -> float:
    """Return what one check of an attempt is worth beside its siblings.

    Source: Kish's design effect 1 + (n - 1) icc ("Survey Sampling", 1965) with the latent-scale
    intraclass correlation of a logistic model, t²/(t² + π²/3).
    """
    shared = parameters.attempt_sd**2
    icc = shared / (shared + math.pi**2 / 3.0)
    return 1.0 / (1.0 + (item.checks_in_attempt - 1) * icc)


def _dot(values: Sequence[float], weights: list[tuple[int, float]]) -> float:
    total = 0.0
    for place, weight in weights:
        total += values[place] * weight
    return total


def _sigmoid(margin: float) -> float:
    if margin >= 0.0:
        return 1.0 / (1.0 + math.exp(-margin))
    grown = math.exp(margin)
    return grown / (1.0 + grown)
