"""Geometry of interval bars."""

import pytest

from range.pipeline import bars


@pytest.mark.parametrize(
    ("logits", "place"), [(-9, 0.0), (-3, 0.0), (0, 120.0), (1.5, 180.0), (3, 240.0), (9, 240.0)]
)
def test_values_lie_on_the_scale_or_at_its_edge(logits, place):
    assert bars.place(logits) == place


def test_an_interval_beyond_the_scale_still_shows_a_sliver():
    drawn = bars.bar(low=5, high=6, mean=5.5, cut=None)
    assert drawn.left == 240.0
    assert drawn.width > 0


def test_the_label_says_the_same_as_the_drawing():
    drawn = bars.bar(low=-0.54, high=1.26, mean=0.36, cut=0.4)
    assert drawn.label == ("80 % interval from \N{MINUS SIGN}0.5 to 1.3 logits, cut line at 0.4")
    assert (drawn.left, drawn.cut) == (98.4, 136.0)


@pytest.mark.parametrize(
    ("logits", "text"), [(-0.04, "0.0"), (0.25, "0.2"), (-1.0, "\N{MINUS SIGN}1.0")]
)
def test_figures_have_one_digit_and_no_negative_zero(logits, text):
    assert bars.figure(logits) == text
