"""The skill model: what must hold of any evidence, and figures worked out by hand."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from range.pipeline.estimate import (
    Estimate,
    Judge,
    Mode,
    Observation,
    replay,
    spread_after,
    weigh,
)
from range.pipeline.parameters import CURRENT, PARAMETER_SETS

START = datetime(2030, 1, 1, tzinfo=UTC)
SKILLS = ("alpha", "beta", "gamma")


def observation(key: str = "one", **fields) -> Observation:
    known = {
        "key": key,
        "attempt": f"attempt-{key}",
        "scenario": "yard",
        "variant": f"yard:{key}",
        "at": START,
        "skills": (("alpha", 1.0),),
        "difficulty": 0.0,
        "difficulty_sd": CURRENT.difficulty_sd,
        "score": 1.0,
        "checks_in_attempt": 1,
    }
    return Observation(**(known | fields))


def estimated(*observations: Observation, as_of: datetime = START, skills=SKILLS) -> Estimate:
    return replay(observations, parameters=CURRENT, as_of=as_of, skills=skills)


weights = st.lists(st.sampled_from(SKILLS), min_size=1, max_size=3, unique=True).flatmap(
    lambda names: st.lists(st.integers(1, 9), min_size=len(names), max_size=len(names)).map(
        lambda parts: tuple((n, p / sum(parts)) for n, p in zip(names, parts, strict=True))
    )
)


@st.composite
def an_observation(draw, key: str = "one"):
    rung = draw(st.integers(0, 4))
    return observation(
        key,
        attempt=draw(st.sampled_from(["a", "b", "c"])),
        variant=draw(st.sampled_from(["v1", "v2", "v3", "v4"])),
        at=START + timedelta(hours=draw(st.integers(0, 5000))),
        skills=draw(weights),
        difficulty=draw(st.floats(-3, 3)),
        difficulty_sd=draw(st.floats(0, 1)),
        score=draw(st.floats(0, 1)),
        hint_level=rung,
        solution_shown=rung == 4,
        checks_in_attempt=draw(st.integers(1, 12)),
        judge=draw(st.sampled_from(list(Judge))),
        mode=draw(st.sampled_from(list(Mode))),
        weight=draw(st.floats(0, 1)),
    )


histories = st.integers(0, 12).flatmap(
    lambda size: st.tuples(*(an_observation(f"k{number:02}") for number in range(size)))
)
LATER = START + timedelta(hours=6000)
PINNED = [-0.6901794404077578, -0.48808745722956576, 0.5930415399801424, 0.8007151342662396]


def test_the_prior_is_the_reference_trainee_with_correlated_skills():
    before = estimated()
    assert before.mean == (0.0, 0.0, 0.0)
    assert before.covariance[0] == (1.0, 0.4, 0.4)
    assert before.sd_of("beta") == 1.0


def test_one_success_moves_the_mean_by_the_figures_of_the_formula():
    after = estimated(observation(score=1.0, difficulty=1.0))
    # s² = 1 + 0.5², k = 1/sqrt(1 + π 1.25/8) = 0.81899, p = sigmoid(-k) = 0.30598
    chance = 1 / (1 + math.exp(0.8189918))
    damping = 1 + chance * (1 - chance) * 0.25
    variance = 1 / (1 + chance * (1 - chance) / damping)
    assert math.isclose(after.sd_of("alpha") ** 2, variance, rel_tol=1e-6)
    assert math.isclose(after.mean_of("alpha"), variance * (1 - chance) / damping, rel_tol=1e-6)
    assert math.isclose(after.mean_of("beta"), 0.4 * after.mean_of("alpha"), rel_tol=1e-12)


def test_siblings_of_one_attempt_count_less_than_strangers():
    icc = 0.36 / (0.36 + math.pi**2 / 3)
    alone = estimated(observation())
    among_four = estimated(observation(checks_in_attempt=4))
    by_hand = estimated(observation(weight=1 / (1 + 3 * icc)))
    assert 0 < among_four.mean_of("alpha") < alone.mean_of("alpha")
    assert math.isclose(among_four.mean_of("alpha"), by_hand.mean_of("alpha"), rel_tol=1e-12)


def test_hint_offset_equals_an_easier_check_and_never_a_penalty():
    hinted = estimated(observation(hint_level=2))
    easier = estimated(observation(difficulty=-1.8))
    assert hinted.mean == easier.mean
    assert hinted.mean_of("alpha") > 0


@given(histories, an_observation("last"), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_a_better_score_never_gives_a_lower_estimate(history, last, other):
    last = replace(last, solution_shown=False, hint_level=min(last.hint_level, 3), at=LATER)
    low, high = sorted((last.score, other))
    worse = estimated(*history, replace(last, score=low), as_of=LATER)
    better = estimated(*history, replace(last, score=high), as_of=LATER)
    direction = last.skills
    assert sum(better.mean_of(s) * w for s, w in direction) >= (
        sum(worse.mean_of(s) * w for s, w in direction) - 1e-12
    )


@given(histories, an_observation("last"), st.integers(0, 3), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_the_same_score_with_more_help_never_counts_more(history, last, one, two):
    few, many = sorted((one, two))
    last = replace(last, solution_shown=False, at=LATER)
    with_few = estimated(*history, replace(last, hint_level=few), as_of=LATER)
    with_many = estimated(*history, replace(last, hint_level=many), as_of=LATER)
    assert sum(with_few.mean_of(s) * w for s, w in last.skills) >= (
        sum(with_many.mean_of(s) * w for s, w in last.skills) - 1e-12
    )


@given(histories, an_observation("last"))
@settings(max_examples=60, deadline=None)
def test_success_with_hints_never_lowers_the_person(history, last):
    last = replace(last, score=1.0, solution_shown=False, at=LATER)
    before = estimated(*history, as_of=LATER)
    after = estimated(*history, last, as_of=LATER)
    assert sum((after.mean_of(s) - before.mean_of(s)) * w for s, w in last.skills) >= -1e-12


@given(histories, an_observation("last"))
@settings(max_examples=60, deadline=None)
def test_an_observation_never_widens_any_skill(history, last):
    last = replace(last, at=LATER)
    before = estimated(*history, as_of=LATER)
    after = estimated(*history, last, as_of=LATER)
    assert all(after.sd_of(skill) <= before.sd_of(skill) + 1e-12 for skill in SKILLS)


@given(histories)
@settings(max_examples=60, deadline=None)
def test_the_covariance_stays_symmetric_to_the_bit_and_positive(history):
    covariance = np.array(estimated(*history, as_of=LATER).covariance)
    assert (covariance == covariance.T).all()
    assert np.linalg.eigvalsh(covariance).min() > 0


@given(histories, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_replay_gives_the_same_bits_whatever_the_order_of_the_log(history, random):
    shuffled = list(history)
    random.shuffle(shuffled)
    assert estimated(*shuffled, as_of=LATER) == estimated(*history, as_of=LATER)
    assert estimated(*shuffled, as_of=LATER).digest() == estimated(*history, as_of=LATER).digest()


@given(histories)
@settings(max_examples=60, deadline=None)
def test_asking_for_further_skills_changes_no_bit_of_the_others(history):
    few = estimated(*history, as_of=LATER)
    many = estimated(*history, as_of=LATER, skills=(*SKILLS, "aardvark", "zebra"))
    for skill in SKILLS:
        assert few.mean_of(skill).hex() == many.mean_of(skill).hex()
        assert few.sd_of(skill).hex() == many.sd_of(skill).hex()


def test_observations_of_one_moment_are_ordered_by_key():
    first = observation("a", variant="same", attempt="x")
    second = observation("b", variant="same", attempt="y", score=0.0)
    assert [item.repeat for item in weigh([second, first], parameters=CURRENT)] == [False, True]
    assert estimated(first, second) == estimated(second, first)


def test_two_observations_of_one_key_are_refused():
    with pytest.raises(ValueError, match="unique"):
        estimated(observation(), observation())


def test_evidence_after_the_asked_moment_does_not_count():
    late = observation("late", at=START + timedelta(days=1))
    assert estimated(observation(), late) == estimated(observation())


def test_time_without_evidence_widens_and_moves_nothing():
    year = START + timedelta(days=365.25)
    fresh, stale = estimated(observation()), estimated(observation(), as_of=year)
    assert stale.mean == fresh.mean
    growth = stale.sd_of("gamma") ** 2 - fresh.sd_of("gamma") ** 2
    assert math.isclose(growth, 12 * 0.08**2, rel_tol=1e-9)
    assert estimated(as_of=year) == estimated(as_of=START)


def test_practice_and_model_judged_scores_are_discounted():
    full = estimated(observation()).mean_of("alpha")
    practice = estimated(observation(mode=Mode.PRACTICE))
    judged = estimated(observation(judge=Judge.MODEL))
    assert practice == estimated(observation(weight=0.5))
    assert judged == estimated(observation(weight=0.3))
    assert estimated(observation(judge=Judge.PERSON)).mean_of("alpha") == full
    assert 0 < judged.mean_of("alpha") < practice.mean_of("alpha") < full


def test_a_repeated_variant_counts_a_quarter_and_a_sibling_in_one_attempt_counts_full():
    again = observation("two", variant="yard:one", at=START + timedelta(hours=1))
    sibling = replace(again, attempt="attempt-one")
    assert [i.weight for i in weigh([observation(), again], parameters=CURRENT)] == [1.0, 0.25]
    assert [i.weight for i in weigh([observation(), sibling], parameters=CURRENT)] == [1.0, 1.0]


def test_a_shown_solution_scores_nothing_and_spoils_only_its_own_variant():
    shown = observation("a", variant="v", hint_level=4, solution_shown=True, score=1.0)
    later = START + timedelta(hours=1)
    same = observation("b", variant="v", at=later)
    isomorphic = observation("c", variant="w", at=later)
    failed = observation("d", variant="v", at=later, score=0.0)
    result = {i.observation.key: i for i in weigh([shown, same, isomorphic], parameters=CURRENT)}
    assert result["a"].score == 0.0
    assert result["b"].weight == 0.0
    assert result["c"].weight == 1.0
    assert weigh([shown, failed], parameters=CURRENT)[1].weight == 0.25
    assert estimated(shown).mean_of("alpha") < 0
    assert estimated(shown, same, as_of=later) == estimated(shown, as_of=later)


def test_showing_the_solution_never_pays_beside_giving_up_with_three_hints():
    gave_up = estimated(observation(hint_level=3, score=0.0))
    shown = estimated(observation(hint_level=4, solution_shown=True))
    assert shown.mean_of("alpha") <= gave_up.mean_of("alpha")


def test_the_spread_to_come_is_the_spread_that_comes():
    planned = [observation("p1", score=0.0), observation("p2", score=1.0)]
    before = estimated(observation())
    expected = spread_after(before, planned=planned[:1], parameters=CURRENT)
    came = estimated(observation(), planned[0])
    assert math.isclose(expected["alpha"], came.sd_of("alpha") ** 2, rel_tol=1e-12)
    two = spread_after(before, planned=planned, parameters=CURRENT)
    assert two["alpha"] < expected["alpha"]


def test_strong_and_weak_people_are_told_apart():
    def person(score):
        return estimated(
            *(observation(f"{n:02}", scenario=f"s{n // 3}", score=score) for n in range(12))
        )

    assert person(1.0).mean_of("alpha") - person(0.0).mean_of("alpha") > 2
    assert person(1.0).sd_of("alpha") < 0.75


@pytest.mark.parametrize(
    "fields",
    [
        {"skills": (("alpha", 0.5),)},
        {"skills": (("alpha", 0.5), ("alpha", 0.5))},
        {"skills": (("alpha", 1.5), ("beta", -0.5))},
        {"score": 1.2},
        {"weight": -0.1},
        {"hint_level": 5},
        {"checks_in_attempt": 0},
        {"difficulty_sd": -1.0},
        {"at": datetime(2030, 1, 1)},  # noqa: DTZ001
    ],
)
def test_an_observation_out_of_bounds_is_refused(fields):
    with pytest.raises(ValueError, match="one:"):
        observation(**fields)


def test_far_off_difficulties_stay_finite():
    for difficulty in (-500.0, 500.0):
        after = estimated(observation(difficulty=difficulty, difficulty_sd=0.0, score=0.5))
        assert math.isfinite(after.mean_of("alpha"))


def test_difficulties_of_authors_are_evenly_spaced_around_the_reference_trainee():
    assert [CURRENT.difficulty_of(step) for step in (1, 3, 5)] == [-1.6, 0.0, 1.6]
    for step in (0, 6):
        with pytest.raises(ValueError, match="1 to 5"):
            CURRENT.difficulty_of(step)


def test_a_published_parameter_set_never_changes():
    """If this fails, an old report could not be replayed: add a set instead of editing one."""
    log = [
        observation(
            f"{n:02}",
            score=(n % 3) / 2,
            hint_level=n % 4,
            scenario=f"s{n}",
            at=START + timedelta(days=n),
            mode=list(Mode)[n % 2],
            skills=(("alpha", 0.7), ("beta", 0.3)),
        )
        for n in range(9)
    ]
    after = replay(log, parameters=PARAMETER_SETS["2026.1"], as_of=START + timedelta(days=40))
    found = [*after.mean, *(row[at] for at, row in enumerate(after.covariance))]
    assert found == pytest.approx(PINNED, rel=1e-12)
