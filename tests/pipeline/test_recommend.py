"""What to play next: pure, explainable, and never what is done or cannot be launched."""

import dataclasses
import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.pipeline import recommend as module
from range.pipeline.observations import planned
from range.pipeline.parameters import CURRENT
from range.pipeline.readiness import Standing, Tally
from range.pipeline.recommend import SHOWN, Option, Reason, brevity, fit, recommend

PLENTY = Tally(checks=12, scenarios=5, attested=12)
SKILLS = ("logs", "network", "web", "files")


def option(slug="one", *, skills=("logs",), difficulty=0.0, minutes=30, checks=2, **fields):
    observed = [tuple((key, 1.0) for key in skills)] * checks
    made = planned(observed, difficulty=difficulty, scenario=slug, parameters=CURRENT)
    return Option(slug=slug, minutes=minutes, difficulty=difficulty, planned=made, **fields)


def standing(skill="logs", mean=0.0, sd=0.3, tally=PLENTY):
    return Standing(skill=skill, mean=mean, sd=sd, tally=tally)


def slugs(options, *, known=(), required=None):
    found = recommend(options, known=known, required=required, parameters=CURRENT)
    return [each.slug for each in found]


options = st.builds(
    lambda number, skills, difficulty, minutes, checks, is_done: option(
        f"s{number}",
        skills=sorted(skills),
        difficulty=difficulty,
        minutes=minutes,
        checks=checks,
        is_done=is_done,
    ),
    st.integers(0, 10_000),
    st.sets(st.sampled_from(SKILLS), min_size=1, max_size=3),
    st.sampled_from(CURRENT.difficulty_steps),
    st.integers(1, 600),
    st.integers(0, 6),
    st.booleans(),
)
many = st.lists(options, max_size=12, unique_by=lambda each: each.slug)
standings = st.lists(
    st.builds(
        standing,
        skill=st.sampled_from(SKILLS),
        mean=st.floats(-3, 3),
        sd=st.floats(0.05, 1.2),
        tally=st.sampled_from([PLENTY, Tally(), Tally(checks=2, scenarios=1, attested=2)]),
    ),
    max_size=4,
    unique_by=lambda each: each.skill,
)
cuts = st.none() | st.dictionaries(st.sampled_from(SKILLS), st.sampled_from([-0.8, 0.4]))


@given(many, standings, cuts)
def test_nothing_that_is_done_and_nothing_beside_the_question_is_recommended(made, known, required):
    by_slug = {each.slug: each for each in made}
    found = recommend(made, known=known, required=required, parameters=CURRENT)
    assert len(found) <= SHOWN
    assert len({each.slug for each in found}) == len(found)
    for each in found:
        chosen = by_slug[each.slug]
        assert not chosen.is_done
        assert each.skills
        assert set(each.skills) <= {key for item in chosen.planned for key, _ in item.skills}
        assert required is None or set(each.skills) <= required.keys()
        assert set(each.unseen) <= set(each.skills)
        assert 0 < each.chance < 1
        assert each.worth > 0


@given(many, standings, cuts, st.randoms(use_true_random=False))
def test_the_order_in_which_scenarios_are_listed_is_nothing(made, known, required, chance):
    shuffled = list(made)
    chance.shuffle(shuffled)
    assert slugs(made, known=known, required=required) == slugs(
        shuffled, known=known, required=required
    )


@given(many, standings, cuts)
def test_every_recommendation_is_worth_no_less_than_the_next_one_left_out(made, known, required):
    found = recommend(made, known=known, required=required, parameters=CURRENT)
    rest = [each for each in made if each.slug not in {one.slug for one in found}]
    left = recommend(rest, known=known, required=required, parameters=CURRENT)
    if found and left:
        assert found[-1].worth >= left[0].worth


@given(options, standings, st.integers(1, 300))
def test_of_two_that_tell_the_same_the_shorter_comes_first(one, known, more):
    long = dataclasses.replace(one, slug="a-long", is_done=False)
    short = dataclasses.replace(long, slug="z-short", minutes=max(1, long.minutes - more))
    if one.planned and short.minutes < long.minutes:
        assert slugs([long, short], known=known) == ["z-short", "a-long"]


@given(st.floats(0, 1))
def test_fit_is_best_where_success_is_likelier_than_not(chance):
    assert module.LEAST_FIT <= fit(chance) <= fit(module.BEST_CHANCE) == 1.0


@given(st.integers(0, 600), st.integers(0, 600))
def test_longer_is_never_worth_more(one, other):
    assert brevity(min(one, other)) >= brevity(max(one, other)) > 0


def test_what_was_never_seen_tells_more_than_what_is_known_well():
    known = [standing("logs", sd=0.25)]
    assert slugs([option("seen"), option("new", skills=("web",))], known=known) == ["new", "seen"]


def test_a_difficulty_that_fits_comes_before_one_far_above():
    known = [standing("logs", mean=0.5, sd=0.8)]
    made = [option("far", difficulty=1.6), option("near", difficulty=-0.4)]
    assert slugs(made, known=known) == ["near", "far"]


def test_towards_a_role_only_what_it_asks_and_what_is_open_counts():
    required = {"logs": -0.8, "web": 0.4}
    known = [standing("logs", mean=2.0, sd=0.2)]
    made = [option("held"), option("asked", skills=("web",)), option("other", skills=("files",))]
    assert slugs(made, known=known, required=required) == ["asked"]


def test_the_reason_is_a_gap_where_evidence_lies_below_the_cut_and_else_what_is_unknown():
    below = standing("logs", mean=-1.0, sd=0.5, tally=Tally(checks=4, scenarios=2, attested=4))
    (gap,) = recommend([option()], known=[below], required={"logs": 0.4}, parameters=CURRENT)
    assert gap.reason is Reason.GAP
    (unknown,) = recommend([option()], known=[], required={"logs": 0.4}, parameters=CURRENT)
    assert (unknown.reason, unknown.unseen) == (Reason.SETTLES, ("logs",))


def test_what_it_would_tell_most_of_is_named_first():
    known = [standing("logs", sd=0.2), standing("web", sd=0.9)]
    (found,) = recommend([option(skills=("logs", "web"))], known=known, parameters=CURRENT)
    assert found.skills == ("web", "logs")


def test_a_role_that_asks_nothing_open_recommends_nothing():
    assert slugs([option()], required={"web": 0.4}) == []


@pytest.mark.parametrize("type_", [Option, Standing])
def test_nothing_of_a_person_enters_but_the_standings_of_their_skills(type_):
    assert set(inspect.signature(recommend).parameters) == {
        "options",
        "known",
        "required",
        "parameters",
    }
    fields = {each.name for each in dataclasses.fields(type_)}
    assert fields <= {
        "slug",
        "minutes",
        "difficulty",
        "planned",
        "is_done",
        "skill",
        "mean",
        "sd",
        "tally",
    }
