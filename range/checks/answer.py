"""A short answer to a question, compared exactly, by pattern, number, set or network."""

import hmac
import ipaddress
import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from range.checks.base import Judgement, Probe
from range.checks.judgements import met, unmet
from range.checks.patterns import PatternTooCostly, Regex, found
from range.checks.spec import CheckSpec, Line, Spec, Templated

ANSWER_LIMIT = 2000
Number = float | Templated
Step = Literal["trim", "casefold", "spaces", "quotes"]


class NumberAnswer(Spec):
    """A number the answer must come near."""

    value: Number
    """The right number."""
    tolerance: Annotated[float, Field(ge=0)] = 0.0
    """How far off the answer may be, either way."""


class AnswerCheck(CheckSpec):
    """Met when the trainee's last answer is right.

    Trap: guessing. `max_tries` is counted down atomically where answers are taken.
    """

    kind: Literal["answer"]
    prompt: Line
    """The question a trainee reads beside the field."""
    equals: Line | None = None
    """The one right answer."""
    one_of: tuple[Line, ...] = ()
    """Several right answers, any of which counts."""
    set: tuple[Line, ...] = ()
    """Words that must all be there, in any order, separated by commas or spaces."""
    matches: Regex | None = None
    """Pattern that the whole answer must match."""
    number: NumberAnswer | None = None
    """Number that the answer must come near."""
    cidr: Line | None = None
    """Network, or address, that the answer must denote, however it is written."""
    normalise: tuple[Step, ...] = ("trim", "casefold")
    """Applied to both sides first: trim, casefold, spaces (runs become one), quotes."""
    max_tries: Annotated[int, Field(ge=1, le=100)] = 10
    """Answers a trainee may give in all."""

    @model_validator(mode="after")
    def _one_comparison(self) -> "AnswerCheck":
        given = (self.equals, self.one_of, self.set, self.matches, self.number, self.cidr)
        if sum(bool(each) or each == "" for each in given) != 1:
            raise ValueError("give exactly one of equals, one_of, set, matches, number, cidr")
        return self

    def judge(self, probe: Probe, *, objective: str = "") -> Judgement:
        answer = probe.latest_submission(objective, self.id)
        if answer is None:
            return unmet("not-submitted")
        return met("answer-right") if self.accepts(answer) else unmet("answer-wrong")

    def accepts(self, answer: str) -> bool:
        """Tell whether an answer is right; never raises, whatever it holds."""
        if len(answer) > ANSWER_LIMIT:
            return False
        if self.number is not None:
            return _near(answer, self.number)
        if self.cidr is not None:
            return _same_network(answer, self.cidr)
        if self.matches is not None:
            return self._matching(self.matches, answer)
        clean = self._clean(answer)
        if self.set:
            return set(clean.replace(",", " ").split()) == {self._clean(e) for e in self.set}
        wanted = self.one_of or (self.equals or "",)
        return any(hmac.compare_digest(clean.encode(), self._clean(e).encode()) for e in wanted)

    def _matching(self, pattern: str, answer: str) -> bool:
        folded = "casefold" in self.normalise
        text = answer.strip() if "trim" in self.normalise else answer
        try:
            return found(pattern, text, whole=True, ignore_case=folded)
        except PatternTooCostly:
            return False

    def _clean(self, text: str) -> str:
        for step in self.normalise:
            if step == "trim":
                text = text.strip()
            elif step == "casefold":
                text = text.casefold()
            elif step == "spaces":
                text = " ".join(text.split())
            else:
                text = text.strip().strip("\"'`")
        return text


def _near(answer: str, wanted: NumberAnswer) -> bool:
    try:
        value, target = float(answer.strip().replace(",", ".")), float(wanted.value)
    except ValueError:
        return False
    return math.isfinite(value) and abs(value - target) <= wanted.tolerance


def _same_network(answer: str, wanted: str) -> bool:
    try:
        mine = ipaddress.ip_network(answer.strip(), strict=False)
        return mine == ipaddress.ip_network(wanted.strip(), strict=False)
    except ValueError:
        return False
