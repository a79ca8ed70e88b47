"""Four fifths, intervals and chance: held against published figures and against counting."""

import math

import pytest

from range.pipeline.impact.rates import (
    BELOW,
    BELOW_BY_CHANCE,
    HIGHEST,
    SMALL,
    WITHIN,
    Group,
    fisher,
    held_against_highest,
    interval,
)


def says(*groups):
    lines = held_against_highest(
        [Group(name=str(n), size=size, reached=reached) for n, (reached, size) in enumerate(groups)]
    )
    return [line.says for line in lines]


def test_the_tea_of_fishers_lady_comes_out():
    # Source: Fisher (1935), The Design of Experiments: 3 of 4 cups right, two-sided 34/70.
    assert fisher(3, 4, 1, 4) == pytest.approx(34 / 70)
    assert fisher(4, 4, 0, 4) == pytest.approx(2 / 70)


def test_chance_is_the_share_of_tables_no_likelier():
    """Counted in whole numbers, table by table."""
    for reached, size, other, other_size in ((5, 30, 14, 31), (0, 9, 5, 12), (7, 7, 1, 9)):
        total = reached + other
        ways = {
            n: math.comb(size, n) * math.comb(other_size, total - n)
            for n in range(max(0, total - other_size), min(size, total) + 1)
        }
        wanted = sum(each for each in ways.values() if each <= ways[reached])
        exact = wanted / math.comb(size + other_size, total)
        assert fisher(reached, size, other, other_size) == pytest.approx(exact)


def test_chance_is_reckoned_for_many_people_too():
    assert 0 < fisher(900, 5000, 1000, 5000) < 0.05
    assert fisher(1000, 5000, 1000, 5000) == pytest.approx(1.0)


def test_the_interval_is_wilsons():
    # Worked by hand from the formula with z = 1.96.
    low, high = interval(15, 30)
    assert (low, high) == pytest.approx((0.3315, 0.6685), abs=1e-4)
    assert interval(0, 30)[0] == 0.0
    assert interval(30, 30)[1] == pytest.approx(1.0)


def test_the_example_of_the_rule_is_below_four_fifths():
    """48 of 80 against 12 of 40: half the highest rate."""
    lines = held_against_highest(
        [Group(name="A", size=80, reached=48), Group(name="B", size=40, reached=12)]
    )
    assert [line.says for line in lines] == [HIGHEST, BELOW]
    assert lines[1].ratio == pytest.approx(0.5)
    assert lines[1].ratio_in_words == "0.50"
    assert lines[0].chance_in_words == ""


def test_a_small_difference_is_not_read_as_more_than_it_is():
    assert says((10, 30), (14, 30)) == [BELOW_BY_CHANCE, HIGHEST]
    assert says((28, 40), (30, 40)) == [WITHIN, HIGHEST]
    # Above four fifths, and yet not chance, with many people.
    assert says((4300, 5000), (4700, 5000)) == [SMALL, HIGHEST]


def test_four_fifths_itself_is_within():
    assert says((24, 60), (30, 60)) == [WITHIN, HIGHEST]


def test_bounds_are_told_as_bounds():
    lines = held_against_highest(
        [Group(name="A", size=60, reached=3, bound="≤"), Group(name="B", size=60, reached=30)]
    )
    assert lines[0].count == "≤ 3 of 60"
    assert lines[0].rate.startswith("≤ 5\N{NO-BREAK SPACE}%")
    assert lines[0].ratio_in_words == "about 0.10"
    assert lines[1].ratio_in_words == "1.00"
