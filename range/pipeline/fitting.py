"""Fits items, the hint offset and how people ask for help, by turns with everybody's skills; pure.

Who fails asks for help, so help is no accident: were it taken for one, hints would be blamed for
the failing. So the rung that somebody went to is an answer too, of an ordered logistic model.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from range.pipeline.parameters import ParameterSet

type Floats = NDArray[np.float64]
type Numbers = NDArray[np.int64]

ROUNDS = 30
STEPS = 3
# Rungs that leave something to do; the last one shows the solution and teaches nothing.
RUNGS = 3
# How far values may reasonably lie from where they start, logits.
HINT_OFFSET_SD = 0.5
STEEPNESS, STEEPNESS_SD = 0.5, 0.5
THRESHOLD_SD = 3.0
LEAST_SPREAD = 0.1


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Answers as columns, one row an answer.

    Args:
        attempt: Its number, different between people.
        weights: A column a skill.
        rung: Of help, 0 to 3.
        worth: What each answer counts.
        start, start_sd: An item's difficulty as it is believed, logits.
    """

    person: Numbers
    attempt: Numbers
    item: Numbers
    weights: Floats
    rung: Numbers
    score: Floats
    worth: Floats
    start: Floats
    start_sd: Floats

    def per_item(self, values: Floats) -> Floats:
        """Sum values of answers over the items they answer."""
        return np.bincount(self.item, weights=values, minlength=len(self.start))


@dataclass(kw_only=True)
class State:
    """Everything that is fitted, as it stands.

    Args:
        difficulty, spread: Of each item, and how unsure that is, logits.
        offset, offset_sd: What a rung of help is worth, logits.
        steepness: How strongly what somebody cannot do makes them ask.
        thresholds: From where somebody goes to rung 1, 2, 3.
        habits: How much people differ in asking, as a standard deviation.
        chance: Of each answer, once fitted.
    """

    difficulty: Floats
    spread: Floats
    offset: float
    offset_sd: float = 0.0
    steepness: float = STEEPNESS
    thresholds: Floats = field(default_factory=lambda: np.zeros(RUNGS))
    habits: float = 1.0
    chance: Floats = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What is believed of people, told for each answer.

    Args:
        margin, margin_variance: Skill and luck that the answer draws on.
        habit_covariance: Between that and the person's habit of asking.
        urge, urge_variance: To ask for help there, before any threshold.
        habit_square: Mean square of all people's habits.
    """

    margin: Floats
    margin_variance: Floats
    habit_covariance: Floats
    urge: Floats
    urge_variance: Floats
    habit_square: float


class _Person:
    """One person's skills, the luck of each attempt, and the habit of asking: a normal belief."""

    def __init__(self, data: Columns, rows: Numbers, parameters: ParameterSet) -> None:
        self.rows = rows
        _, attempt = np.unique(data.attempt[rows], return_inverse=True)
        skills, lucks = data.weights.shape[1], int(attempt.max()) + 1
        self._weights = np.hstack(
            [data.weights[rows], np.eye(lucks)[attempt], np.zeros((len(rows), 1))]
        )
        shared = parameters.prior_correlation
        alike = shared * np.ones((skills, skills)) + (1 - shared) * np.eye(skills)
        self._precision = np.eye(skills + lucks + 1) / parameters.attempt_sd**2
        self._precision[:skills, :skills] = np.linalg.inv(alike) / parameters.prior_sd**2
        self._start = np.zeros(skills + lucks + 1)
        self._start[:skills] = parameters.prior_mean
        self._mean = self._start
        self._spread = np.linalg.inv(self._precision)

    def learn(self, data: Columns, state: State) -> None:
        """Move the belief towards where the answers pull it, expectations under itself."""
        own, weights = self.rows, self._weights
        asking = -state.steepness * weights
        asking[:, -1] = 1.0
        self._precision[-1, -1] = state.habits**-2
        difficulty, unsure = state.difficulty[data.item[own]], state.spread[data.item[own]] ** 2
        for _ in range(STEPS):
            margin = weights @ self._mean - difficulty
            flat = _flattened(_variances(weights, self._spread) + unsure)
            chance = _sigmoid(flat * (margin + state.offset * data.rung[own]))
            pull = (data.worth[own] * (data.score[own] - chance)) @ weights
            bend = data.worth[own] * flat * chance * (1.0 - chance)
            urge = self._mean[-1] - state.steepness * margin
            wide = _variances(asking, self._spread) + state.steepness**2 * unsure
            surprise, curve = _asked(urge, wide, data.rung[own], state.thresholds)
            pull += (data.worth[own] * surprise) @ asking
            pull -= self._precision @ (self._mean - self._start)
            curved = (weights * bend[:, None]).T @ weights + self._precision
            curved += (asking * (data.worth[own] * curve)[:, None]).T @ asking
            self._spread = np.linalg.inv(curved)
            self._mean = self._mean + self._spread @ pull

    def told(self, state: State) -> Iterator[Floats]:
        """Return what is believed for each answer, in the order of `_Known`'s columns."""
        asking = -state.steepness * self._weights
        asking[:, -1] = 1.0
        yield self._weights @ self._mean
        yield _variances(self._weights, self._spread)
        yield self._weights @ self._spread[:, -1]
        yield asking @ self._mean
        yield _variances(asking, self._spread)

    @property
    def habit_square(self) -> float:
        return float(self._mean[-1] ** 2 + self._spread[-1, -1])


