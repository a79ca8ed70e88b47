"""A conversation with a web service: cases of requests, each with what must come back."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from range.checks.base import Judgement, Probe
from range.checks.http_conversation import Conversation
from range.checks.http_expectation import Expectation
from range.checks.judgements import met, unmet
from range.checks.spec import (
    TEMPLATED,
    CheckSpec,
    Key,
    Line,
    NetworkName,
    Spec,
    Text,
    VariableName,
)

Url = Annotated[
    str, StringConstraints(max_length=1000, pattern=rf"^(http://[^\s]+|{TEMPLATED}[^\s]*)$")
]


class HttpRequest(Spec):
    """One request and what must come back. `${name}` stands for a value saved before."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] = "GET"
    """Method."""
    url: Url
    """Address, `http://machine:port/path`."""
    headers: dict[Line, Line] = Field(default_factory=dict)
    """Request headers."""
    form: dict[Line, Text] | None = None
    """Fields sent as a form."""
    json_body: Annotated[Any, Field(alias="json")] = None
    """Value sent as JSON."""
    body: Text | None = None
    """Text sent as it is."""
    expect: Expectation = Expectation()
    """What must come back."""
    save: dict[VariableName, Line] = Field(default_factory=dict)
    """Values kept for later requests: a JSON path, `header:Name`, or `body:pattern`."""

    @model_validator(mode="after")
    def _one_body(self) -> "HttpRequest":
        bodies = (self.form, self.json_body, self.body)
        if sum(each is not None for each in bodies) > 1:
            raise ValueError("give at most one of form, json, body")
        return self


class HttpCase(Spec):
    """Requests made one after another with one cookie jar; all must answer as expected."""

    name: Key
    """Name of the case, shown to authors."""
    requests: Annotated[tuple[HttpRequest, ...], Field(min_length=1, max_length=20)]
    """Requests in order."""


class HttpCheck(CheckSpec):
    """Met when every case answers as expected, or `min_share` of them; the score is their share.

    Trap: answering only the grader. Requests come from a place of the grader's own in the
    segment, look like a browser that changes from run to run, and use the attempt's own data.
    """

    kind: Literal["http"]
    from_network: Annotated[NetworkName, Field(alias="from")]
    """Segment the requests come from."""
    requests: Annotated[tuple[HttpRequest, ...], Field(max_length=20)] = ()
    """Requests of the only case, where one is enough."""
    cases: Annotated[tuple[HttpCase, ...], Field(max_length=40)] = ()
    """Several cases, each with its own cookies."""
    before_each: Annotated[tuple[HttpRequest, ...], Field(max_length=20)] = ()
    """Requests made before those of every case, as part of it."""
    after_each: Annotated[tuple[HttpRequest, ...], Field(max_length=20)] = ()
    """Requests made after those of every case, as part of it."""
    min_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the cases that must answer as expected; once out of reach, no more are tried."""
    timeout_seconds: Annotated[float, Field(gt=0, le=15)] = 5.0
    """How long one answer may take."""

    @model_validator(mode="after")
    def _requests_or_cases(self) -> "HttpCheck":
        if bool(self.requests) == bool(self.cases):
            raise ValueError("give exactly one of requests and cases")
        return self

    def judge(self, probe: Probe, *, objective: str = "") -> Judgement:
        cases = self.cases or (HttpCase(name="requests", requests=self.requests),)
        failures: dict[str, str] = {}
        tried = 0
        for case in cases:
            tried += 1
            if wrong := self._run(probe, case):
                failures[case.name] = wrong
            if self.min_share < 1 and not self._is_enough(cases, failures):
                break
        told = "\n".join(f"{name}: {wrong}" for name, wrong in failures.items())
        if self._is_enough(cases, failures):
            return met("answers-as-expected", excerpt=told)
        share = (tried - len(failures)) / len(cases)
        return unmet(_reason(failures, tried), excerpt=told, score=share)

    def _is_enough(self, cases: Sequence[HttpCase], failures: Mapping[str, str]) -> bool:
        return len(cases) - len(failures) >= self.min_share * len(cases)

    def _run(self, probe: Probe, case: HttpCase) -> str:
        conversation = Conversation(
            probe, from_network=self.from_network, timeout_seconds=self.timeout_seconds
        )
        requests = (*self.before_each, *case.requests, *self.after_each)
        for number, request in enumerate(requests, start=1):
            wrong = conversation.exchange(request)
            if wrong:
                return f"request {number}, {request.method} {request.url}: {wrong}"
        return ""


def _reason(failures: Mapping[str, str], cases: int) -> str:
    if all(wrong.endswith("no answer") for wrong in failures.values()):
        return "no-answer"
    return "answers-differ" if len(failures) == cases else "some-answers-differ"
