"""What to play next, and why: what tells most, fits, and is soon done; pure, from skills alone."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from range.pipeline.estimate import Estimate, Observation, spread_after
from range.pipeline.parameters import ParameterSet
from range.pipeline.readiness import Standing, Tally, Word, word_for

SHOWN = 3
# A trainee learns most where success is likelier than not, and not certain. Away from that chance
# the worth falls evenly, and never to nothing: somebody may have little else left to play.
BEST_CHANCE = 0.7
LEAST_FIT = 0.2
# Minutes after which a scenario is worth half of one that takes no time.
HALF_WORTH_MINUTES = 60.0
_SETTLED = (Word.MEETS, Word.LIKELY)


class Reason(StrEnum):
    """Why a scenario is recommended."""

    GAP = "gap"
    """A required skill seems to lie below what the role asks."""
    SETTLES = "settles"
    """A skill of which too little is known."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """A scenario that is offered to somebody and can be launched at once.

    Args:
        difficulty: Logits, as measured or declared.
        planned: The observations that playing it would give.
        is_done: Passed, or under way: never recommended.
    """

    slug: str
    minutes: int
    difficulty: float
    planned: tuple[Observation, ...]
    is_done: bool = False


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """A scenario to play next.

    Args:
        skills: What it would tell of, what it would tell most of first.
        unseen: Of these, the ones with no evidence yet.
        chance: How likely the average check of it would be met, in [0, 1].
        worth: What options are ordered by; of no meaning beside another person's.
    """

    slug: str
    reason: Reason
    skills: tuple[str, ...]
    unseen: tuple[str, ...]
    chance: float
    worth: float


def recommend(
    options: Iterable[Option],
    *,
    known: Iterable[Standing],
    required: Mapping[str, float] | None = None,
    parameters: ParameterSet,
) -> tuple[Recommendation, ...]:
    """Return up to three scenarios to play next, best first.

    Worth is what a scenario would narrow of the skills in question, in squared logits, times how
    well its difficulty fits, times how soon it is done. Nothing about a person enters but the
    standings of their skills.

    Args:
        known: What is known of the person; what is missing stands at the prior.
        required: Cut in logits of each skill that the chosen role asks for; None without a role:
            then every skill is in question.
    """
    standings = {each.skill: each for each in known}
    found = [
        made
        for option in options
        if not option.is_done
        and (made := _weigh(option, standings, required, parameters=parameters)) is not None
    ]
    return tuple(sorted(found, key=lambda each: (-each.worth, each.slug))[:SHOWN])


def _weigh(
    option: Option,
    standings: Mapping[str, Standing],
    required: Mapping[str, float] | None,
    *,
    parameters: ParameterSet,
) -> Recommendation | None:
    keys = sorted({key for each in option.planned for key, _ in each.skills})
    here = [_standing(key, standings, parameters) for key in keys]
    in_question = [each for each in here if _is_open(each, required)]
    if not in_question:
        return None
    after = spread_after(
        _apart(here, parameters=parameters), planned=option.planned, parameters=parameters
    )
    gains = {each.skill: each.sd**2 - after[each.skill] for each in in_question}
    by_gain = sorted(in_question, key=lambda each: (-gains[each.skill], each.skill))
    chance = _chance(option, {each.skill: each for each in here})
    return Recommendation(
        slug=option.slug,
        reason=_reason(by_gain, required),
        skills=tuple(each.skill for each in by_gain),
        unseen=tuple(each.skill for each in by_gain if not each.tally.checks),
        chance=chance,
        worth=math.fsum(gains.values()) * fit(chance) * brevity(option.minutes),
    )


def fit(chance: float) -> float:
    """Return how well a chance of success suits learning: 1 at the best, falling evenly."""
    return max(LEAST_FIT, 1.0 - abs(chance - BEST_CHANCE) / BEST_CHANCE)


def brevity(minutes: int) -> float:
    """Return what the length leaves of a scenario's worth, in (0, 1]."""
    return 1.0 / (1.0 + max(0, minutes) / HALF_WORTH_MINUTES)


def _standing(key: str, standings: Mapping[str, Standing], parameters: ParameterSet) -> Standing:
    unseen = Standing(skill=key, mean=parameters.prior_mean, sd=parameters.prior_sd, tally=Tally())
    return standings.get(key, unseen)


def _is_open(standing: Standing, required: Mapping[str, float] | None) -> bool:
    if required is None:
        return True
    cut = required.get(standing.skill)
    return cut is not None and word_for(standing, cut=cut) not in _SETTLED


def _reason(by_gain: Sequence[Standing], required: Mapping[str, float] | None) -> Reason:
    first = by_gain[0]
    is_below = required is not None and first.tally.checks and first.mean < required[first.skill]
    return Reason.GAP if is_below else Reason.SETTLES


def _apart(here: Sequence[Standing], *, parameters: ParameterSet) -> Estimate:
    """Take skills as independent of each other: a check then tells only of those it observes."""
    return Estimate(
        parameter_set=parameters.name,
        skills=tuple(each.skill for each in here),
        mean=tuple(each.mean for each in here),
        covariance=tuple(
            tuple(row.sd**2 if row is column else 0.0 for column in here) for row in here
        ),
    )


def _chance(option: Option, here: Mapping[str, Standing]) -> float:
    margins = [
        math.fsum(weight * here[key].mean for key, weight in each.skills) - option.difficulty
        for each in option.planned
    ]
    return math.fsum(0.5 * (1.0 + math.tanh(margin / 2.0)) for margin in margins) / len(margins)
