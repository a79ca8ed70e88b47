"""What an HTTP answer must be like."""

import json
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from range.checks.http_body import ReadableReply, writings
from range.checks.json_path import MISSING, looked_up
from range.checks.patterns import PatternTooCostly, Regex, found
from range.checks.spec import Line, Spec, Templated, Text

Status = Annotated[int, Field(ge=100, le=599)] | Templated


def _as_list(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else [value]


Statuses = Annotated[
    tuple[Status, ...],
    BeforeValidator(_as_list, json_schema_input_type=tuple[Status, ...] | Status),
]
Texts = Annotated[
    tuple[Text, ...], BeforeValidator(_as_list, json_schema_input_type=tuple[Text, ...] | Text)
]


class Expectation(Spec):
    """What must come back; what is not given is not looked at."""

    status: Statuses = ()
    """Status, or any of several."""
    headers: dict[Line, Regex] = Field(default_factory=dict)
    """Patterns that headers must match."""
    json_path: Annotated[dict[Line, Any], Field(alias="json")] = Field(default_factory=dict)
    """Values wanted at places of the answer, such as `$.mrn`."""
    json_absent: tuple[Line, ...] = ()
    """Places that must not exist in the answer."""
    contains: Texts = ()
    """Texts that must all occur in the body."""
    not_contains: Texts = ()
    """Texts none of which may occur in the body or the headers."""
    matches: Regex | None = None
    """Pattern that must occur in the body."""
    max_bytes: int | None = None
    """Largest body."""


def first_difference(reply: ReadableReply, wanted: Expectation) -> str:
    """Return what differs first, as a sentence for authors, or an empty string."""
    if wanted.status and str(reply.status) not in {str(each) for each in wanted.status}:
        return f"status {reply.status}"
    if wanted.max_bytes is not None and len(reply.body) > wanted.max_bytes:
        return f"body of {len(reply.body)} bytes"
    return _wrong_headers(reply, wanted) or _wrong_text(reply, wanted) or _wrong_json(reply, wanted)


def _wrong_headers(reply: ReadableReply, wanted: Expectation) -> str:
    for name, pattern in wanted.headers.items():
        values = [value for key, value in reply.headers if key.lower() == name.lower()]
        if not any(_occurs(pattern, value) for value in values):
            return f"header {name}"
    return ""


def _wrong_text(reply: ReadableReply, wanted: Expectation) -> str:
    body = reply.body.decode("utf-8", errors="replace")
    if any(text not in body for text in wanted.contains):
        return "a wanted text is missing"
    if reply.is_cut and (wanted.not_contains or wanted.json_absent):
        return "a body too long to be read to its end"
    everywhere = [*writings(body), *(value for _, value in reply.headers)]
    if reply.unpacked != reply.body:
        # Not every reader believes what a service says about its alphabet.
        everywhere += writings(reply.unpacked.decode("utf-8", errors="replace"))
    if any(text and text in each for text in wanted.not_contains for each in everywhere):
        return "an unwanted text is there"
    if wanted.matches is not None and not _occurs(wanted.matches, body):
        return "the pattern does not occur"
    return ""


def _wrong_json(reply: ReadableReply, wanted: Expectation) -> str:
    if not wanted.json_path and not wanted.json_absent:
        return ""
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        return "the body is no JSON"
    for path, value in wanted.json_path.items():
        if looked_up(document, path) != value:
            return f"value at {path}"
    for path in wanted.json_absent:
        if looked_up(document, path) not in (MISSING, []):
            return f"something at {path}"
    return ""


def _occurs(pattern: str, text: str) -> bool:
    try:
        return found(pattern, text)
    except PatternTooCostly:
        return False
