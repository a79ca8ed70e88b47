"""A conversation with a mail server: what it takes, and what it must refuse."""

import re
import secrets
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from range.checks.base import Judgement, Probe
from range.checks.spec import TEMPLATED, Key, Line, Spec, Text
from range.checks.talking import Exchange, TalkingCheck
from range.checks.wire import Wire, WireEnded, filled, nonce

LINES_LIMIT = 100
# As often a mail that is put off is sent before it counts as refused.
TRIES = 3
# Ordinary hosts, so that a server cannot tell the grader by its greeting.
HELLO = ("mail.example", "mx1.partner.example", "desk-17.example", "relay.supplier.example")
Address = Annotated[
    str, StringConstraints(pattern=rf"^([^\s<>@]{{1,64}}@[^\s<>@]{{1,200}}||{TEMPLATED})$")
]
Stage = Literal["accepted", "refused"]


class SmtpMail(Spec):
    """One mail and what must become of it; `${nonce}` is a fresh word."""

    name: Key
    """Name of the case, shown to authors."""
    sender: Address = "${nonce}@partner.example"
    """Address it comes from; nothing for a bounce."""
    recipient: Address
    """Address it goes to."""
    subject: Line = "Note ${nonce}"
    """Subject."""
    body: Text = "Reference ${nonce}.\n"
    """Text of the mail."""
    expect: Stage = "accepted"
    """Whether the server takes it, or refuses the sender, the recipient or the mail."""


class SmtpCheck(TalkingCheck):
    """Met when a mail server takes and refuses each mail as expected.

    Trap: a stand-in that says yes, or no, to everybody. Each mail comes on a connection of its
    own with names, addresses and words that change; a command that does not exist must be
    refused, and mails to be taken and mails to be refused stand in one check. A mail that is put
    off is sent again: a server that gives in has not refused it.
    """

    kind: Literal["smtp"]
    mails: Annotated[tuple[SmtpMail, ...], Field(min_length=1, max_length=20)]
    """Mails in order."""
    extensions: tuple[Line, ...] = ()
    """Words the server must offer, such as STARTTLS."""
    not_extensions: tuple[Line, ...] = ()
    """Words it must not offer, such as VRFY."""
    timeout_seconds: Annotated[float, Field(gt=0, le=15)] = 8.0
    """How long one mail may take."""

    def judge(self, probe: Probe, *, objective: str = "") -> Judgement:
        return self.talked(probe, self._exchanges(), seconds=self.timeout_seconds)

    def _exchanges(self) -> Iterator[tuple[str, Exchange]]:
        for mail in self.mails:
            values = {"nonce": nonce()}
            put_off: list[int] = []
            for _ in range(TRIES):
                put_off.clear()
                yield mail.name, partial(self._sent, mail=mail, values=values, put_off=put_off)
                # Whoever was told "later" comes again, with the same mail.
                if not put_off:
                    break

    def _sent(self, wire: Wire, mail: SmtpMail, values: dict[str, str], put_off: list[int]) -> str:
        code, _ = _reply(wire)
        if code != 220:
            return f"greeted with {code}"
        hello = secrets.choice(HELLO)
        code, lines = _told(wire, f"EHLO {hello}")
        if code != 250:
            return f"EHLO got {code}"
        offered = {line.partition(" ")[0].upper() for line in lines[1:]}
        if missing := {each.upper() for each in self.extensions} - offered:
            return f"does not offer {min(missing)}"
        if extra := {each.upper() for each in self.not_extensions} & offered:
            return f"offers {min(extra)}"
        code, _ = _told(wire, f"X{nonce().upper()}")
        if not 500 <= code < 600:
            return f"a command that does not exist got {code}"
        return self._delivered(wire, mail, values, put_off)

    def _delivered(
        self, wire: Wire, mail: SmtpMail, values: dict[str, str], put_off: list[int]
    ) -> str:
        commands = [
            (f"MAIL FROM:<{filled(mail.sender, values)}>", 250),
            (f"RCPT TO:<{filled(mail.recipient, values)}>", 250),
            ("DATA", 354),
            ("\r\n".join(_message(mail, values)) + "\r\n.", 250),
        ]
        for command, wanted in commands:
            code, _ = _told(wire, command)
            if code != wanted:
                refused = 400 <= code < 600
                if refused and mail.expect == "refused":
                    put_off += [code] if code < 500 else []
                    return ""
                return f"{command.splitlines()[0][:80]} got {code}"
        return "" if mail.expect == "accepted" else "was accepted"


def _message(mail: SmtpMail, values: dict[str, str]) -> Iterator[str]:
    yield f"From: <{filled(mail.sender, values)}>"
    yield f"To: <{filled(mail.recipient, values)}>"
    yield f"Subject: {filled(mail.subject, values)}"
    yield f"Message-ID: <{values['nonce']}@partner.example>"
    yield ""
    for line in filled(mail.body, values).splitlines():
        yield f".{line}" if line.startswith(".") else line


def _told(wire: Wire, command: str) -> tuple[int, list[str]]:
    wire.send(command.encode() + b"\r\n")
    return _reply(wire)


def _reply(wire: Wire) -> tuple[int, list[str]]:
    lines: list[str] = []
    while len(lines) < LINES_LIMIT:
        line = wire.line(1000).decode("utf-8", "replace").rstrip("\r\n")
        if not re.match(r"\d{3}([ -]|$)", line):
            raise WireEnded("no reply of a mail server")
        lines.append(line[4:])
        if line[3:4] != "-":
            return int(line[:3]), lines
    raise WireEnded("too many lines")
