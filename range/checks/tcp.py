"""A short exchange with a TCP service: what is sent, and what must come back."""

from collections.abc import Iterator
from typing import Annotated, Literal

import regex  # type: ignore[import-untyped]
from pydantic import Field, StringConstraints, model_validator

from range.checks.base import Judgement, Probe
from range.checks.judgements import met, unmet
from range.checks.patterns import PatternTooCostly, Regex, captured
from range.checks.spec import CheckSpec, Endpoint, Line, NetworkName, Spec, Text, VariableName
from range.checks.wire import Wire, WireEnded, filled, nonce, opened

# Each with a connection and a nonce of its own.
RUNS = 2
# How long must be silence before nothing more is taken to come.
REST_SECONDS = 0.7
_VALUE_LIMIT = 1000
Hex = Annotated[str, StringConstraints(pattern=r"^([0-9a-fA-F]{2} ?)*$", max_length=8000)]


class TcpStep(Spec):
    """One turn of the exchange. `${nonce}` is a fresh word, `${name}` a value saved before."""

    send: Text = ""
    """Text to send; line ends are written out, such as "HELLO ${nonce}\\r\\n"."""
    send_hex: Hex = ""
    """Bytes to send, as pairs of hexadecimal digits, in place of text."""
    expect: Regex | None = None
    """Pattern that must occur in what comes back; what is left out is not waited for."""
    not_expect: Regex | None = None
    """Pattern that must not occur in it."""
    save: dict[VariableName, Line] = Field(default_factory=dict)
    """Values kept for later turns: a pattern whose first group is kept."""

    @model_validator(mode="after")
    def _makes_sense(self) -> "TcpStep":
        if self.send and self.send_hex:
            raise ValueError("give at most one of send and send_hex")
        if self.expect is None and (self.save or self.not_expect):
            raise ValueError("give expect too: it tells how long to read")
        return self


class TcpCheck(CheckSpec):
    """Met when a service answers each turn of an exchange as expected, twice over.

    Trap: a stand-in that sends constant bytes, or serves the grader only. The connection comes
    from an ordinary peer in the segment and a fresh port, the exchange is made twice, and
    `${nonce}` is a word that changes each time and should come back in the answer.
    """

    kind: Literal["tcp"]
    from_network: Annotated[NetworkName, Field(alias="from")]
    """Segment the connection comes from."""
    to: Endpoint
    """Where to, as `machine:port`."""
    steps: Annotated[tuple[TcpStep, ...], Field(min_length=1, max_length=20)]
    """Turns in order."""
    timeout_seconds: Annotated[float, Field(gt=0, le=15)] = 5.0
    """How long the whole exchange may take."""

    @property
    def is_fresh(self) -> bool:
        """Tell whether an answer depends on something that nobody could know before."""
        sent = any("${nonce}" in step.send for step in self.steps)
        return sent and any("${nonce}" in (step.expect or "") for step in self.steps)

    def judge(self, probe: Probe, *, objective: str = "") -> Judgement:
        for _ in range(RUNS):
            with opened(
                probe, from_network=self.from_network, to=self.to, seconds=self.timeout_seconds
            ) as wire:
                if wire is None:
                    return unmet("no-answer", excerpt=self.to)
                if wrong := next(self._differences(wire), ""):
                    return unmet("answers-differ", excerpt=wrong)
        return met("answers-as-expected")

    def _differences(self, wire: Wire) -> Iterator[str]:
        values = {"nonce": nonce()}
        for number, step in enumerate(self.steps, start=1):
            try:
                if wrong := _turn(wire, step, values):
                    yield f"turn {number}: {wrong}"
            except WireEnded as error:
                yield f"turn {number}: {error}"
            except PatternTooCostly:
                yield f"turn {number}: what came makes the pattern too costly"


def _turn(wire: Wire, step: TcpStep, values: dict[str, str]) -> str:
    wire.send(bytes.fromhex(step.send_hex) or filled(step.send, values).encode())
    if step.expect is None:
        return ""
    came, text = wire.until(_pattern(step.expect, values))
    if not came:
        return f"the pattern does not occur in {text[:200]!r}"
    if step.not_expect:
        # What must not come may come a moment later.
        text += wire.rest(REST_SECONDS)
    if step.not_expect and captured(_pattern(step.not_expect, values), text) is not None:
        return "an unwanted text is there"
    for name, place in step.save.items():
        value = captured(place, text)
        if value is None:
            return f"nothing to save for {name}"
        values[name] = "".join(c for c in value[:_VALUE_LIMIT] if c.isprintable())
    return ""


def _pattern(pattern: str, values: dict[str, str]) -> str:
    return filled(pattern, {name: regex.escape(value) for name, value in values.items()})
