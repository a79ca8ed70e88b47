"""The online update beside exact answers: numeric integration over a fine grid."""

import math
from datetime import UTC, datetime, timedelta
from itertools import product

import numpy as np
import pytest

from range.pipeline.estimate import Observation, replay
from range.pipeline.parameters import CURRENT
from range.pipeline.readiness import HALF_WIDTH_80

START = datetime(2030, 1, 1, tzinfo=UTC)
GRID = np.linspace(-6, 6, 601)
# How far the closed form may lie from the exact posterior, in logits.
NEAR = 0.12


def observed(number, score, *, difficulty=0.0, rung=0, skills=(("one", 1.0),)):
    return Observation(
        key=f"{number:03}",
        attempt=str(number),
        scenario=str(number),
        variant=str(number),
        at=START,
        skills=skills,
        difficulty=difficulty,
        difficulty_sd=0.0,
        score=score,
        checks_in_attempt=1,
        hint_level=rung,
    )


def chance(margin):
    return 1 / (1 + np.exp(-margin))


def exact_for_one(observations):
    """Return mean and sd of the posterior of one skill under the model's own likelihood."""
    log = -(GRID**2) / 2
    for item in observations:
        p = chance(GRID - item.difficulty + CURRENT.hint_offset * item.hint_level)
        log = log + item.score * np.log(p) + (1 - item.score) * np.log(1 - p)
    weights = np.exp(log - log.max())
    weights /= weights.sum()
    mean = (weights * GRID).sum()
    return mean, math.sqrt((weights * (GRID - mean) ** 2).sum())


def exact_for_two(observations):
    one, two = np.meshgrid(GRID[::4], GRID[::4], indexing="ij")
    inverse = np.linalg.inv([[1.0, 0.4], [0.4, 1.0]])
    log = -(inverse[0, 0] * one**2 + 2 * inverse[0, 1] * one * two + inverse[1, 1] * two**2) / 2
    for item in observations:
        shares = dict(item.skills)
        p = chance(shares.get("one", 0) * one + shares.get("two", 0) * two - item.difficulty)
        log = log + item.score * np.log(p) + (1 - item.score) * np.log(1 - p)
    weights = np.exp(log - log.max())
    weights /= weights.sum()
    return [(weights * one).sum(), (weights * two).sum()]


def estimated(observations, **fields):
    return replay(observations, parameters=CURRENT, as_of=START, **fields)


@pytest.mark.parametrize("score", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("difficulty", [-1.6, 0.0, 1.6])
@pytest.mark.parametrize("rung", [0, 2])
def test_one_observation_lies_near_the_exact_posterior(score, difficulty, rung):
    item = observed(0, score, difficulty=difficulty, rung=rung)
    mean, sd = exact_for_one([item])
    found = estimated([item])
    assert found.mean_of("one") == pytest.approx(mean, abs=NEAR)
    assert found.sd_of("one") == pytest.approx(sd, abs=NEAR)


@pytest.mark.parametrize("pattern", ["1" * 8, "0" * 8, "10101010", "11110000", "00001111"])
def test_eight_observations_lie_near_the_exact_posterior(pattern):
    items = [
        observed(n, float(digit), difficulty=(n % 4 - 1.5) * 0.8) for n, digit in enumerate(pattern)
    ]
    mean, sd = exact_for_one(items)
    found = estimated(items)
    assert found.mean_of("one") == pytest.approx(mean, abs=2 * NEAR)
    assert found.sd_of("one") == pytest.approx(sd, abs=NEAR)


def test_the_order_of_successes_and_failures_hardly_matters():
    means = [
        estimated([observed(n, float(score)) for n, score in enumerate(pattern)]).mean_of("one")
        for pattern in product((0, 1), repeat=6)
        if sum(pattern) == 3
    ]
    assert max(means) - min(means) < 0.15


@pytest.mark.parametrize(
    "skills", [(("one", 1.0),), (("one", 0.5), ("two", 0.5)), (("one", 0.7), ("two", 0.3))]
)
def test_what_one_skill_says_of_another_lies_near_the_exact_posterior(skills):
    items = [observed(n, 1.0, skills=skills, difficulty=0.4 * n) for n in range(4)]
    exact = exact_for_two(items)
    found = estimated(items, skills=["one", "two"])
    assert [found.mean_of("one"), found.mean_of("two")] == pytest.approx(exact, abs=2 * NEAR)


def test_intervals_of_the_reference_trainees_hold_four_in_five():
    rng = np.random.default_rng(5)
    inside = []
    for true in rng.normal(size=400):
        difficulties = rng.normal(size=10)
        passed = rng.random(10) < chance(true - difficulties)
        items = [
            observed(n, float(met), difficulty=float(difficulty))
            for n, (met, difficulty) in enumerate(zip(passed, difficulties, strict=True))
        ]
        found = estimated(items)
        inside.append(abs(found.mean_of("one") - true) <= HALF_WIDTH_80 * found.sd_of("one"))
    assert np.mean(inside) == pytest.approx(0.8, abs=0.06)


def test_frequent_askers_are_neither_favoured_nor_punished():
    rng = np.random.default_rng(6)

    def bias(rung):
        errors = []
        for true in rng.normal(size=300):
            passed = rng.random(12) < chance(true + CURRENT.hint_offset * rung)
            items = [observed(n, float(met), rung=rung) for n, met in enumerate(passed)]
            errors.append(estimated(items).mean_of("one") - true)
        return np.mean(errors)

    assert abs(bias(0)) < 0.12
    assert abs(bias(2)) < 0.12


def test_a_year_of_silence_costs_less_than_the_first_observation_teaches():
    items = [observed(n, 1.0) for n in range(5)]
    year = START + timedelta(days=365)
    silent = replay(items, parameters=CURRENT, as_of=year)
    cost = silent.sd_of("one") ** 2 - estimated(items).sd_of("one") ** 2
    taught = 1.0 - estimated(items[:1]).sd_of("one") ** 2
    assert 0 < cost < taught / 2
