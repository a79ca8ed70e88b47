"""What an SSH server lets an account do: how it may log in, whether it gets in, what it can run."""

import secrets
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Literal

import regex  # type: ignore[import-untyped]
from pydantic import Field, StringConstraints, model_validator

from range.checks.base import Judgement, Probe
from range.checks.file_content import first_wrong_content
from range.checks.judgements import inconclusive
from range.checks.patterns import Regex
from range.checks.spec import TEMPLATED, Key, Line, Spec, Text
from range.checks.talking import Exchange, TalkingCheck, Unlike
from range.checks.wire import Wire, filled, nonce

Method = Literal[
    "none", "publickey", "password", "keyboard-interactive", "hostbased", "gssapi-with-mic"
]
Account = Annotated[str, StringConstraints(pattern=rf"^([^\s\x00]{{1,60}}|{TEMPLATED})$")]


class SshLogin(Spec):
    """One login and what it must lead to; `${nonce}` is a fresh word."""

    name: Key
    """Name of the case, shown to authors."""
    account: Account
    """Account that logs in."""
    password: Line | None = None
    """Its password; whoever rules the server can read it."""
    key: Text | None = None
    """Its private key, as OpenSSH writes it, without a passphrase."""
    expect: Literal["accepted", "refused"] = "accepted"
    """Whether the server lets it in, or refuses it; for a login with password or key."""
    methods: tuple[Method, ...] | None = None
    """Exactly these ways to log in must be offered to the account, in any order."""
    not_methods: tuple[Method, ...] = ()
    """Ways to log in that must not be offered to it."""
    run: Line | None = None
    """Command that is run by the account's shell."""
    exit_code: Annotated[int, Field(ge=0, le=255)] = 0
    """How the command must end."""
    contains: tuple[Regex, ...] = ()
    """Patterns each of which must occur in what it prints."""
    not_contains: tuple[Regex, ...] = ()
    """Patterns none of which may occur in it."""

    @property
    def logs_in(self) -> bool:
        """Tell whether it has something to log in with."""
        return self.password is not None or self.key is not None

    @model_validator(mode="after")
    def _makes_sense(self) -> "SshLogin":
        if self.password is not None and self.key is not None:
            raise ValueError("give at most one of password and key")
        if not self.logs_in and self.methods is None and not self.not_methods:
            raise ValueError("give password, key, methods or not_methods")
        if self.run is not None and (not self.logs_in or self.expect == "refused"):
            raise ValueError("only who gets in runs a command; leave run out")
        if self.run is None and (self.contains or self.not_contains or self.exit_code):
            raise ValueError("give run too: it is what prints and ends")
        return self


class SshCheck(TalkingCheck):
    """Met when an SSH server lets each login in or not, and serves it, as expected.

    Trap: a stand-in that lets everybody in, or nobody, or plays a recording. Logins to be accepted
    and logins to be refused stand in one check, a login without being asked counts as none, what
    a client says of itself changes, who is to be refused comes as an unknown client too, and
    `${nonce}` makes a command's output new each time. What a command prints still comes from
    programs of the machine: see to what matters from outside.
    """

    kind: Literal["ssh"]
    logins: Annotated[tuple[SshLogin, ...], Field(min_length=1, max_length=20)]
    """Logins in order, each on a connection of its own."""
    banner: Regex | None = None
    """Pattern that must occur in what the server says before each login."""
    timeout_seconds: Annotated[float, Field(gt=0, le=15)] = 8.0
    """How long one login and its command may take."""

    @model_validator(mode="after")
    def _somebody_reads_the_banner(self) -> "SshCheck":
        if self.banner is not None and not any(login.logs_in for login in self.logins):
            raise ValueError("a banner is read by a login with password or key; give one")
        return self

    def judge(self, probe: Probe, *, objective: str = "") -> Judgement:
        # Only here: the library takes memory that no scenario without this kind should cost.
        from range.checks.ssh_client import KeyUnreadable

        try:
            return self.talked(probe, self._exchanges(), seconds=self.timeout_seconds)
        except KeyUnreadable as error:
            return inconclusive("key-unreadable", excerpt=str(error))

    def _exchanges(self) -> Iterator[tuple[str, Exchange]]:
        for login in self.logins:
            if login.methods is not None or login.not_methods:
                yield login.name, partial(_offer, login=login)
            if login.logs_in:
                # Who is to be refused comes as each sort of client.
                sorts = (False, True) if login.expect == "refused" else (secrets.randbelow(2) > 0,)
                for is_unknown in sorts:
                    visit = partial(self._visit, login=login, is_unknown=is_unknown)
                    yield login.name, visit

    def _visit(self, wire: Wire, login: SshLogin, is_unknown: bool) -> str:
        from range.checks.ssh_client import Login, visited

        values = {"nonce": nonce()}
        visit = visited(
            wire,
            Login(
                account=login.account,
                is_unknown=is_unknown,
                password=None if login.password is None else filled(login.password, values),
                key=login.key,
                command=None if login.run is None else filled(login.run, values),
            ),
        )
        if visit.state == "neither":
            return visit.trouble
        if (visit.state == "in") != (login.expect == "accepted"):
            if visit.state == "in":
                raise Unlike("login-accepted", "gets in")
            raise Unlike("login-refused", "is refused")
        if visit.is_open:
            return "gets in without being asked for anything"
        wanted = [] if self.banner is None else [_pattern(self.banner, values)]
        if first_wrong_content(visit.banner.encode(), wanted, ()):
            return f"the banner is {visit.banner[:200]!r}"
        if login.run is None:
            return ""
        if visit.trouble or visit.exit_code != login.exit_code:
            return visit.trouble or f"the command ends with {visit.exit_code}"
        return _printed(login, visit.output, values)


def _offer(wire: Wire, login: SshLogin) -> str:
    from range.checks.ssh_client import offered

    methods = set(offered(wire, login.account))
    shown = ", ".join(sorted(methods))[:200] or "nothing"
    if login.methods is not None and methods != set(login.methods):
        return f"the server offers {shown}"
    return f"the server offers {shown}" if methods & set(login.not_methods) else ""


def _printed(login: SshLogin, output: bytes, values: dict[str, str]) -> str:
    contains = [_pattern(each, values) for each in login.contains]
    not_contains = [_pattern(each, values) for each in login.not_contains]
    wrong = first_wrong_content(output, contains, not_contains)
    return f"{wrong} in {output[:200]!r}" if wrong else ""


def _pattern(pattern: str, values: dict[str, str]) -> str:
    return filled(pattern, {name: regex.escape(value) for name, value in values.items()})
