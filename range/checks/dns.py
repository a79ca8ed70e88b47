"""What a name server answers, asked from a peer's place, and what it must not answer."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from range.checks.base import Judgement, Probe
from range.checks.dns_message import Answer, Malformed, question, read_answer
from range.checks.judgements import met, unmet
from range.checks.spec import TEMPLATED, CheckSpec, Endpoint, Line, NetworkName, Spec
from range.checks.wire import Wire, WireEnded, nonce, opened

TRIES = 2
DomainName = Annotated[
    str,
    StringConstraints(pattern=rf"^([A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9.])?|{TEMPLATED})$"),
    Field(max_length=253),
]


class DnsQuestion(Spec):
    """One question and what must come back; what is not given is not looked at."""

    name: DomainName
    """Name that is asked for."""
    type: Literal["A", "AAAA", "CNAME", "MX", "NS", "PTR", "TXT", "AXFR"] = "A"
    """Type of record; AXFR asks for the whole zone, over TCP."""
    status: Literal["NOERROR", "NXDOMAIN", "REFUSED", "SERVFAIL", "NOTIMP", "any"] = "NOERROR"
    """Status the server must answer with."""
    answers: tuple[Line, ...] | None = None
    """Exactly these values, in any order, such as `198.51.100.7` or `10 mail.example`."""
    not_answers: tuple[Line, ...] = ()
    """Values none of which may come back."""
    authoritative: bool | None = None
    """Whether the server must speak for the zone, or must not."""
    recursive: bool = True
    """Whether the server is asked to ask others."""

    def difference(self, answer: Answer) -> str:
        """Return what differs first, or an empty string."""
        if self.status not in ("any", answer.status):
            return f"status {answer.status}"
        shown = ", ".join(sorted(answer.values)[:8]) or "nothing"
        wanted = None if self.answers is None else {_clean(each) for each in self.answers}
        if wanted is not None and answer.values != wanted:
            return f"answered {shown}"
        if answer.values & {_clean(each) for each in self.not_answers}:
            return f"answered {shown}"
        if self.authoritative is not None and answer.is_authoritative != self.authoritative:
            return "speaks for the zone" if answer.is_authoritative else "does not speak for it"
        return ""


class DnsCheck(CheckSpec):
    """Met when a name server answers each question as expected.

    Trap: a stand-in that answers every name alike, or repeats a recorded message. Numbers and the
    case of letters change with each question and must come back, and a name that nobody made must
    not get the answers of one that exists. Records of other names do not count, and an answer
    that was cut is asked for again over TCP.
    """

    kind: Literal["dns"]
    from_network: Annotated[NetworkName, Field(alias="from")]
    """Segment the questions come from."""
    server: Endpoint
    """Name server, as `machine:port`."""
    transport: Literal["udp", "tcp"] = "udp"
    """How it is asked; a zone is always asked for over TCP."""
    questions: Annotated[tuple[DnsQuestion, ...], Field(min_length=1, max_length=40)]
    """Questions, each on a connection of its own."""
    wildcard: bool = False
    """Whether names that nobody made may get the same answers."""
    timeout_seconds: Annotated[float, Field(gt=0, le=10)] = 3.0
    """How long one answer may take; over UDP each question is asked twice if need be."""

    def judge(self, probe: Probe, *, objective: str = "") -> Judgement:
        failures: list[str] = []
        silent = 0
        for each in self.questions:
            answer = self._ask(probe, each, each.name)
            silent += answer is None
            wrong = "no answer" if answer is None else each.difference(answer)
            if not wrong and answer is not None and self._answers_anything(probe, each, answer):
                wrong = "a name that nobody made gets the same answer"
            if wrong:
                failures.append(f"{each.type} {each.name}: {wrong}")
        if not failures:
            return met("answers-as-expected")
        reason = "no-answer" if silent == len(self.questions) else "answers-differ"
        share = 1 - len(failures) / len(self.questions)
        return unmet(reason, excerpt="\n".join(failures), score=share)

    def _answers_anything(self, probe: Probe, asked: DnsQuestion, answer: Answer) -> bool:
        if self.wildcard or not answer.values or asked.type == "AXFR":
            return False
        parent = asked.name.partition(".")[2] or asked.name
        made_up = self._ask(probe, asked, f"x{nonce()}.{parent}")
        return made_up is not None and made_up.values == answer.values

    def _ask(self, probe: Probe, asked: DnsQuestion, name: str) -> Answer | None:
        datagrams = self.transport == "udp" and asked.type != "AXFR"
        answer = self._asked(probe, asked, name, datagrams=datagrams)
        if answer is not None and answer.is_cut and datagrams:
            # As every client does: what was cut is not used, and asked for over TCP.
            return self._asked(probe, asked, name, datagrams=False)
        return answer

    def _asked(
        self, probe: Probe, asked: DnsQuestion, name: str, *, datagrams: bool
    ) -> Answer | None:
        for _ in range(TRIES if datagrams else 1):
            with opened(
                probe,
                from_network=self.from_network,
                to=self.server,
                seconds=self.timeout_seconds,
                datagrams=datagrams,
            ) as wire:
                if wire is None:
                    return None
                try:
                    return _exchanged(wire, asked, name, datagrams=datagrams)
                except (WireEnded, Malformed):
                    continue
        return None


def _exchanged(wire: Wire, asked: DnsQuestion, name: str, *, datagrams: bool) -> Answer:
    sent, repeated = question(name, asked.type, recursive=asked.recursive)
    if datagrams:
        wire.send(sent)
        return read_answer(wire.message(), sent, repeated, asked.type)
    wire.send(len(sent).to_bytes(2) + sent)
    length = int.from_bytes(wire.exactly(2))
    return read_answer(wire.exactly(length), sent, repeated, asked.type)


def _clean(value: str) -> str:
    return value.strip().rstrip(".").lower()
