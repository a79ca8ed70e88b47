"""What may be told of sets of people: attacks by subtraction first, then what stays useful."""

import itertools
import random
import uuid

import pytest

from range.pipeline.impact.withholding import (
    SMALLEST,
    UNTOLD,
    Cut,
    Telling,
    bounded,
    shown,
    tellable,
)

PEOPLE = [uuid.UUID(int=n + 1) for n in range(400)]


def some(first, last):
    return frozenset(PEOPLE[first:last])


def cut(people, name="line"):
    return Cut(part="Stages", name=name, people=people)


def told(everybody, *reached):
    return Telling(everybody=everybody, reached=reached)


def test_a_line_that_one_person_more_reached_is_not_told_beside_the_first():
    ada = some(50, 51)
    found = tellable([cut(some(0, 50)), cut(some(0, 50) | ada)], some(0, 200), [])
    assert [each.people for each in found] == [some(0, 50)]


def test_a_line_whose_complement_differs_from_a_told_one_by_one_person_is_not_told():
    # Who reached the one and who did not reach the other overlap in one person alone.
    found = tellable([cut(some(0, 100)), cut(some(99, 200))], some(0, 200), [])
    assert [each.people for each in found] == [some(0, 100)]


@pytest.mark.parametrize("count", [0, 1, 29, 171, 199, 200])
def test_a_line_with_too_few_on_either_side_is_not_told(count):
    assert tellable([cut(some(0, count))], some(0, 200), []) == []


@pytest.mark.parametrize("count", [30, 170])
def test_a_line_with_just_enough_on_either_side_is_told(count):
    assert len(tellable([cut(some(0, count))], some(0, 200), [])) == 1


@pytest.mark.parametrize(
    "later",
    [some(0, 199), some(0, 201), some(1, 201), some(0, 200), some(29, 200), some(0, 229)],
    ids=["one left", "one came", "one changed", "nobody", "29 left", "29 came"],
)
def test_another_day_with_nearly_the_same_people_tells_nothing(later):
    earlier = told(some(0, 200), some(0, 60))
    assert tellable([cut(some(100, 160))], later, [earlier]) == []


def test_another_day_with_thirty_other_people_tells_again_but_no_line_too_like_an_earlier_one():
    earlier = told(some(0, 200), some(0, 60))
    later = some(0, 240)
    cuts = [cut(some(0, 61), "one more"), cut(some(0, 100), "forty more")]
    found = tellable(cuts, later, [earlier])
    assert [each.name for each in found] == ["forty more"]


def test_a_group_of_thirty_one_minus_one_is_never_left_over():
    """A cohort of 31, then the same without one: the second is not told."""
    everybody = some(0, 200)
    earlier = told(everybody, some(0, 31))
    found = tellable([cut(some(0, 30))], some(0, 200) | some(300, 340), [earlier])
    assert found == []


def test_no_pair_of_sets_told_ever_differs_by_fewer_people_than_the_least():
    drawn = random.Random(7)
    tellings = []
    for _ in range(12):
        everybody = frozenset(drawn.sample(PEOPLE, drawn.randint(20, 400)))
        cuts = [cut(frozenset(drawn.sample(PEOPLE, drawn.randint(0, 400)))) for _ in range(8)]
        near = [cut(each.people ^ frozenset(drawn.sample(PEOPLE, 3))) for each in cuts]
        found = tellable([*cuts, *near], everybody, tellings)
        if found:
            tellings.append(told(everybody, *(each.people & everybody for each in found)))
    sets = [each for telling in tellings for each in telling.sets]
    assert len(tellings) > 2
    assert all(len(a ^ b) >= SMALLEST for a, b in itertools.combinations(sets, 2))


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
