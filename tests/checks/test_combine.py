import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from range.checks.base import Judgement, Outcome
from range.checks.combine import Node, combine, leaves
from range.checks.judgements import inconclusive, met, unmet
from range.checks.spec import SkillWeight

NODES = TypeAdapter(Node)
MET, UNMET, INCONCLUSIVE = Outcome.MET, Outcome.UNMET, Outcome.INCONCLUSIVE
SKILL = (SkillWeight(key="contain"),)


def leaf(name, **fields):
    return {"kind": "file", "machine": "box", "path": "/x", "id": name, **fields}


def tree(written):
    return NODES.validate_python(written)


def outcome_of(written, **judgements):
    return combine(tree(written), judgements).outcome


def test_all_of_needs_every_part():
    both = {"all_of": [leaf("a"), leaf("b")]}
    assert outcome_of(both, a=met(), b=met()) is MET
    assert outcome_of(both, a=met(), b=unmet("x")) is UNMET


def test_any_of_needs_one_part():
    either = {"any_of": [leaf("a"), leaf("b")]}
    assert outcome_of(either, a=unmet("x"), b=met()) is MET
    assert outcome_of(either, a=unmet("x"), b=unmet("x")) is UNMET


def test_at_least_counts():
    two = {"at_least": {"n": 2, "of": [leaf("a"), leaf("b"), leaf("c")]}}
    assert outcome_of(two, a=met(), b=met(), c=unmet("x")) is MET
    assert outcome_of(two, a=met(), b=unmet("x"), c=unmet("x")) is UNMET


def test_a_failed_check_of_ours_never_counts_against_the_trainee():
    both = {"all_of": [leaf("a"), leaf("b")]}
    assert outcome_of(both, a=met(), b=inconclusive("engine-down")) is INCONCLUSIVE
    assert outcome_of(both, a=met()) is INCONCLUSIVE
    assert outcome_of(both, a=unmet("x"), b=inconclusive("engine-down")) is UNMET
    either = {"any_of": [leaf("a"), leaf("b")]}
    assert outcome_of(either, a=unmet("x"), b=inconclusive("engine-down")) is INCONCLUSIVE
    assert outcome_of(either, a=met(), b=inconclusive("engine-down")) is MET
    two = {"at_least": {"n": 2, "of": [leaf("a"), leaf("b"), leaf("c")]}}
    assert outcome_of(two, a=met(), b=inconclusive("x"), c=unmet("x")) is INCONCLUSIVE


def test_a_supporting_check_decides_nothing():
    both = {"all_of": [leaf("a"), leaf("b", role="supporting")]}
    assert outcome_of(both, a=met(), b=unmet("x")) is MET
    assert outcome_of(both, a=unmet("x"), b=met()) is UNMET


def test_partial_credit_is_the_share_that_is_met():
    four = tree({"all_of": [leaf(name) for name in "abcd"]})
    judgements = {"a": met(), "b": met(), "c": met(), "d": unmet("x")}
    assert combine(four, judgements).score == 0.0
    assert combine(four, judgements, partial="proportional").score == 0.75
    judgements["d"] = unmet("x", score=0.5)
    assert combine(four, judgements, partial="proportional").score == 0.875


def test_what_could_not_be_judged_is_left_out_of_partial_credit():
    two = tree({"all_of": [leaf("a"), leaf("b"), leaf("c")]})
    judgements = {"a": met(), "b": unmet("x"), "c": inconclusive("x")}
    assert combine(two, judgements, partial="proportional").score == 0.5


def test_checks_without_skills_of_their_own_are_one_observation():
    written = tree({"all_of": [leaf("a"), leaf("b"), leaf("c", role="supporting")]})
    combined = combine(written, {"a": met(), "b": unmet("x"), "c": met()}, skills=SKILL)
    (observation,) = combined.observations
    assert observation.check_ids == ("a", "b")
    assert (observation.outcome, observation.skills) == (UNMET, SKILL)


def test_a_check_with_skills_of_its_own_is_an_observation_of_its_own():
    own = leaf("a", skills=[{"key": "read-logs", "weight": 0.5}])
    written = tree({"all_of": [own, leaf("b")]})
    combined = combine(written, {"a": unmet("x"), "b": met()}, skills=SKILL)
    alone, rest = combined.observations
    assert (alone.check_ids, alone.outcome, alone.skills[0].key) == (("a",), UNMET, "read-logs")
    assert (rest.check_ids, rest.outcome) == (("b",), MET)
    assert combined.outcome is UNMET


def test_no_skills_no_observation():
    assert combine(tree(leaf("a")), {"a": met()}).observations == ()


def test_leaves_come_in_the_order_written():
    written = {"all_of": [leaf("a"), {"any_of": [leaf("b"), leaf("c")]}, leaf("d")]}
    assert [check.id for check in leaves(tree(written))] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    "written",
    [
        {"all_of": []},
        {"none_of": [leaf("a")]},
        {"at_least": {"n": 3, "of": [leaf("a")]}},
        {"kind": "guess"},
        "file",
    ],
)
def test_trees_that_make_no_sense_are_refused(written):
    with pytest.raises(ValidationError):
        tree(written)


outcomes = st.sampled_from([met(), unmet("x"), inconclusive("x")])


@given(st.lists(outcomes, min_size=1, max_size=8), st.data())
def test_combinators_agree_with_each_other(judged: list[Judgement], data):
    ids = {f"c{number}": each for number, each in enumerate(judged)}
    parts = [leaf(name) for name in ids]
    every = combine(tree({"all_of": parts}), ids)
    some = combine(tree({"any_of": parts}), ids)
    n = data.draw(st.integers(min_value=1, max_value=len(parts)))
    enough = combine(tree({"at_least": {"n": n, "of": parts}}), ids)
    assert combine(tree({"at_least": {"n": len(parts), "of": parts}}), ids) == every
    assert combine(tree({"at_least": {"n": 1, "of": parts}}), ids).outcome is some.outcome
    if every.outcome is MET:
        assert enough.outcome is MET
    if enough.outcome is MET:
        assert some.outcome is MET
    for combined in (every, some, enough):
        assert 0.0 <= combined.score <= 1.0


@given(st.lists(outcomes, min_size=1, max_size=6), st.integers(min_value=0, max_value=5))
def test_resolving_what_was_unclear_never_turns_met_into_unmet(judged, position):
    """Whatever a broken check would have said, what counted as met stays met."""
    ids = {f"c{number}": each for number, each in enumerate(judged)}
    for written in ("all_of", "any_of"):
        node = tree({written: [leaf(name) for name in ids]})
        before = combine(node, ids).outcome
        name = f"c{position % len(judged)}"
        if ids[name].outcome is not INCONCLUSIVE or before is INCONCLUSIVE:
            continue
        for resolved in (met(), unmet("x")):
            assert combine(node, ids | {name: resolved}).outcome is before
