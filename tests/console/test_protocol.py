import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.console import protocol
from range.console.protocol import Ack, Close, FrameRefused, Hands, Heartbeat, Keys, Resize


def test_it_reads_each_kind_of_control_message():
    assert protocol.parse('{"type":"resize","cols":80,"rows":24}') == Resize(cols=80, rows=24)
    assert protocol.parse('{"type":"ack","bytes":4096}') == Ack(bytes=4096)
    assert protocol.parse('{"type":"heartbeat"}') == Heartbeat()


def test_it_reads_what_only_somebody_who_looks_may_say():
    keys = protocol.parse_look('{"type":"keys","hands":"over"}')
    assert isinstance(keys, Keys)
    assert keys.hands is Hands.OVER
    assert protocol.parse_look('{"type":"message","text":"Go on."}').text == "Go on."
    assert protocol.parse_look('{"type":"ack","bytes":4096}') == Ack(bytes=4096)
    for text in ('{"type":"keys","hands":"over"}', '{"type":"message","text":"Go on."}'):
        with pytest.raises(FrameRefused):
            protocol.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "null",
        '{"type":"unknown"}',
        '{"type":"resize","cols":80}',
        '{"type":"resize","cols":"80","rows":24}',
        '{"type":"resize","cols":80.5,"rows":24}',
        '{"type":"resize","cols":true,"rows":24}',
        '{"type":"ack","bytes":-1}',
        '{"type":"ack","bytes":2147483649}',
        '{"type":"ack","bytes":true}',
        '{"type":"heartbeat","extra":1}',
        '{"type":"notice","text":"x","level":"info"}',
        '{"cols":80,"rows":24}',
    ],
)
def test_it_refuses_what_no_page_of_ours_sends(text):
    with pytest.raises(FrameRefused) as refused:
        protocol.parse(text)
    assert refused.value.code == Close.MALFORMED


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"resize","cols":80,"rows":24}',
        '{"type":"keys","hands":"elsewhere"}',
        '{"type":"keys","hands":["over"]}',
        '{"type":"keys","hands":"over","extra":1}',
        '{"type":"message","text":""}',
        '{"type":"message","text":7}',
        json.dumps({"type": "message", "text": "x" * 301}),
    ],
)
def test_it_refuses_what_nobody_who_looks_sends(text):
    with pytest.raises(FrameRefused) as refused:
        protocol.parse_look(text)
    assert refused.value.code == Close.MALFORMED


def test_it_refuses_a_control_message_that_is_too_long():
    text = json.dumps({"type": "heartbeat", "pad": "x" * 2000})
    with pytest.raises(FrameRefused) as refused:
        protocol.parse(text)
    assert refused.value.code == Close.TOO_LARGE


@given(st.text(max_size=1200))
def test_it_never_fails_otherwise_whatever_the_text(text):
    with contextlib.suppress(FrameRefused):
        protocol.parse(text)


@given(st.integers(), st.integers())
def test_it_clamps_every_size(cols, rows):
    text = json.dumps({"type": "resize", "cols": cols, "rows": rows})
    try:
        clamped = protocol.parse(text).clamped
    except FrameRefused:
        # Numbers beyond what a reader of JSON holds.
        assert max(abs(cols), abs(rows)) > 2**53
        return
    assert all(2 <= side <= 500 for side in clamped)


def test_it_takes_input_up_to_the_limit_and_no_further():
    data = b"x" * protocol.MAX_FRAME_BYTES
    assert protocol.check_bytes(data) is data
    with pytest.raises(FrameRefused) as refused:
        protocol.check_bytes(data + b"x")
    assert refused.value.code == Close.TOO_LARGE


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (protocol.screen_frame(80, 24), {"type": "screen", "cols": 80, "rows": 24}),
        (protocol.size_frame(132, 43), {"type": "size", "cols": 132, "rows": 43}),
        (protocol.role_frame(answers=True), {"type": "role", "answers": True}),
        (protocol.notice_frame("Hi"), {"type": "notice", "level": "info", "text": "Hi"}),
        (protocol.HEARTBEAT, {"type": "heartbeat"}),
    ],
)
def test_it_writes_control_messages_as_plain_json(frame, expected):
    assert json.loads(frame) == expected
