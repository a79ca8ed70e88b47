"""Comparisons of two sets of files, hostile ones among them."""

import time

from range.authoring.comparing import LINES_LIMIT, compare
from range.catalog.source import File


def of(**texts):
    return {path: File(data=text.encode()) for path, text in texts.items()}


def test_it_tells_what_is_new_gone_and_changed_with_line_numbers():
    before = of(a="one\ntwo\nthree\n", gone="x\n", same="s\n")
    after = of(a="one\n2\nthree\n", new="y\n", same="s\n")
    found = {each.path: each for each in compare(before, after)}
    assert {path: each.state for path, each in found.items()} == {
        "a": "changed",
        "gone": "removed",
        "new": "added",
    }
    lines = [(line.sign, line.before, line.after, line.text) for line in found["a"].lines]
    assert lines == [
        ("", 1, 1, "one"),
        ("-", 2, None, "two"),
        ("+", None, 2, "2"),
        ("", 3, 3, "three"),
    ]
    assert (found["a"].added, found["a"].removed) == (1, 1)


def test_far_parts_are_apart_by_a_gap():
    text = "".join(f"{i}\n" for i in range(60))
    found = compare(of(a=text), of(a=text.replace("5\n", "five\n", 1).replace("50\n", "fifty\n")))
    assert [line.sign for line in found[0].lines].count("…") == 1


def test_bytes_and_modes_are_told_in_words():
    before = {"a": File(data=b"\0\1"), "run": File(data=b"x")}
    after = {"a": File(data=b"\0\1\2"), "run": File(data=b"x", executable=True)}
    first, second = compare(before, after)
    assert first.note == "2 bytes before, 3 after."
    assert second.note == "Can be run now."


def test_hostile_texts_take_no_long_time():
    many = "a\nb\n" * (LINES_LIMIT // 2)
    other = "b\na\na\n" * (LINES_LIMIT // 3)
    begun = time.process_time()
    compare(of(a=many), of(a=other))
    assert time.process_time() - begun < 10
    assert "Too long" in compare(of(a=many * 2), of(a=other))[0].note
