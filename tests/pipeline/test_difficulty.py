"""Difficulty from attempts: bounds, monotony, the author's word as prior, and what it recovers."""

import dataclasses
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.pipeline.difficulty import (
    ENOUGH_ATTEMPTS,
    FirstAttempt,
    calibrate,
    step_of,
)
from range.pipeline.estimate import Mode
from range.pipeline.parameters import CURRENT

AVERAGE = FirstAttempt(
    share=0.6, passed=False, rungs=0.0, pace=1.0, mode=Mode.PRACTICE, ability=0.0, ability_sd=1.0
)
shares = st.floats(0, 1)
paces = st.none() | st.floats(0, 20)
attempts = st.builds(
    FirstAttempt,
    share=shares,
    passed=st.booleans(),
    rungs=st.floats(0, 4),
    pace=paces,
    mode=st.sampled_from(Mode),
    ability=st.floats(-3, 3),
    ability_sd=st.floats(0.1, 1.5),
)
some = st.lists(attempts, max_size=30)
steps = st.integers(1, 5)


def logits(declared, given_):
    return calibrate(declared, given_, parameters=CURRENT).logits


def changed(**fields):
    return dataclasses.replace(AVERAGE, **fields)


@given(steps)
def test_without_attempts_the_author_is_believed_exactly(declared):
    made = calibrate(declared, [], parameters=CURRENT)
    assert made.logits == CURRENT.difficulty_of(declared)
    assert step_of(made.logits, parameters=CURRENT) == declared
    assert made.sd == pytest.approx(CURRENT.difficulty_sd)
    assert not made.is_measured


@given(steps, some)
def test_it_stays_on_the_scale_and_only_grows_surer(declared, given_):
    made = calibrate(declared, given_, parameters=CURRENT)
    assert CURRENT.difficulty_steps[0] <= made.logits <= CURRENT.difficulty_steps[-1]
    assert 1 <= step_of(made.logits, parameters=CURRENT) <= 5
    assert 0 < made.sd <= CURRENT.difficulty_sd + 1e-12
    assert made.attempts == sum(not each.only_looked for each in given_)
    assert made.passed <= made.attempts


@given(steps, some, st.randoms(use_true_random=False))
def test_the_order_of_attempts_is_nothing(declared, given_, chance):
    shuffled = list(given_)
    chance.shuffle(shuffled)
    assert logits(declared, given_) == logits(declared, shuffled)


@given(steps, some, attempts, shares)
def test_achieving_more_never_makes_it_harder(declared, others, one, share):
    low, high = sorted((one.share, share))
    of = lambda value: [*others, dataclasses.replace(one, share=value, pace=None)]  # noqa: E731
    assert logits(declared, of(high)) <= logits(declared, of(low)) + 1e-9


@given(steps, some, attempts, st.floats(0, 4))
def test_more_help_never_makes_it_easier(declared, others, one, rungs):
    low, high = sorted((one.rungs, rungs))
    of = lambda value: [*others, dataclasses.replace(one, rungs=value)]  # noqa: E731
    assert logits(declared, of(low)) <= logits(declared, of(high)) + 1e-9


@given(steps, some, st.floats(0.01, 20), st.floats(0.01, 20))
def test_taking_longer_never_makes_it_easier(declared, others, one, other):
    of = lambda pace: [*others, changed(passed=True, pace=pace)]  # noqa: E731
    assert logits(declared, of(min(one, other))) <= logits(declared, of(max(one, other))) + 1e-9


@given(steps, some, attempts, st.floats(-3, 3))
def test_the_same_outcome_of_an_abler_trainee_never_makes_it_easier(declared, others, one, other):
    low, high = sorted((one.ability, other))
    of = lambda value: [*others, dataclasses.replace(one, ability=value)]  # noqa: E731
    assert logits(declared, of(low)) <= logits(declared, of(high)) + 1e-9


def test_help_in_an_assessed_attempt_counts_nothing_because_there_is_none():
    assessed = changed(mode=Mode.ASSESSED, share=0.4)
    assert logits(3, [assessed]) == logits(3, [dataclasses.replace(assessed, rungs=4.0)])


def test_an_assessed_attempt_says_twice_what_practice_says():
    practice, assessed = changed(share=0.0), changed(share=0.0, mode=Mode.ASSESSED)
    assert logits(3, [assessed]) == pytest.approx(logits(3, [practice, practice]))
    made = calibrate(3, [practice, assessed], parameters=CURRENT)
    assert (made.practice, made.assessed) == (1, 1)


def test_few_attempts_move_it_little_and_many_move_it_far():
    failed = changed(share=0.0)
    one, many = logits(3, [failed]), logits(3, [failed] * 200)
    assert 0 < one < 0.15
    assert many > 1.0


def test_whoever_looked_and_left_says_nothing():
    looked = changed(share=0.0, pace=0.05)
    assert logits(3, [looked] * 50) == 0.0
    assert logits(3, [dataclasses.replace(looked, pace=0.5)] * 50) > 0.5


def test_a_night_between_start_and_end_counts_no_more_than_four_times_the_estimate():
    slow, asleep = changed(passed=True, pace=4.0), changed(passed=True, pace=400.0)
    assert logits(3, [slow] * 5) == logits(3, [asleep] * 5)


def test_attempts_speak_only_from_a_number_on():
    few = [AVERAGE] * (ENOUGH_ATTEMPTS - 1)
    assert not calibrate(3, few, parameters=CURRENT).is_measured
    assert calibrate(3, [*few, AVERAGE], parameters=CURRENT).is_measured


def test_a_step_lies_where_it_is_nearest():
    for number, middle in enumerate(CURRENT.difficulty_steps, start=1):
        for shift in (-0.39, 0.0, 0.39):
            assert step_of(middle + shift, parameters=CURRENT) == number


def test_a_difficulty_that_is_none_is_refused():
    with pytest.raises(ValueError, match="1 to 5"):
        calibrate(6, [], parameters=CURRENT)


@pytest.mark.parametrize("truth", [-1.2, 0.0, 1.2])
def test_a_planted_difficulty_is_found_although_abler_people_choose_it(truth):
    """Six hundred trainees as able as the scenario is hard: their share alone would say medium."""
    chance = random.Random(7)
    seen = []
    for _ in range(600):
        able = truth + chance.gauss(0, 0.8)
        is_met = chance.random() < 1 / (1 + math.exp(truth - able))
        believed = able + chance.gauss(0, 0.3)
        seen.append(
            changed(
                share=float(is_met),
                passed=is_met,
                pace=None,
                ability=believed,
                ability_sd=0.3,
                mode=Mode.ASSESSED,
            )
        )
    assert logits(3, seen) == pytest.approx(truth, abs=0.3)
