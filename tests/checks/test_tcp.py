import re
import time

import pytest
from pydantic import ValidationError

from range.checks.base import Outcome, ProbeUnavailable
from range.checks.tcp import RUNS, TcpCheck

ECHO = [
    {"expect": r"^220 ready\r\n"},
    {
        "send": "ECHO ${nonce}\r\n",
        "expect": r"^OK ${nonce} (\w+)\r\n",
        "save": {"id": r"OK \S+ (\w+)"},
    },
    {"send": "LAST ${id}\r\n", "expect": r"^${id}\r\n"},
]


def check(steps=ECHO, **fields):
    whole = {"kind": "tcp", "from": "lan", "to": "box:7000", "steps": steps} | fields
    return TcpCheck.model_validate(whole)


def honest(connection):
    """Serve as the exchange wants it."""
    connection.sendall(b"220 ready\r\n")
    word = connection.recv(100).decode().split()[1]
    connection.sendall(f"OK {word} k7\r\n".encode())
    assert connection.recv(100) == b"LAST k7\r\n"
    connection.sendall(b"k7\r\n")


def test_a_service_that_answers_as_expected_is_met(probe):
    probe.serve("box", 7000, honest)
    assert check().judge(probe).outcome is Outcome.MET
    assert check().is_fresh


def test_nothing_listening_and_a_wrong_answer_are_unmet(probe):
    assert check().judge(probe).reason == "no-answer"
    probe.serve("box", 7000, lambda connection: connection.sendall(b"500 no\r\n"))
    judged = check().judge(probe)
    assert (judged.outcome, judged.reason) == (Outcome.UNMET, "answers-differ")
    assert "turn 1" in judged.excerpt
    assert "500 no" in judged.excerpt


def test_bytes_are_sent_as_written_and_an_unwanted_text_is_told(probe):
    def service(connection):
        asked = connection.recv(100)
        connection.sendall(asked.hex().encode() + b" version 2.1\n")

    probe.serve("box", 7000, service)
    steps = [{"send_hex": "00 ff0a", "expect": r"^00ff0a .*\n"}]
    assert check(steps).judge(probe).outcome is Outcome.MET
    steps[0]["not_expect"] = "version"
    assert "unwanted text" in check(steps).judge(probe).excerpt


def test_trap_constant_bytes_do_not_pass(probe):
    """Somebody recorded one good exchange and plays it to everybody."""
    recorded = []

    def replay(connection):
        connection.sendall(b"220 ready\r\n")
        word = connection.recv(100).decode().split()[1]
        recorded.append(word)
        connection.sendall(f"OK {recorded[0]} k7\r\n".encode())
        connection.recv(100)
        connection.sendall(b"k7\r\n")

    probe.serve("box", 7000, replay)
    assert check().judge(probe).reason == "answers-differ"
    assert len(set(recorded)) == RUNS == 2


def test_trap_a_value_of_the_service_is_no_pattern(probe):
    def service(connection):
        connection.sendall(b"id (.*)\n")
        connection.recv(100)
        connection.sendall(b"anything\n")

    probe.serve("box", 7000, service)
    steps = [
        {"expect": r"^id (\S+)\n", "save": {"id": r"id (\S+)"}},
        {"send": "next", "expect": "^${id}$"},
    ]
    assert check(steps).judge(probe).outcome is Outcome.UNMET


def test_trap_a_byte_a_moment_and_a_flood_both_end(probe):
    def drip(connection):
        while True:
            connection.sendall(b".")
            time.sleep(0.05)

    def flood(connection):
        while True:
            connection.sendall(b"." * 65536)

    for service in (drip, flood):
        probe.serve("box", 7000, service)
        began = time.monotonic()
        judged = check([{"expect": "never"}], timeout_seconds=1).judge(probe)
        assert judged.outcome is Outcome.UNMET
        assert time.monotonic() - began < 5


def test_a_port_nobody_could_try_is_not_judged(probe):
    probe.down = True
    with pytest.raises(ProbeUnavailable):
        check().judge(probe)


@pytest.mark.parametrize(
    "step",
    [{"send": "a", "send_hex": "00"}, {"send_hex": "0g"}, {"save": {"a": "b"}}, {"expect": "("}],
)
def test_turns_that_make_no_sense_are_refused(step):
    with pytest.raises(ValidationError):
        check([step])


def test_an_exchange_without_a_nonce_is_not_fresh():
    assert not check([{"send": "PING\r\n", "expect": re.escape("PONG")}]).is_fresh
