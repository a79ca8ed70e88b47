"""The catalogue's filters: each narrows, each counts, and nothing leads into a dead end unsaid."""

from urllib.parse import parse_qs, parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.workspace.presenters.filters import FACETS, STATES, browse
from tests.workspace.cards import card

ONE = card(roles=("PD-WRL-007",), tags=("sudo",))
TWO = card(
    "two",
    title="Ward 7",
    sector="hospital",
    modes=("defend",),
    difficulty=4,
    minutes=90,
    skills=("contain-intrusion", "restore-service"),
    roles=("PD-WRL-003", "PD-WRL-007"),
    state="passed",
)
BOTH = (ONE, TWO)


def kept(query, cards=BOTH):
    return [each.slug for each in browse(cards, dict(parse_qsl(query))).kept]


def choices(query, name, cards=BOTH):
    found = browse(cards, dict(parse_qsl(query)))
    (group,) = [each for each in found.groups if each.name == name]
    return {each.value: each.count for each in group.choices}


@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ("", ["one", "two"]),
        ("mode=fix", ["one"]),
        ("sector=hospital", ["two"]),
        ("skill=abuse-sudo-rules", ["one"]),
        ("role=PD-WRL-003", ["two"]),
        ("role=PD-WRL-007", ["one", "two"]),
        ("difficulty=4", ["two"]),
        ("minutes=60", ["one"]),
        ("minutes=90", ["one", "two"]),
        ("state=new", ["one"]),
        ("state=passed", ["two"]),
        ("state=under-way", []),
        ("q=SUDO", ["one"]),
        ("q=contain", ["two"]),
        ("q=ward+hospital", ["two"]),
        ("q=role+pd-wrl-003", ["two"]),
        ("mode=attack&sector=hospital", []),
    ],
)
def test_every_filter_narrows(query, slugs):
    assert kept(query) == slugs


@pytest.mark.parametrize(
    "query",
    ["mode=fly", "minutes=soon", "minutes=7", "difficulty=99", "colour=red", "state=asleep"],
)
def test_a_value_that_no_card_has_filters_nothing_and_leaves_the_address(query):
    assert kept(query) == ["one", "two"]
    assert browse(BOTH, dict(parse_qsl(query))).query == ""


def test_each_choice_tells_what_it_would_leave_with_the_others_as_they_are():
    assert choices("", "sector") == {"bank": 1, "hospital": 1}
    assert choices("mode=fix", "sector") == {"bank": 1, "hospital": 0}
    # The choice of a filter itself does not narrow its own counts.
    assert choices("mode=fix", "mode") == {"attack": 1, "defend": 1, "fix": 1}


def test_states_and_lengths_are_offered_in_their_own_order_though_none_has_them():
    assert list(choices("", "state")) == list(STATES)
    assert choices("", "minutes") == {"30": 1, "60": 1, "90": 2, "120": 2}


def test_the_choice_of_the_address_is_marked_and_told():
    found = browse(BOTH, {"mode": "fix", "q": "  sudo   says "})
    (mode,) = [group for group in found.groups if group.name == "mode"]
    assert [choice.value for choice in mode.choices if choice.selected] == ["fix"]
    assert [(each.label, each.value) for each in found.active] == [
        ("Words", "“sudo says”"),
        ("Mode", "Fix"),
    ]


def test_nothing_found_names_the_filter_whose_loss_brings_most():
    third = card("three", sector="bank", modes=("attack",), skills=())
    cards = (*BOTH, third)
    found = browse(cards, {"sector": "bank", "skill": "restore-service"})
    assert found.kept == ()
    assert [(each.name, each.count) for each in found.to_loosen] == [("skill", 2), ("sector", 1)]
    assert parse_qs(found.to_loosen[0].without) == {"sector": ["bank"]}


def test_nothing_is_to_loosen_where_two_filters_exclude_each_other():
    found = browse(BOTH, {"sector": "bank", "q": "zebra", "mode": "defend"})
    assert (found.kept, found.to_loosen) == ((), ())
    assert len(found.active) == 3


def test_nothing_is_to_loosen_while_something_is_found():
    assert browse(BOTH, {"mode": "fix"}).to_loosen == ()


@pytest.mark.parametrize("text", ["x" * 10_000, "<script>", "%00", "ß İ", "a\tb\nc"])
def test_strange_words_find_nothing_and_break_nothing(text):
    found = browse(BOTH, {"q": text})
    assert len(found.q) <= 100
    assert "\n" not in found.q


cards = st.lists(
    st.builds(
        card,
        st.integers(0, 10**6).map(lambda number: f"s{number}"),
        title=st.sampled_from(["Alpha", "Beta gamma", "Delta"]),
        difficulty=st.integers(1, 5),
        sector=st.sampled_from(["bank", "hospital", "soc"]),
        modes=st.sampled_from([("attack",), ("fix", "attack"), ("defend",)]),
        minutes=st.integers(5, 200),
        skills=st.sets(st.sampled_from(["a", "b", "c"])).map(sorted),
        roles=st.sets(st.sampled_from(["R-1", "R-2"])).map(sorted),
        state=st.sampled_from(list(STATES)),
    ),
    max_size=15,
    unique_by=lambda each: each.slug,
)
queries = st.fixed_dictionaries(
    {},
    optional={
        "q": st.sampled_from(["alpha", "gamma beta", "zebra"]),
        "role": st.sampled_from(["R-1", "R-9"]),
        "skill": st.sampled_from(["a", "b"]),
        "sector": st.sampled_from(["bank", "soc"]),
        "mode": st.sampled_from(["attack", "fix"]),
        "difficulty": st.sampled_from(["1", "3"]),
        "minutes": st.sampled_from(["30", "90"]),
        "state": st.sampled_from(list(STATES)),
    },
)


@given(cards, queries)
def test_every_count_is_what_choosing_it_would_show(made, query):
    found = browse(made, query)
    for group in found.groups:
        others = {name: value for name, value in query.items() if name != group.name}
        assert group.count == len(browse(made, others).kept)
        for choice in group.choices:
            assert choice.count == len(browse(made, others | {group.name: choice.value}).kept)


@given(cards, queries)
def test_every_way_out_of_an_empty_page_leads_to_what_it_says(made, query):
    for each in browse(made, query).active:
        assert each.count == len(browse(made, dict(parse_qsl(each.without))).kept)


@given(cards, queries)
def test_the_clean_address_finds_the_same_page(made, query):
    found = browse(made, query)
    again = browse(made, dict(parse_qsl(found.query)))
    assert [each.slug for each in again.kept] == [each.slug for each in found.kept]
    assert again.query == found.query


def test_every_filter_that_a_page_must_have_is_there():
    assert [facet.name for facet in FACETS] == [
        "role",
        "skill",
        "sector",
        "mode",
        "difficulty",
        "minutes",
        "state",
    ]
