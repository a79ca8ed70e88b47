"""Holds a conversation with a web service: cookies, saved values, a changing appearance."""

import json
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import regex  # type: ignore[import-untyped]

from range.checks.base import HttpReply, Probe
from range.checks.http_appearance import appearance
from range.checks.http_body import Unreadable, readable
from range.checks.http_expectation import Expectation, first_difference
from range.checks.json_path import MISSING, looked_up
from range.checks.patterns import PatternTooCostly, captured

VALUE_LIMIT = 4000


class Request(Protocol):
    """What a conversation needs to know of a request."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def headers(self) -> dict[str, str]: ...
    @property
    def form(self) -> dict[str, str] | None: ...
    @property
    def json_body(self) -> Any: ...
    @property
    def body(self) -> str | None: ...
    @property
    def expect(self) -> Expectation: ...
    @property
    def save(self) -> dict[str, str]: ...


class Conversation:
    """Requests in order through one probe, with one cookie jar a service."""

    def __init__(self, probe: Probe, *, from_network: str, timeout_seconds: float) -> None:
        self._probe = probe
        self._from_network = from_network
        self._timeout_seconds = timeout_seconds
        self._appearance = appearance()
        self._cookies: dict[str, dict[str, str]] = {}
        self._saved: dict[str, str] = {}

    def exchange(self, request: Request) -> str:
        """Send one request and return what was wrong with the answer, or an empty string.

        Raises:
            ProbeUnavailable: The probe could not look.
        """
        url = self._filled(request.url)
        try:
            place = urlsplit(url)
            host, _ = place.netloc, place.port
            expected = self._expected(request.expect)
        except ValueError:
            return "a saved value fits neither an address nor what is expected"
        headers, body = self._outgoing(request, host)
        reply = self._probe.http(
            from_network=self._from_network,
            method=request.method,
            url=url,
            headers=headers,
            body=body,
            timeout_seconds=self._timeout_seconds,
        )
        if reply is None:
            return "no answer"
        try:
            reply = readable(reply)
        except Unreadable as error:
            return str(error)
        self._keep_cookies(reply, host)
        return first_difference(reply, expected) or self._save(reply, request.save)

    def _outgoing(self, request: Request, host: str) -> tuple[list[tuple[str, str]], bytes]:
        headers = dict(self._appearance)
        body = self._filled(request.body or "").encode()
        if request.form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            fields = {self._filled(k): self._filled(v) for k, v in request.form.items()}
            body = urlencode(fields).encode()
        elif request.json_body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(self._filled_value(request.json_body)).encode()
        if jar := self._cookies.get(host):
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        headers |= {self._filled(k): self._filled(v) for k, v in request.headers.items()}
        return list(headers.items()), body

    def _keep_cookies(self, reply: HttpReply, host: str) -> None:
        jar = self._cookies.setdefault(host, {})
        for name, value in reply.headers:
            if name.lower() != "set-cookie":
                continue
            try:
                jar |= {key: morsel.value for key, morsel in SimpleCookie(value).items()}
            except CookieError:
                continue

    def _save(self, reply: HttpReply, wanted: Mapping[str, str]) -> str:
        for name, place in wanted.items():
            value = _taken(reply, place)
            if value is None:
                return f"nothing to save at {place}"
            # A service under test must not be able to write headers of later requests.
            self._saved[name] = "".join(c for c in value[:VALUE_LIMIT] if c.isprintable())
        return ""

    def _expected(self, expect: Expectation) -> Expectation:
        if not self._saved:
            return expect
        wanted = self._filled_value(expect.model_dump(by_alias=True))
        # What a service sent is a word in a pattern, whatever signs it is made of.
        wanted["headers"] = {
            self._filled(name): self._filled(pattern, as_pattern=True)
            for name, pattern in expect.headers.items()
        }
        if expect.matches is not None:
            wanted["matches"] = self._filled(expect.matches, as_pattern=True)
        return Expectation.model_validate(wanted)

    def _filled(self, text: str, *, as_pattern: bool = False) -> str:
        for name, value in self._saved.items():
            text = text.replace(f"${{{name}}}", regex.escape(value) if as_pattern else value)
        return text

    def _filled_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._filled(value)
        if isinstance(value, dict):
            return {key: self._filled_value(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._filled_value(each) for each in value]
        return value


def _taken(reply: HttpReply, place: str) -> str | None:
    kind, _, rest = place.partition(":")
    body = reply.body.decode("utf-8", errors="replace")
    if kind == "header":
        return next((v for k, v in reply.headers if k.lower() == rest.strip().lower()), None)
    try:
        if kind == "body":
            return captured(rest.strip(), body)
        found = looked_up(json.loads(body), place)
    except (ValueError, RecursionError, PatternTooCostly):
        return None
    return None if found is MISSING or isinstance(found, (dict, list)) else str(found)
