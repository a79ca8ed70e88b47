"""Times, durations and slugs in words."""

from datetime import timedelta

import pytest

from range.workspace import wording


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=-1), "1 minute ago"),
        (timedelta(minutes=-2, seconds=-20), "2 minutes ago"),
        (timedelta(hours=3), "in 3 hours"),
        (timedelta(days=-1), "1 day ago"),
        (timedelta(days=-70), "2 months ago"),
        (timedelta(days=-800), "2 years ago"),
    ],
)
def test_a_moment_is_told_by_its_distance(distance, words):
    assert wording.relative(distance) == words


@pytest.mark.parametrize(
    ("left", "text"),
    [
        (timedelta(seconds=-3), "0:00"),
        (timedelta(seconds=9), "0:09"),
        (timedelta(minutes=12, seconds=5), "12:05"),
        (timedelta(hours=1, minutes=2, seconds=3), "1:02:03"),
    ],
)
def test_a_clock_never_goes_below_zero(left, text):
    assert wording.clock(left) == text


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(seconds=40), "40 s"),
        (timedelta(minutes=12, seconds=10), "12 min"),
        (timedelta(minutes=60), "1 h"),
        (timedelta(minutes=65), "1 h 5 min"),
    ],
)
def test_a_duration_has_its_unit(length, text):
    assert wording.span(length) == text


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Tomoko Reyes", "TR"),
        ("ada", "A"),
        ("Anne-Marie de la Cruz", "AC"),
        ("", "?"),
        ("---", "?"),
    ],
)
def test_initials_come_from_the_first_and_last_word(name, letters):
    assert wording.initials(name) == letters


def test_a_slug_is_written_as_people_say_it():
    assert wording.word("state-agency") == "State agency"
    assert wording.word("soc") == "Security operations"
    assert wording.word("network_path") == "Network path"
