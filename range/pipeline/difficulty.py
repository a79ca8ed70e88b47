"""How hard a scenario is: its author's word, moved by how first attempts went; pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from range.pipeline.estimate import Mode
from range.pipeline.parameters import ParameterSet

# Attempts below which the author's word stands alone.
ENOUGH_ATTEMPTS = 8
# Someone who was gone within this share of the estimated time, and passed nothing, only looked.
LOOKED_SHARE = 0.1
# How much more time a scenario takes that is one logit harder than declared, in log time, and
# how far times of equally able people spread. Source: docs/explanation/difficulty.md.
TIME_SLOPE = 0.35
TIME_SD = 0.7
# A break at noon is not difficulty: no time counts for more than four times, or a quarter.
PACE_BOUND = math.log(4.0)
_WIDEST = 6.0
_HALVINGS = 48


@dataclass(frozen=True, kw_only=True)
class FirstAttempt:
    """A trainee's first finished attempt at a scenario, with a grade that waits for nothing.

    Args:
        share: Of the grade, in [0, 1].
        rungs: Highest rung taken, averaged over the objectives, in [0, 4]; an assessed attempt
            has no tutor, so there it counts nothing.
        pace: Time taken over the author's estimate; None where it is not known.
        ability: What is believed of the trainee on the skills of the scenario, in logits.
    """

    share: float
    passed: bool
    rungs: float
    pace: float | None
    mode: Mode
    ability: float
    ability_sd: float

    @property
    def score(self) -> float:
        """Return what was achieved in [0, 1]: half for passing, half for the grade's share."""
        return 0.5 * self.passed + 0.5 * min(1.0, max(0.0, self.share))

    @property
    def only_looked(self) -> bool:
        """Tell whether somebody opened it, looked and left, which says nothing of difficulty."""
        return not self.passed and self.pace is not None and self.pace < LOOKED_SHARE


@dataclass(frozen=True, kw_only=True)
class Difficulty:
    """How hard a scenario is.

    Args:
        declared: The author's, 1 to 5.
        logits: On the scale of the skills.
        sd: How uncertain that is, in logits.
        practice: First attempts in practice that count.
        assessed: First assessed attempts that count.
        passed: Of all these, how many passed.
    """

    declared: int
    logits: float
    sd: float
    practice: int = 0
    assessed: int = 0
    passed: int = 0

    @property
    def attempts(self) -> int:
        """Return how many attempts count."""
        return self.practice + self.assessed

    @property
    def is_measured(self) -> bool:
        """Tell whether attempts speak, or the author alone."""
        return self.attempts >= ENOUGH_ATTEMPTS


def calibrate(
    declared: int, attempts: Iterable[FirstAttempt], *, parameters: ParameterSet
) -> Difficulty:
    """Return the difficulty that the author's word and the attempts make most likely.

    The author's word is the prior: a normal distribution around the declared step with the
    parameter set's `difficulty_sd`. Each attempt adds a Rasch term for what was achieved, help
    counted as the skill model counts it, and each passed one a term for its time. Practice
    counts `practice_weight`, an assessed attempt whole.

    Raises:
        ValueError: The step is not 1 to 5.
    """
    start = parameters.difficulty_of(declared)
    counted = [each for each in attempts if not each.only_looked]
    terms = [_Term.of(each, parameters=parameters) for each in counted]
    logits = _root(terms, start=start, parameters=parameters)
    steps = parameters.difficulty_steps
    return Difficulty(
        declared=declared,
        logits=min(steps[-1], max(steps[0], logits)),
        sd=1.0 / math.sqrt(_curvature(terms, logits, parameters=parameters)),
        practice=sum(each.mode is Mode.PRACTICE for each in counted),
        assessed=sum(each.mode is Mode.ASSESSED for each in counted),
        passed=sum(each.passed for each in counted),
    )


def step_of(logits: float, *, parameters: ParameterSet) -> int:
    """Return the step, 1 to 5, that lies nearest; the lower one of two equally near."""
    steps = parameters.difficulty_steps
    return min(range(len(steps)), key=lambda at: (abs(steps[at] - logits), at)) + 1


@dataclass(frozen=True, kw_only=True)
class _Term:
    """One attempt's part of the sum: its weight, where it pulls from, and its time.

    Args:
        ease: Ability with help, in logits; a difficulty equal to it makes success even odds.
        slope: What doubt about the ability leaves of the scale.
        log_pace: None where the time says nothing.
    """

    weight: float
    ease: float
    slope: float
    score: float
    log_pace: float | None

    @classmethod
    def of(cls, attempt: FirstAttempt, *, parameters: ParameterSet) -> "_Term":
        is_practice = attempt.mode is Mode.PRACTICE
        help_taken = parameters.hint_offset * attempt.rungs if is_practice else 0.0
        timed = attempt.passed and attempt.pace is not None and attempt.pace > 0.0
        log_pace = math.log(attempt.pace) if timed and attempt.pace else None
        return cls(
            weight=parameters.practice_weight if is_practice else 1.0,
            ease=attempt.ability + help_taken,
            slope=1.0 / math.sqrt(1.0 + math.pi * attempt.ability_sd**2 / 8.0),
            score=attempt.score,
            log_pace=None if log_pace is None else min(PACE_BOUND, max(-PACE_BOUND, log_pace)),
        )

    def chance(self, logits: float) -> float:
        margin = self.slope * (self.ease - logits)
        if margin >= 0.0:
            return 1.0 / (1.0 + math.exp(-margin))
        grown = math.exp(margin)
        return grown / (1.0 + grown)

    def pull(self, logits: float, *, start: float) -> float:
        """Return how strongly the attempt wants the difficulty lower; negative for higher."""
        pulled = self.slope * (self.score - self.chance(logits))
        if self.log_pace is not None:
            expected = TIME_SLOPE * (logits - start)
            pulled += TIME_SLOPE * (expected - self.log_pace) / TIME_SD**2
        return self.weight * pulled

    def curvature(self, logits: float) -> float:
        chance = self.chance(logits)
        timed = (TIME_SLOPE / TIME_SD) ** 2 if self.log_pace is not None else 0.0
        return self.weight * (self.slope**2 * chance * (1.0 - chance) + timed)


def _root(terms: Sequence[_Term], *, start: float, parameters: ParameterSet) -> float:
    """Return where all pulls balance; the sum only grows with the difficulty, so there is one."""
    precision = 1.0 / parameters.difficulty_sd**2
    low, high = start - _WIDEST, start + _WIDEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        pulls = math.fsum(term.pull(middle, start=start) for term in terms)
        if precision * (middle - start) + pulls < 0.0:
            low = middle
        else:
            high = middle
    return start if not terms else (low + high) / 2.0


def _curvature(terms: Sequence[_Term], logits: float, *, parameters: ParameterSet) -> float:
    return 1.0 / parameters.difficulty_sd**2 + math.fsum(term.curvature(logits) for term in terms)