def fit(data: Columns, parameters: ParameterSet) -> State:
    """Return what fits best, by expectation and maximisation in turn.

    Beliefs about people are normal, with expectations taken over them and not at their peak:
    where nearly everything was met, peak and mean lie apart, and difficulties would follow.
    """
    count = int(data.person.max()) + 1
    people = [
        _Person(data, np.flatnonzero(data.person == number), parameters)
        for number in range(count)
        if np.any(data.person == number)
    ]
    state = State(
        difficulty=data.start.copy(),
        spread=data.start_sd.copy(),
        offset=parameters.hint_offset,
        thresholds=_first_thresholds(data),
    )
    first = state.thresholds.copy()
    for _ in range(ROUNDS):
        known = _learn(data, people, state)
        _move(data, known, state, parameters, first)
    return state


def _learn(data: Columns, people: Sequence[_Person], state: State) -> _Known:
    columns = [np.zeros(len(data.score)) for _ in range(5)]
    for person in people:
        person.learn(data, state)
        for column, values in zip(columns, person.told(state), strict=True):
            column[person.rows] = values
    return _Known(
        margin=columns[0],
        margin_variance=columns[1],
        habit_covariance=columns[2],
        urge=columns[3],
        urge_variance=columns[4],
        habit_square=float(np.mean([each.habit_square for each in people])),
    )


def _move(
    data: Columns, known: _Known, state: State, parameters: ParameterSet, first: Floats
) -> None:
    """Take one Newton step of everything that is not a person's."""
    difficulty = state.difficulty[data.item]
    flat = _flattened(known.margin_variance)
    state.chance = _sigmoid(flat * (known.margin - difficulty + state.offset * data.rung))
    surprise = data.worth * (data.score - state.chance)
    slope = data.worth * flat * state.chance * (1.0 - state.chance)
    urge = known.urge + state.steepness * difficulty
    asked, bent = _asked(urge, known.urge_variance, data.rung, state.thresholds)
    asked, bent = data.worth * asked, data.worth * bent
    pull = data.per_item(state.steepness * asked - surprise)
    pull -= (state.difficulty - data.start) / data.start_sd**2
    curve = data.per_item(slope + state.steepness**2 * bent) + data.start_sd**-2
    _move_offset(data, surprise, slope, state, parameters)
    _move_asking(data, known, urge, asked, bent, state, first)
    state.difficulty = state.difficulty + pull / curve
    state.spread = curve**-0.5


def _move_offset(
    data: Columns, surprise: Floats, slope: Floats, state: State, parameters: ParameterSet
) -> None:
    pulls = np.bincount(data.person, weights=surprise * data.rung)
    curve = float((slope * data.rung**2).sum()) + HINT_OFFSET_SD**-2
    away = (state.offset - parameters.hint_offset) / HINT_OFFSET_SD**2
    state.offset += (float(pulls.sum()) - away) / curve
    # People are what was drawn at random, not answers: their pulls tell how sure this is.
    state.offset_sd = max(math.sqrt(float((pulls**2).sum())) / curve, curve**-0.5)


def _move_asking(
    data: Columns,
    known: _Known,
    urge: Floats,
    asked: Floats,
    bent: Floats,
    state: State,
    first: Floats,
) -> None:
    margin = known.margin - state.difficulty[data.item]
    spread = state.steepness * known.margin_variance - known.habit_covariance
    pull = float((-asked * margin - bent * spread).sum())
    pull -= (state.steepness - STEEPNESS) / STEEPNESS_SD**2
    curve = float((bent * (margin**2 + known.margin_variance)).sum()) + STEEPNESS_SD**-2
    flat = _flattened(known.urge_variance)
    reached = _sigmoid(flat[:, None] * (urge[:, None] - state.thresholds))
    went = data.rung[:, None] > np.arange(RUNGS)
    worth = data.worth[:, None]
    over = (worth * (reached - went)).sum(axis=0) - (state.thresholds - first) / THRESHOLD_SD**2
    steep = (worth * flat[:, None] * reached * (1.0 - reached)).sum(axis=0) + THRESHOLD_SD**-2
    state.thresholds = np.maximum.accumulate(state.thresholds + over / steep)
    state.steepness += pull / curve
    state.habits = max(LEAST_SPREAD, math.sqrt(known.habit_square))


def _asked(
    urge: Floats, variance: Floats, rung: Numbers, thresholds: Floats
) -> tuple[Floats, Floats]:
    """Return slope and curvature, with the sign turned, of the chance of exactly this rung.

    Source: the proportional-odds model of P. McCullagh, "Regression models for ordinal data",
    Journal of the Royal Statistical Society B 42 (1980); u_j is the chance of at least rung j,
    and d log(u_j - u_j+1) = 1 - u_j - u_j+1.
    """
    flat = _flattened(variance)
    inner = _sigmoid(flat[:, None] * (urge[:, None] - thresholds))
    at_least = np.pad(inner, ((0, 0), (1, 1)))
    at_least[:, 0] = 1.0
    rows = np.arange(len(rung))
    this, more = at_least[rows, rung], at_least[rows, rung + 1]
    return 1.0 - this - more, flat * (this * (1.0 - this) + more * (1.0 - more))


def _first_thresholds(data: Columns) -> Floats:
    """Return where thresholds lie if everybody were alike; a hundredth stands for never seen."""
    share = np.array([np.mean(data.rung >= rung) for rung in range(1, RUNGS + 1)])
    return np.maximum.accumulate(-np.log((share + 0.01) / (1.01 - share)))


def _variances(weights: Floats, spread: Floats) -> Floats:
    return ((weights @ spread) * weights).sum(axis=1, dtype=np.float64)


def _flattened(variance: Floats) -> Floats:
    """Return how much flatter a logistic curve is once averaged over a normal.

    Source: as in the estimate, D. MacKay (1992).
    """
    return 1.0 / np.sqrt(1.0 + math.pi * variance / 8.0)


def _sigmoid(margin: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-np.clip(margin, -40.0, 40.0)))
