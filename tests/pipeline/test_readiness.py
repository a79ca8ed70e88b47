"""From estimates to words: thresholds at their edges, the weakest link, what would settle it."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from range.pipeline.estimate import Judge, Observation, prior, replay, weigh
from range.pipeline.parameters import CURRENT
from range.pipeline.readiness import (
    Candidate,
    Level,
    Standing,
    Tally,
    Word,
    level_of,
    probability_above,
    role_readiness,
    standings,
    tally,
    what_would_settle,
    word_for,
)

START = datetime(2030, 1, 1, tzinfo=UTC)
PLENTY = Tally(checks=12, scenarios=5, attested=12)


def observed(key, **fields) -> Observation:
    known = {
        "key": key,
        "attempt": key,
        "scenario": key,
        "variant": key,
        "at": START,
        "skills": (("logs", 1.0),),
        "difficulty": 0.0,
        "difficulty_sd": 0.5,
        "score": 1.0,
        "checks_in_attempt": 1,
    }
    return Observation(**(known | fields))


def standing(mean=0.0, sd=1.0, tally=PLENTY, skill="logs") -> Standing:
    return Standing(skill=skill, mean=mean, sd=sd, tally=tally)


def mean_for(probability: float, *, cut: float, sd: float) -> float:
    low, high = cut - 10 * sd, cut + 10 * sd
    for _ in range(200):
        middle = (low + high) / 2
        if probability_above(middle, sd, cut=cut) < probability:
            low = middle
        else:
            high = middle
    return high


def test_eighty_percent_of_a_normal_lies_inside_the_interval():
    one = standing(mean=0.3, sd=0.7)
    inside = probability_above(0.3, 0.7, cut=one.low) - probability_above(0.3, 0.7, cut=one.high)
    assert math.isclose(inside, 0.8, rel_tol=1e-9)


@pytest.mark.parametrize(
    ("probability", "word"),
    [(0.951, Word.MEETS), (0.949, Word.LIKELY), (0.901, Word.LIKELY), (0.899, Word.UNCLEAR),
     (0.02, Word.UNCLEAR)],
)  # fmt: skip
def test_the_word_follows_the_probability(probability, word):
    mean = mean_for(probability, cut=0.4, sd=0.5)
    assert word_for(standing(mean=mean, sd=0.5), cut=0.4) is word


@pytest.mark.parametrize(
    ("checks", "scenarios", "attested", "suffices"),
    [(10, 4, 10, True), (9, 4, 9, False), (40, 3, 40, False), (10, 4, 5, True), (10, 4, 4, False)],
)
def test_nothing_is_claimed_without_enough_evidence(checks, scenarios, attested, suffices):
    scarce = standing(mean=9, tally=Tally(checks=checks, scenarios=scenarios, attested=attested))
    assert (word_for(scarce, cut=0.4) is not Word.NOT_ENOUGH) is suffices
    assert (level_of(scarce) is not None) is suffices


@pytest.mark.parametrize(
    ("mean", "level"),
    [(-3.0, Level.GUIDED), (-0.3, Level.ASSISTED), (1.0, Level.INDEPENDENT),
     (2.0, Level.NEW_CONDITIONS)],
)  # fmt: skip
def test_a_level_is_claimed_only_when_its_cut_is_likely_held(mean, level):
    assert level_of(standing(mean=mean, sd=0.3)) is level


def test_a_mean_on_the_cut_is_not_yet_the_level_above():
    assert level_of(standing(mean=0.4, sd=0.3)) is Level.ASSISTED


def test_repeats_and_worthless_evidence_are_not_counted():
    first = observed("a", variant="v")
    again = observed("b", variant="v", at=START + timedelta(days=1), hint_level=1)
    shown = observed("c", variant="w", hint_level=4, solution_shown=True)
    after = observed("d", variant="w", at=START + timedelta(days=2))
    counted = tally(weigh([first, again, shown, after], parameters=CURRENT))["logs"]
    assert (counted.checks, counted.scenarios, counted.hinted) == (2, 2, 1)
    assert counted.last_at == START + timedelta(days=2)


def test_scores_of_a_model_alone_are_counted_but_not_as_attested():
    weighed = weigh(
        [observed("a", judge=Judge.MODEL), observed("b", judge=Judge.PERSON), observed("c")],
        parameters=CURRENT,
    )
    assert tally(weighed)["logs"].attested == 2


def test_every_skill_of_the_estimate_stands_even_without_evidence():
    estimate = replay([observed("a")], parameters=CURRENT, as_of=START, skills=["traffic"])
    known = {each.skill: each for each in standings(estimate, {"logs": PLENTY})}
    assert known["traffic"].tally == Tally()
    assert known["logs"].mean == estimate.mean_of("logs")


REQUIRED = {"logs": 0.4, "traffic": -0.8}
ALIGNED = {"T1": frozenset({"logs"}), "T2": frozenset({"traffic", "other"}), "T3": frozenset({"x"})}


def test_a_role_is_as_ready_as_its_weakest_skill():
    strong, weak = standing(mean=2, sd=0.4), standing(mean=-0.8, sd=0.4, skill="traffic")
    ready = role_readiness([strong, weak], required=REQUIRED, aligned=ALIGNED)
    assert math.isclose(ready.probability or 0, 0.5, rel_tol=1e-9)
    assert ready.word is Word.UNCLEAR
    assert (ready.covered, ready.aligned) == (2, 3)
    assert math.isclose(ready.coverage, 2 / 3)


def test_one_unseen_skill_leaves_the_role_without_a_word():
    unseen = standing(mean=3, sd=0.4, skill="traffic", tally=Tally())
    ready = role_readiness([standing(mean=3, sd=0.4), unseen], required=REQUIRED, aligned=ALIGNED)
    assert ready.word is Word.NOT_ENOUGH
    assert ready.covered == 1


def test_a_missing_required_skill_is_never_taken_for_held():
    ready = role_readiness([standing(mean=3)], required=REQUIRED, aligned={})
    assert ready.word is Word.NOT_ENOUGH
    assert ready.probability is None
    assert ready.coverage == 0.0


def test_a_role_that_asks_for_nothing_is_not_met():
    ready = role_readiness([standing(mean=3)], required={}, aligned={})
    assert (ready.word, ready.probability) == (Word.NOT_ENOUGH, None)


def candidate(slug, *planned) -> Candidate:
    return Candidate(slug=slug, title=slug.title(), planned=planned)


def test_the_two_scenarios_that_tell_most_of_the_open_skills_are_named():
    estimate = prior(["logs", "traffic"], parameters=CURRENT)
    most = candidate("most", observed("a"), observed("b"), observed("c"))
    some = candidate("some", observed("d"))
    far = candidate("far", observed("e", difficulty=5.0))
    other = candidate("other", observed("f", skills=(("unknown", 1.0),)))
    named = what_would_settle(
        estimate, open_skills=["logs"], candidates=[far, other, some, most], parameters=CURRENT
    )
    assert [each.slug for each in named] == ["most", "some"]
    assert named[0].bears_on == ("logs",)
    assert named[0].information > named[1].information > 0


def test_nothing_is_suggested_when_nothing_is_open():
    estimate = prior(["logs"], parameters=CURRENT)
    one = candidate("one", observed("a"))
    assert not what_would_settle(estimate, open_skills=[], candidates=[one], parameters=CURRENT)


def test_what_only_correlates_with_an_open_skill_is_not_suggested():
    estimate = prior(["logs", "traffic"], parameters=CURRENT)
    near = candidate("near", observed("a", skills=(("traffic", 1.0),)))
    assert not what_would_settle(
        estimate, open_skills=["logs"], candidates=[near], parameters=CURRENT
    )


def test_a_scenario_already_played_tells_less_than_a_new_one():
    estimate = prior(["logs"], parameters=CURRENT)
    again = candidate("again", observed("a", weight=CURRENT.repeat_weight))
    new = candidate("new", observed("b"))
    named = what_would_settle(
        estimate, open_skills=["logs"], candidates=[again, new], parameters=CURRENT
    )
    assert [each.slug for each in named] == ["new", "again"]
