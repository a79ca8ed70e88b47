"""What may be told of sets of people: attacks by subtraction first, then what stays useful."""

import itertools
import random
import uuid

import pytest

from range.pipeline.impact.withholding import (
    SMALLEST,
    UNTOLD,
    Cut,
    bounded,
    refined,
    shown,
    tellable,
    told_of,
)

PEOPLE = [uuid.UUID(int=n + 1) for n in range(400)]


def some(first, last):
    return frozenset(PEOPLE[first:last])


def cut(people, name="line"):
    return Cut(part="Stages", name=name, people=people)


def test_a_line_that_one_person_more_reached_is_not_told_beside_the_first():
    ada = some(50, 51)
    found = tellable([cut(some(0, 50)), cut(some(0, 50) | ada)], some(0, 200))
    assert [each.people for each in found] == [some(0, 50)]


def test_a_line_whose_complement_differs_from_a_told_one_by_one_person_is_not_told():
    # Who reached the one and who did not reach the other overlap in one person alone.
    found = tellable([cut(some(0, 100)), cut(some(99, 200))], some(0, 200))
    assert [each.people for each in found] == [some(0, 100)]


@pytest.mark.parametrize("count", [0, 1, 29, 171, 199, 200])
def test_a_line_with_too_few_on_either_side_is_not_told(count):
    assert tellable([cut(some(0, count))], some(0, 200)) == []


@pytest.mark.parametrize("count", [30, 170])
def test_a_line_with_just_enough_on_either_side_is_told(count):
    assert len(tellable([cut(some(0, count))], some(0, 200))) == 1


def test_layers_of_lines_do_not_leave_one_person_over():
    """Assessors choose who is in which stage: of 61 able people 60 are placed in two layers."""
    hired, referred, assessed, ada = some(0, 30), some(30, 61), some(61, 91), some(91, 92)
    stages = [hired, hired | referred, hired | referred | assessed]
    able = hired | assessed | ada
    assert able - stages[0] - (stages[2] - stages[1]) == ada
    found = tellable([cut(each) for each in [*stages, able]], some(0, 200))
    assert [each.people for each in found] == stages


def test_a_line_is_told_beside_layers_where_it_leaves_nobody_among_few():
    stages = [some(0, 60), some(0, 120)]
    able = some(0, 30) | some(60, 90) | some(120, 150)
    assert len(tellable([cut(each) for each in [*stages, able]], some(0, 200))) == 3
    assert (
        len(tellable([cut(each) for each in [*stages, able | some(150, 151)]], some(0, 200))) == 3
    )
    assert len(tellable([cut(each) for each in [*stages, able - some(0, 1)]], some(0, 200))) == 2


def test_the_same_people_are_told_of_once():
    cuts = [cut(some(0, 60)), cut(some(0, 60)), cut(some(60, 200))]
    assert len(tellable(cuts, some(0, 200))) == 1


def test_nobody_is_ever_among_fewer_than_the_least_who_reached_the_same_lines():
    drawn = random.Random(7)
    most = 0
    for _ in range(60):
        layers = sorted(drawn.sample(range(1, 400), 6))
        cuts = [cut(some(0, each)) for each in layers]
        unions = [drawn.sample(cuts, 2) for _ in range(8)]
        cuts += [cut(a.people ^ b.people) for a, b in unions]
        cuts += [cut(each.people ^ frozenset(drawn.sample(PEOPLE, 3))) for each in cuts]
        drawn.shuffle(cuts)
        found = tellable(cuts, frozenset(PEOPLE))
        lines = [tuple(each in other.people for other in found) for each in PEOPLE]
        assert min(lines.count(each) for each in set(lines)) >= SMALLEST
        most = max(most, len(found))
    assert most > 3


def test_a_set_cuts_only_what_it_divides():
    assert refined([some(0, 60), some(60, 90)], some(30, 90)) == [
        some(30, 60),
        some(0, 30),
        some(60, 90),
    ]


def test_groups_under_thirty_are_hidden_and_another_beside_them():
    assert shown({"a": 29, "b": 100}) == {}
    # Of three, a hidden one of 29 would follow from the sum: the next larger is hidden too.
    assert shown({"a": 29, "b": 31, "c": 100, "d": 50}) == {"c": 100, "d": 50}
    assert shown({"a": 29, "b": 31, "c": 100}) == {}


