import pytest
from pydantic import ValidationError

from range.checks.base import Outcome, ProbeUnavailable
from range.checks.smtp import SmtpCheck

INSIDE = {"name": "ours", "recipient": "ann@city.example"}
RELAY = {"name": "relay", "recipient": "x@elsewhere.example", "expect": "refused"}


def check(*mails, **fields):
    whole = {"kind": "smtp", "from": "lan", "to": "mail:25", "mails": mails or (INSIDE, RELAY)}
    return SmtpCheck.model_validate(whole | fields)


def server(*, relays=False, heard=None, offers=("STARTTLS", "SIZE 1000")):
    """Return a service that takes mail for its own domain, or for all."""

    def service(connection):
        with connection.makefile("rwb", buffering=0) as stream:
            stream.write(b"220 mail ready\r\n")
            while line := stream.readline().decode().strip():
                word = line.split(":")[0].split(" ")[0].upper()
                ours = "city.example" in line or relays
                if word == "EHLO":
                    stream.write("".join(f"250-{e}\r\n" for e in ("mail", *offers)).encode())
                    stream.write(b"250 HELP\r\n")
                elif word == "DATA":
                    stream.write(b"354 go on\r\n")
                    while (text := stream.readline()) != b".\r\n":
                        (heard if heard is not None else []).append(text)
                    stream.write(b"250 taken\r\n")
                elif word == "MAIL" or (word == "RCPT" and ours):
                    stream.write(b"250 fine\r\n")
                else:
                    stream.write(b"550 no\r\n")

    return service


def test_mails_taken_and_refused_as_expected_are_met(probe):
    heard = []
    probe.serve("mail", 25, server(heard=heard))
    assert check(extensions=["starttls"]).judge(probe).outcome is Outcome.MET
    assert any(line.startswith(b"Subject: Note ") for line in heard)


def test_an_open_relay_and_a_closed_door_are_told_apart(probe):
    probe.serve("mail", 25, server(relays=True))
    judged = check().judge(probe)
    assert (judged.outcome, judged.reason, judged.score) == (
        Outcome.UNMET,
        "answers-differ",
        0.5,
    )
    assert "relay: was accepted" in judged.excerpt
    assert check().judge(probe).reason == "answers-differ"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"extensions": ["DSN"]}, "does not offer DSN"),
        ({"not_extensions": ["SIZE"]}, "offers SIZE"),
    ],
)
def test_what_is_offered_is_compared(probe, fields, said):
    probe.serve("mail", 25, server())
    assert said in check(**fields).judge(probe).excerpt


def test_a_body_cannot_end_the_mail_early(probe):
    heard = []
    probe.serve("mail", 25, server(heard=heard))
    mail = INSIDE | {"body": "one\n.\nRCPT TO:<x@elsewhere.example>\n"}
    assert check(mail).judge(probe).outcome is Outcome.MET
    assert b"..\r\n" in heard


@pytest.mark.parametrize("always", [b"250 fine\r\n", b"550 no\r\n"])
def test_trap_the_same_reply_to_everything_is_no_mail_server(probe, always):
    def service(connection):
        connection.sendall(b"220 mail ready\r\n")
        while connection.recv(4000):
            connection.sendall(always)

    probe.serve("mail", 25, service)
    assert check(INSIDE).judge(probe).outcome is Outcome.UNMET
    assert check(RELAY).judge(probe).outcome is Outcome.UNMET


def test_trap_words_change_from_mail_to_mail(probe):
    heard = []
    probe.serve("mail", 25, server(heard=heard))
    check(INSIDE, INSIDE | {"name": "again"}).judge(probe)
    assert len({line for line in heard if line.startswith(b"Subject")}) == 2


@pytest.mark.parametrize("said", [b"SSH-2.0-x\r\n", b"220-" + b"x" * 5000, b"220-a\r\n" * 500])
def test_trap_what_is_no_mail_server_or_talks_on_is_unmet(probe, said):
    probe.serve("mail", 25, lambda connection: connection.sendall(said))
    assert check(INSIDE).judge(probe).reason == "answers-differ"


def test_nothing_listening_is_unmet_and_an_engine_that_is_down_is_not_judged(probe):
    assert check().judge(probe).reason == "no-answer"
    probe.down = True
    with pytest.raises(ProbeUnavailable):
        check().judge(probe)


def test_addresses_hold_nothing_that_ends_a_command():
    with pytest.raises(ValidationError):
        check(INSIDE | {"recipient": "ann@city.example>\r\nDATA"})
