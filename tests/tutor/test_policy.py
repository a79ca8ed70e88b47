"""The ladder: no request skips, raises by accident, or passes what the scenario allows."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.policy import (
    Grant,
    Ladder,
    LadderRefused,
    Limits,
    Rung,
    Trigger,
    Unlock,
    decide,
    is_definition,
    offer,
)

ladders = st.builds(
    Ladder,
    unlocked=st.integers(0, 4),
    hints=st.integers(0, 20),
    tries=st.integers(0, 5),
    waited=st.timedeltas(timedelta(0), timedelta(hours=2)),
)
limits = st.builds(
    Limits,
    enabled=st.booleans(),
    max_rung=st.integers(0, 4),
    wait=st.timedeltas(timedelta(minutes=1), timedelta(minutes=30)),
)
unlocks = st.sampled_from(Unlock)
FRESH = Ladder()


@given(ladders, limits, unlocks)
def test_a_request_raises_the_rung_by_one_at_most_and_never_beyond_the_limit(ladder, bounds, way):
    try:
        grant = decide(ladder, bounds, unlock=way)
    except LadderRefused:
        return
    assert grant.rung <= bounds.max_rung
    assert grant.rung <= ladder.unlocked + 1
    assert grant.raised == (grant.rung == ladder.unlocked + 1)


@given(ladders, limits)
def test_a_plain_question_never_raises_the_rung(ladder, bounds):
    if bounds.enabled:
        assert not decide(ladder, bounds, unlock=Unlock.STAY).raised


@given(ladders, limits)
def test_the_next_rung_without_a_word_needs_a_try_or_time(ladder, bounds):
    earned = ladder.tries > 0 or ladder.waited >= bounds.wait
    if not earned:
        with pytest.raises(LadderRefused):
            decide(ladder, bounds, unlock=Unlock.NEXT)
    elif offer(ladder, bounds) is not None:
        grant = decide(ladder, bounds, unlock=Unlock.NEXT)
        assert grant.trigger in {Trigger.TRIED, Trigger.WAITED}


@given(ladders, limits, unlocks)
def test_an_assessed_attempt_gets_nothing(ladder, bounds, way):
    if not bounds.enabled:
        with pytest.raises(LadderRefused) as refusal:
            decide(ladder, bounds, unlock=way)
        assert refusal.value.status == 403


@given(st.lists(st.tuples(unlocks, st.integers(0, 2), st.integers(0, 40)), max_size=20), limits)
def test_no_sequence_of_requests_skips_a_rung(requests, bounds):
    reached, ladder = [0], FRESH
    for way, tries, minutes in requests:
        waited = timedelta(minutes=minutes)
        ladder = Ladder(unlocked=ladder.unlocked, tries=tries, waited=waited)
        try:
            grant = decide(ladder, bounds, unlock=way)
        except LadderRefused:
            continue
        ladder = Ladder(unlocked=max(ladder.unlocked, grant.rung))
        reached.append(grant.rung)
    seen = sorted(set(reached))
    assert seen == list(range(len(seen)))


@given(ladders, limits)
def test_what_is_offered_is_what_is_granted(ladder, bounds):
    proposal = offer(ladder, bounds)
    if proposal is None:
        with pytest.raises(LadderRefused):
            decide(ladder, bounds, unlock=Unlock.NOW)
        return
    assert decide(ladder, bounds, unlock=Unlock.NOW).rung == proposal.rung
    if proposal.ready:
        assert decide(ladder, bounds, unlock=Unlock.NEXT).rung == proposal.rung


def test_a_new_try_opens_the_next_rung():
    tried = Ladder(unlocked=1, tries=1)
    assert decide(tried, Limits(), unlock=Unlock.NEXT) == Grant(
        rung=2, trigger=Trigger.TRIED, raised=True
    )


def test_time_opens_the_next_rung():
    waited = Ladder(unlocked=1, waited=timedelta(minutes=3))
    assert decide(waited, Limits(), unlock=Unlock.NEXT).trigger is Trigger.WAITED


def test_without_try_and_time_the_refusal_says_what_opens_it():
    with pytest.raises(LadderRefused, match="after a new try") as refusal:
        decide(FRESH, Limits(), unlock=Unlock.NEXT)
    assert refusal.value.reason == "rung-not-yet"


def test_an_explicit_unlock_is_written_down_as_such():
    assert decide(FRESH, Limits(), unlock=Unlock.NOW).trigger is Trigger.EXPLICIT


def test_the_ladder_ends_where_the_scenario_says():
    with pytest.raises(LadderRefused) as refusal:
        decide(Ladder(unlocked=2, tries=3), Limits(max_rung=2), unlock=Unlock.NOW)
    assert refusal.value.reason == "ladder-ends"


def test_a_lowered_limit_lowers_what_a_question_gets():
    assert decide(Ladder(unlocked=4), Limits(max_rung=1), unlock=Unlock.STAY).rung == Rung.ORIENT


@pytest.mark.parametrize(
    "question",
    [
        "What is SUID?",
        "what's a pager",
        "What are file capabilities?",
        "define least privilege",
        "Explain what a crontab is",
        "what does NOPASSWD mean",
    ],
)
def test_it_knows_a_question_about_a_word(question):
    assert is_definition(question)


@pytest.mark.parametrize(
    "question",
    [
        "",
        "What is the flag?",
        "what is the next step",
        "What is wrong here?",
        "what should I do next",
        "What is my mistake",
        "just tell me",
        "how do I read the file",
        "what is the password of keeper",
        "what is the command to become root",
        "What does it want from me",
    ],
)
def test_a_question_about_the_situation_is_no_definition(question):
    assert not is_definition(question)
