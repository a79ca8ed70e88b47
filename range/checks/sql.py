"""What a database server lets an account do: log in or not, and one question that only reads."""

import secrets
from functools import partial
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from range.checks.base import Judgement, Probe
from range.checks.spec import TEMPLATED, Key, Line, Spec
from range.checks.sql_client import Client, Denied, OddLogin, Row
from range.checks.sql_mariadb import MariaDb
from range.checks.sql_postgresql import PostgreSql
from range.checks.talking import TalkingCheck, Unlike
from range.checks.wire import Wire, filled, nonce

Account = Annotated[
    str, StringConstraints(pattern=rf"^([^\s\x00]{{1,60}}|{TEMPLATED})$", max_length=200)
]
Database = Annotated[str, StringConstraints(pattern=rf"^([^\s\x00]{{0,60}}|{TEMPLATED})$")]
# Ordinary programs, so that a server cannot tell the grader by what it says of itself.
PROGRAMS = ("mysql", "mysqldump", "psql", "pg_dump", "pgAdmin 4", "dbeaver", "python3", "java")
READING = ("SELECT", "SHOW", "WITH", "VALUES", "TABLE", "DESCRIBE")


def _reads(query: str) -> str:
    if "{{" not in query and query.split(None, 1)[0].upper() not in READING:
        raise ValueError(f"a question begins with one of {', '.join(READING)}")
    return query


Query = Annotated[
    str, StringConstraints(pattern=r"^\s*\S[^\x00]*$", max_length=4000), AfterValidator(_reads)
]
Cell = str | int | None


class SqlLogin(Spec):
    """One login and what it must lead to; `${nonce}` is a fresh word."""

    name: Key
    """Name of the case, shown to authors."""
    account: Account
    """Account that logs in."""
    password: Line = ""
    """Its password."""
    database: Database = ""
    """Database it asks for; PostgreSQL takes the one named like the account when left out."""
    expect: Literal["accepted", "refused"] = "accepted"
    """Whether the server lets it in, or refuses the account, the password or the database."""
    query: Query | None = None
    """One question that only reads; nothing can be written by it."""
    rows: Annotated[tuple[tuple[Cell, ...], ...], Field(max_length=100)] | None = None
    """Exactly these rows, in any order; `null` for no value."""
    value: str | int | None = None
    """The one value that must come back."""
    min_rows: Annotated[int, Field(ge=0, le=200)] | None = None
    """How many rows must come back at least."""
    max_rows: Annotated[int, Field(ge=0, le=200)] | None = None
    """How many rows may come back."""
    denied: bool = False
    """The server must refuse the question, for lack of a right."""

    @model_validator(mode="after")
    def _makes_sense(self) -> "SqlLogin":
        wishes = [self.rows, self.value, self.min_rows, self.max_rows, self.denied or None]
        given = [each for each in wishes if each is not None]
        if self.query is None and given:
            raise ValueError("give query too: it is what brings rows")
        if self.query is not None and not given:
            raise ValueError("give rows, value, min_rows, max_rows or denied with query")
        if self.query is not None and self.expect == "refused":
            raise ValueError("who is refused asks nothing; leave query out")
        if self.denied and len(given) > 1:
            raise ValueError("a question that is denied brings no rows")
        return self

    def difference(self, rows: list[Row], word: str) -> str:
        """Return what differs, or an empty string.

        Args:
            word: What `${nonce}` stands for.
        """
        shown = "; ".join(str(row) for row in rows[:8])[:300] or "no rows"
        if self.rows is not None:
            wanted = [tuple(_text(cell, word) for cell in row) for row in self.rows]
            if sorted(wanted, key=repr) != sorted(rows, key=repr):
                return f"got {shown}"
        if self.value is not None and rows != [(_text(self.value, word),)]:
            return f"got {shown}"
        if self.min_rows is not None and len(rows) < self.min_rows:
            return f"{len(rows)} rows"
        if self.max_rows is not None and len(rows) > self.max_rows:
            return f"{len(rows)} rows"
        return ""


class SqlCheck(TalkingCheck):
    """Met when a database server lets each login in or not, and answers it, as expected.

    Trap: a stand-in that lets everybody in, or nobody, or plays a recording. Logins to be accepted
    and logins to be refused stand in one check; whoever is in has the server work something out
    that was made up a moment before; what a client says of itself changes each time, and who is
    to be refused comes as a known program, as an unknown one and as one that says nothing.
    """

    kind: Literal["sql"]
    engine: Literal["mariadb", "postgresql"]
    """What the server speaks; mariadb stands for MySQL too, without TLS in either case."""
    logins: Annotated[tuple[SqlLogin, ...], Field(min_length=1, max_length=20)]
    """Logins in order, each on a connection of its own."""
    timeout_seconds: Annotated[float, Field(gt=0, le=15)] = 5.0
    """How long one login and its question may take."""

    def judge(self, probe: Probe, *, objective: str = "") -> Judgement:
        exchanges = [
            (login.name, partial(self._tried, login=login, program=program))
            for login in self.logins
            for program in _programs(login)
        ]
        return self.talked(probe, exchanges, seconds=self.timeout_seconds)

    def _tried(self, wire: Wire, login: SqlLogin, program: str) -> str:
        speak = MariaDb if self.engine == "mariadb" else PostgreSql
        client: Client = speak(wire, program)
        word = nonce()
        password = filled(login.password, {"nonce": word})
        try:
            client.log_in(login.account, password, login.database)
        except Denied as error:
            if login.expect == "refused":
                return ""
            raise Unlike("login-refused", f"is refused: {error}") from error
        except OddLogin as error:
            raise Unlike("login-method-unknown", f"the server wants {error}") from error
        if not _works(client):
            return "the server cannot work out a simple question"
        if login.expect == "refused":
            raise Unlike("login-accepted", "gets in")
        return _asked(client, login, word)


def _programs(login: SqlLogin) -> list[str]:
    """Return what clients call themselves that log in; an empty name says nothing.

    Who is to be refused comes as each sort: a server may turn away those it knows graders by.
    """
    said = [secrets.choice(PROGRAMS), "", secrets.token_hex(4)]
    return said if login.expect == "refused" else [secrets.choice(said)]


def _asked(client: Client, login: SqlLogin, word: str) -> str:
    if login.query is None:
        return ""
    try:
        rows = client.ask(filled(login.query, {"nonce": word}))
    except Denied as error:
        return "" if login.denied else f"may not ask: {error}"
    return "may ask" if login.denied else login.difference(rows, word)


def _works(client: Client) -> bool:
    """Tell whether a server works out what nobody can have prepared."""
    one, other = secrets.randbelow(30_000), secrets.randbelow(30_000)
    left, right = nonce(), nonce()
    try:
        rows = client.ask(f"SELECT CONCAT('{left}', '{right}'), {one} + {other}")
    except Denied:
        return False
    return rows == [(left + right, str(one + other))]


def _text(cell: Cell, word: str) -> str | None:
    return None if cell is None else filled(str(cell), {"nonce": word})
