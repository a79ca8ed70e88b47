import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.console.line_screen import MOST_CELLS, LineScreen


def after(echo, *, cols=20, start=0):
    screen = LineScreen(cols=cols)
    screen.feed(echo)
    return screen.text(start)


@pytest.mark.parametrize(
    ("echo", "line"),
    [
        ("id", "id"),
        ("lss\b\x1b[K -la", "ls -la"),
        ("lss\b \b", "ls"),
        ("cat wrld\x1b[3D\x1b[1@o", "cat world"),
        ("cat wworld\x1b[6D\x1b[1P", "cat world"),
        ("abc\b\b\bxyz", "xyz"),
        ("one\r\x1b[Ktwo", "two"),
        ("a\x1b[5Gb", "a   b"),
        ("a\x1b]0;title\x07b\x1b[31mc", "abc"),
        ("a\x1b[2Jb", "ab"),
        ("gone\x1b[4D\x1b[J", ""),
        ("\tx", "        x"),
    ],
)
def test_it_follows_a_line_editors_moves(echo, line):
    assert after(echo) == line


def test_a_line_longer_than_the_terminal_is_one_line():
    text = "echo " + "a" * 50
    echo = text[:20] + text[20] + "\r" + text[20:40] + text[40] + "\r" + text[40:]
    assert after(echo) == text


def test_the_editors_way_of_forcing_a_wrap_leaves_no_blank():
    assert after("x" * 20 + " \rrest") == "x" * 20 + "rest"


def test_going_back_a_row_edits_the_row_before():
    assert after("x" * 20 + "yy\x1b[A\r" + "z") == "z" + "x" * 19 + "yy"


def test_line_ends_that_were_typed_stay():
    assert after("cat <<E\r\n> one\r\n> E") == "cat <<E\n> one\n> E"


def test_text_begins_where_asked():
    screen = LineScreen(cols=40)
    screen.feed("me@web:~$ ")
    start = screen.at
    screen.feed("id")
    assert screen.text(start) == "id"


@given(st.text(st.sampled_from("ab\b\r\n\t\x1b[]?;0159ABCDGHJKPm@\x07"), max_size=300))
def test_it_stays_in_bounds_whatever_is_echoed(echo):
    screen = LineScreen(cols=10)
    screen.feed(echo * 3)
    assert 0 <= screen.at <= MOST_CELLS
    assert len(screen.text()) <= MOST_CELLS * 2


@pytest.mark.parametrize("bomb", ["\x1b[99999999C", "\x1b[99999999B", "\n" * 9999, "\x1b[9999999@"])
def test_huge_moves_take_little_room(bomb):
    screen = LineScreen(cols=500)
    for _ in range(50):
        screen.feed(bomb + "x")
    assert len(screen._cells) <= MOST_CELLS + 500
