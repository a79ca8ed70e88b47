import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.console import cast
from range.console.cast import Cast, Event, Header
from range.console.redaction import MASK, Redactor

HEADER = Header(cols=100, rows=30, started_at=1700000000, title="web main")
EVENTS = [
    Event(12, "o", "$ "),
    Event(700, "o", "ls\r\n"),
    Event(701, "m", "ls"),
    Event(900, "r", "90x20"),
    Event(15_000, "o", "\x1b[31mé\x1b[0m"),
]


def stored(tmp_path, data):
    path = tmp_path / "one.cast"
    path.write_bytes(data)
    return path


def whole():
    return b"".join(cast.written(Cast(HEADER, EVENTS)))


def test_what_is_written_is_read_back(tmp_path):
    assert cast.read(stored(tmp_path, whole())) == Cast(HEADER, EVENTS)


def test_version_3_has_intervals_and_the_terminals_size_in_its_own_object(tmp_path):
    lines = [json.loads(line) for line in whole().splitlines()]
    assert lines[0]["version"] == 3
    assert lines[0]["term"]["cols"] == 100
    assert [line[0] for line in lines[1:]] == [0.012, 0.688, 0.001, 0.199, 14.1]


def test_version_2_has_times_since_the_start(tmp_path):
    lines = [
        json.loads(x) for x in b"".join(cast.written(Cast(HEADER, EVENTS), version=2)).splitlines()
    ]
    assert (lines[0]["version"], lines[0]["width"], lines[0]["height"]) == (2, 100, 30)
    assert [line[0] for line in lines[1:]] == [0.012, 0.7, 0.701, 0.9, 15.0]


@given(st.integers(min_value=0))
def test_a_file_cut_anywhere_reads_as_the_events_before_the_cut(tmp_path_factory, cut):
    data = whole()
    first = data.index(b"\n") + 1
    cut = first + cut % (len(data) - first + 1)
    read = cast.read(stored(tmp_path_factory.mktemp("cut"), data[:cut]))
    assert read.events == EVENTS[: data[first:cut].count(b"\n")]


def test_a_hole_in_the_middle_does_not_end_the_recording(tmp_path):
    lines = whole().splitlines(keepends=True)
    lines[3] = b"\0" * 40 + b"\n"
    assert [event.data for event in cast.read(stored(tmp_path, b"".join(lines))).events] == [
        "$ ",
        "ls\r\n",
        "90x20",
        "\x1b[31mé\x1b[0m",
    ]


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"not a recording\n", b"[]\n", b'{"version":3}\n', b'{"term":{}}\n']
)
def test_it_refuses_what_is_no_recording(tmp_path, data):
    with pytest.raises(ValueError, match="asciicast"):
        cast.read(stored(tmp_path, data))


def test_masking_covers_output_and_markers_and_keeps_the_times():
    flag = "FLAG{ABCDEFGH23456}"
    shown = Cast(HEADER, [Event(1, "o", flag[:8]), Event(2, "o", flag[8:]), Event(3, "m", flag)])
    masked = shown.masked(Redactor({flag: "[flag]"}))
    assert [event.at_ms for event in masked.events] == [1, 2, 3]
    assert [event.data for event in masked.events] == [MASK * 8, MASK * (len(flag) - 8), "[flag]"]


def test_the_length_is_when_the_last_event_happened():
    assert Cast(HEADER, EVENTS).duration_ms == 15_000
    assert Cast(HEADER, []).duration_ms == 0
