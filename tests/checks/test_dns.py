import struct

import pytest
from pydantic import ValidationError

from range.checks.base import Outcome, ProbeUnavailable
from range.checks.dns import DnsCheck
from range.checks.dns_message import question, read_answer

ZONE = {
    ("www.city.example", 1): [bytes([198, 51, 100, 7])],
    ("city.example", 15): [b"\x00\x0a\x04mail\xc0\x0c"],
    ("city.example", 16): [b"\x05v=one\x04-all"],
}


def name_of(message, at=12):
    labels = []
    while length := message[at]:
        labels.append(message[at + 1 : at + 1 + length].decode())
        at += 1 + length
    return ".".join(labels).lower(), at + 1


def answered(asked, *, zone=ZONE, status=None):
    """Answer a question as an honest server would, for the zone given."""
    name, end = name_of(asked)
    kind = struct.unpack_from("!H", asked, end)[0]
    records = zone.get((name, kind), [])
    code = status if status is not None else (0 if records else 3)
    head = struct.pack("!6H", int.from_bytes(asked[:2]), 0x8400 | code, 1, len(records), 0, 0)
    body = b"".join(
        b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(each)) + each for each in records
    )
    return head + asked[12 : end + 4] + body


@pytest.fixture
def served(probe):
    def served(answer=answered):
        def service(connection):
            connection.sendall(answer(connection.recv(2000)))

        probe.serve("ns", 53, service)

    served()
    return served


def check(*questions, **fields):
    whole = {"kind": "dns", "from": "lan", "server": "ns:53", "questions": questions}
    return DnsCheck.model_validate(whole | fields)


WWW = {"name": "www.city.example", "answers": ["198.51.100.7"], "authoritative": True}
NONE = {"name": "old.city.example", "status": "NXDOMAIN", "answers": []}


def test_answers_as_expected_are_met(probe, served):
    mail = {"name": "city.example.", "type": "MX", "answers": ["10 mail.city.example"]}
    text = {"name": "city.example", "type": "TXT", "answers": ["v=one-all"]}
    assert check(WWW, NONE, mail, text).judge(probe).outcome is Outcome.MET


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (WWW | {"answers": ["198.51.100.8"]}, "answered 198.51.100.7"),
        (WWW | {"answers": []}, "answered 198.51.100.7"),
        ({"name": "www.city.example", "not_answers": ["198.51.100.7"]}, "answered"),
        (WWW | {"status": "REFUSED"}, "status NOERROR"),
        (WWW | {"authoritative": False}, "speaks for the zone"),
    ],
)
def test_each_difference_is_named(probe, served, asked, said):
    judged = check(asked, NONE).judge(probe)
    assert (judged.outcome, judged.reason, judged.score) == (
        Outcome.UNMET,
        "answers-differ",
        0.5,
    )
    assert said in judged.excerpt


def test_a_zone_that_is_refused_over_tcp(probe):
    def service(connection):
        length = int.from_bytes(connection.recv(2))
        reply = answered(connection.recv(length), status=5)
        connection.sendall(len(reply).to_bytes(2) + reply)

    probe.serve("ns", 53, service)
    zone = {"name": "city.example", "type": "AXFR", "status": "REFUSED", "answers": []}
    assert check(zone).judge(probe).outcome is Outcome.MET


def test_a_server_that_is_silent_is_unmet_and_an_engine_that_is_down_not_judged(probe, served):
    probe.serve("ns", 53, lambda connection: connection.recv(2000))
    assert check(WWW).judge(probe).reason == "no-answer"
    probe.down = True
    with pytest.raises(ProbeUnavailable):
        check(WWW).judge(probe)


def test_trap_an_answer_to_every_name_is_no_zone(probe, served):
    def anything(asked):
        name, end = name_of(asked)
        kind = struct.unpack_from("!H", asked, end)[0]
        return answered(asked, zone={(name, kind): [bytes([198, 51, 100, 7])]})

    served(anything)
    assert "nobody made" in check(WWW).judge(probe).excerpt
    assert check(WWW, wildcard=True).judge(probe).outcome is Outcome.MET


def test_trap_a_recorded_answer_is_no_answer(probe, served):
    sent, _ = question("www.city.example", "A", recursive=True)
    recorded = answered(sent)
    served(lambda asked: recorded)
    assert check(WWW).judge(probe).reason == "no-answer"

    def in_other_letters(asked):
        # A name is asked in letters drawn anew: what was recorded has others, here certainly.
        answer = answered(asked)
        return answer[:12] + answer[12:30].swapcase() + answer[30:]

    served(in_other_letters)
    assert check(WWW).judge(probe).reason == "no-answer"


@pytest.mark.parametrize(
    "rest", [b"\xc0\x20" * 40, b"\x3f", b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\xff\xff", b""]
)
def test_trap_messages_that_cannot_be_read_are_no_answers(probe, served, rest):
    def hostile(asked):
        _, end = name_of(asked)
        head = struct.pack("!6H", int.from_bytes(asked[:2]), 0x8400, 1, 9, 0, 0)
        return head + asked[12 : end + 4] + rest

    served(hostile)
    assert check(WWW).judge(probe).reason == "no-answer"


def test_the_case_of_letters_changes_and_does_not_matter():
    seen = {question("www.city.example", "A", recursive=True)[1] for _ in range(20)}
    assert len(seen) > 1
    sent, asked = question("www.city.example", "A", recursive=True)
    assert read_answer(answered(sent), sent, asked, "A").values == {"198.51.100.7"}


@pytest.mark.parametrize("name", ["", "a b", "-", ".a", "ä.example"])
def test_names_that_are_none_are_refused(name):
    with pytest.raises(ValidationError):
        check({"name": name})