def test_groups_that_are_hidden_together_need_no_other_beside_them():
    assert shown({"a": 20, "b": 12, "c": 100, "d": 50}) == {"c": 100, "d": 50}
    assert shown({"a": 30, "b": 30}) == {"a": 30, "b": 30}
    assert shown({"a": 0, "b": 30, "c": 40}) == {"b": 30, "c": 40}
    assert shown({}) == {}


def test_nobody_and_everybody_of_a_group_are_told_as_bounds():
    assert bounded(0, 40, selected=50, others=150) == (UNTOLD, "≤")
    assert bounded(3, 40, selected=50, others=150) == (3, "≤")
    assert bounded(4, 40, selected=50, others=150) == (4, "")
    assert bounded(40, 40, selected=50, others=150) == (37, "≥")
    # Everybody who reached the line is of this group: that too is only a bound.
    assert bounded(50, 120, selected=50, others=150) == (47, "≥")
    # Everybody who did not reach it is of this group.
    assert bounded(20, 60, selected=120, others=40) == (23, "≤")


def test_what_is_told_of_a_line_never_settles_anybodys_group():
    """For every table of two groups that may be shown: each person could be of either."""
    for size, other, selected in itertools.product((30, 41), (30, 55), (30, 45)):
        total = size + other
        if total - selected < SMALLEST:
            continue
        for reached in range(max(0, selected - other), min(size, selected) + 1):
            count, bound = bounded(reached, size, selected=selected, others=total - selected)
            possible = {
                each
                for each in range(max(0, selected - other), min(size, selected) + 1)
                if bounded(each, size, selected=selected, others=total - selected) == (count, bound)
            }
            assert any(0 < each < selected for each in possible)
            assert any(0 < size - each < total - selected for each in possible)


def told(reached, sizes, *, people, hidden=0):
    """Tell a line that these, and so many of nobody's group, reached: 40 in all."""
    names = "abcdefg"[: len(sizes)]
    return told_of(
        dict(zip(names, reached, strict=True)),
        dict(zip(names, sizes, strict=True)),
        selected=40,
        others=people - 40,
        hidden=hidden,
    )


def test_a_bound_that_the_rest_of_its_line_would_settle_is_not_told():
    # Everybody answered: what is left of the 40 is the third group's.
    assert told((25, 15, 0), (60, 50, 40), people=150) == {}
    assert told((24, 14, 2), (60, 50, 40), people=150) == {}
    # One person did not answer, and reached it or not.
    assert told((25, 14, 1), (60, 50, 40), people=151) == {}
    # Enough of those who did not answer reached it.
    assert told((22, 15, 0), (60, 50, 40), people=200) == {
        "a": (22, ""),
        "b": (15, ""),
        "c": (3, "≤"),
    }
    assert told((20, 15, 5), (60, 50, 40), people=150)["c"] == (5, "")


def test_two_groups_that_bound_each_other_are_told():
    assert told((40, 0), (60, 60), people=120) == {"a": (37, "≥"), "b": (3, "≤")}


def test_that_nobody_of_the_hidden_groups_reached_a_line_is_not_told():
    assert told((25, 15), (60, 50), people=150, hidden=40) == {}
    assert told((25, 15), (60, 50), people=150) != {}
    assert told((20, 16), (60, 50), people=150, hidden=40) != {}


@pytest.mark.parametrize(("rest", "hidden"), [(0, 0), (1, 0), (3, 0), (35, 0), (35, 30)])
def test_every_figure_within_a_bound_stays_possible(rest, hidden):
    """Go through every table of three groups: what is told alike is held beside each other."""
    sizes = (30, 34, 31)
    seen = {}
    for table in itertools.product(*(range(each + 1) for each in sizes)):
        if 0 <= 40 - sum(table) <= rest:
            found = told(table, sizes, people=sum(sizes) + rest, hidden=hidden)
            if found:
                seen.setdefault(tuple(found.values()), []).append(table)
    bounds = 0
    for found, tables in seen.items():
        for n, (reached, bound) in enumerate(found):
            possible = {table[n] for table in tables}
            if bound:
                assert len(possible) > UNTOLD
                bounds += 1
            else:
                assert possible == {reached}
        if hidden:
            assert any(UNTOLD < 40 - sum(table) < rest - UNTOLD for table in tables)
    assert seen
    assert bounds or rest == 0
