"""Speaks to a PostgreSQL server: logs in by SCRAM or MD5, asks one question; all bounded."""

import base64
import hashlib
import hmac
import secrets
import struct

from range.checks.sql_client import (
    COLUMNS_LIMIT,
    MESSAGES_LIMIT,
    ROWS_LIMIT,
    Denied,
    Fields,
    OddLogin,
    Row,
    message_from,
    shown,
    strange,
)
from range.checks.wire import Wire, WireEnded

# Source: PostgreSQL documentation, "Frontend/Backend Protocol", version 3.0.
VERSION = 196_608
# Said at any time, and nothing to us: notices, settings, a key to cancel with, versions.
ASIDES = frozenset(b"NSKv")
AUTHENTICATION, FAILURE, READY, ROW = b"R", b"E", b"Z", b"D"
LOGGED_IN, MD5, SASL, SASL_GOES_ON, SASL_ENDS = 0, 5, 10, 11, 12
SCRAM = "SCRAM-SHA-256"
# A server chooses how much work a login is; its own default is 4096.
ROUNDS_LIMIT = 100_000
# No such way in or wrong password; no right to connect to the database.
NO_LOGIN = frozenset({"28000", "28P01", "42501"})
NO_RIGHT = frozenset({"42501"})


class PostgreSql:
    """A conversation with a PostgreSQL server.

    Args:
        program: What the client calls itself; nothing is said of it when empty.
    """

    def __init__(self, wire: Wire, program: str = "") -> None:
        self._wire = wire
        self._program = program
        self._left = MESSAGES_LIMIT

    def log_in(self, account: str, password: str, database: str) -> None:
        """Log in; the password itself is never sent."""
        said = {
            "user": account,
            "database": database or account,
            "client_encoding": "UTF8",
            # What the server is asked to keep to, before anybody can ask it anything.
            "default_transaction_read_only": "on",
            "statement_timeout": str(int(self._wire.left() * 1000)),
        }
        if self._program:
            said["application_name"] = self._program
        words = b"".join(f"{key}\0{value}\0".encode() for key, value in said.items())
        self._wire.send(struct.pack("!II", len(words) + 9, VERSION) + words + b"\0")
        scram = _Scram(password)
        while True:
            kind, fields = self._message(NO_LOGIN)
            if kind == READY:
                if not scram.is_begun or scram.is_proven:
                    return
                raise strange("a login that the server did not prove")
            if kind != AUTHENTICATION:
                raise strange(f"a message {kind!r} during login")
            self._answer(fields, scram, account, password)

    def _answer(self, fields: Fields, scram: "_Scram", account: str, password: str) -> None:
        step = fields.number(4)
        if step == MD5:
            inner = _md5(password.encode() + account.encode())
            self._send(b"p", b"md5" + _md5(inner + fields.take(4)) + b"\0")
        elif step == SASL:
            if SCRAM not in shown(fields.rest()).split("\0"):
                raise OddLogin("a way to log in other than SCRAM-SHA-256")
            first = scram.first()
            self._send(b"p", SCRAM.encode() + b"\0" + struct.pack("!I", len(first)) + first)
        elif step == SASL_GOES_ON:
            self._send(b"p", scram.final(fields.rest()))
        elif step == SASL_ENDS:
            scram.prove(fields.rest())
        elif step != LOGGED_IN:
            raise OddLogin(f"the way to log in with the number {step}")

    def ask(self, query: str) -> list[Row]:
        """Ask one question, in a transaction that cannot write."""
        bound = struct.pack("!BBHHHH", 0, 0, 0, 0, 1, 0)
        self._send(b"P", b"\0" + query.encode() + b"\0" + struct.pack("!H", 0))
        self._send(b"B", bound)
        self._send(b"E", b"\0" + struct.pack("!I", ROWS_LIMIT + 1))
        self._send(b"S", b"")
        rows: list[Row] = []
        while True:
            kind, fields = self._message(NO_RIGHT)
            if kind == READY:
                return rows
            if kind == ROW:
                rows.append(_row(fields))
            elif kind not in (b"1", b"2", b"C", b"I", b"s"):
                raise strange(f"a message {kind!r} for a question")
            if len(rows) > ROWS_LIMIT:
                raise WireEnded(f"more than {ROWS_LIMIT} rows")

    def _message(self, denied: frozenset[str]) -> tuple[bytes, Fields]:
        """Return the next message that is no aside; raise what an error means."""
        while self._left:
            self._left -= 1
            kind, length = struct.unpack("!cI", self._wire.exactly(5))
            fields = message_from(self._wire, length - 4)
            if kind == FAILURE:
                raise _failure(fields, denied)
            if kind[0] not in ASIDES:
                return kind, fields
        raise strange("messages without end")

    def _send(self, kind: bytes, data: bytes) -> None:
        self._wire.send(kind + struct.pack("!I", len(data) + 4) + data)


class _Scram:
    """One login by SCRAM-SHA-256. Source: RFC 5802 and RFC 7677."""

    def __init__(self, password: str) -> None:
        self._password = password.encode()
        self._nonce = secrets.token_urlsafe(18)
        self._bare = f"n=,r={self._nonce}"
        self._wanted = b""
        self.is_begun = False
        self.is_proven = False

    def first(self) -> bytes:
        """Return the first message."""
        self.is_begun = True
        return f"n,,{self._bare}".encode()

    def final(self, told: bytes) -> bytes:
        """Return the proof for a server's challenge.

        Raises:
            WireEnded: It is no challenge, or asks for too much work.
        """
        text = shown(told)
        parts = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
        nonce, rounds = parts.get("r", ""), parts.get("i", "")
        if not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise strange("somebody else's challenge")
        if not rounds.isascii() or not rounds.isdigit() or len(rounds) > 6:
            raise strange("a challenge without a number of rounds")
        if not 1 <= int(rounds) <= ROUNDS_LIMIT:
            raise strange(f"a challenge of {rounds} rounds")
        salted = hashlib.pbkdf2_hmac("sha256", self._password, _decoded(parts), int(rounds))
        key = _hmac(salted, b"Client Key")
        without = f"c=biws,r={nonce}"
        signed = f"{self._bare},{text},{without}".encode()
        self._wanted = _hmac(_hmac(salted, b"Server Key"), signed)
        mask = _hmac(hashlib.sha256(key).digest(), signed)
        proof = bytes(one ^ other for one, other in zip(key, mask, strict=True))
        return f"{without},p={base64.b64encode(proof).decode()}".encode()

    def prove(self, told: bytes) -> None:
        """Take the server's own proof: it must know the password's digest too.

        Raises:
            WireEnded: It does not.
        """
        wanted = b"v=" + base64.b64encode(self._wanted)
        if not self._wanted or not hmac.compare_digest(told, wanted):
            raise strange("a server that does not know the account")
        self.is_proven = True


def _decoded(parts: dict[str, str]) -> bytes:
    try:
        return base64.b64decode(parts.get("s", ""), validate=True)
    except ValueError as error:
        raise strange("a challenge without salt") from error


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).hexdigest().encode()


def _row(fields: Fields) -> Row:
    count = fields.number(2)
    if count > COLUMNS_LIMIT:
        raise strange(f"{count} columns")
    cells = []
    for _ in range(count):
        length = fields.number(4)
        cells.append(None if length == 0xFFFF_FFFF else shown(fields.take(length)))
    return tuple(cells)


def _failure(fields: Fields, denied: frozenset[str]) -> Exception:
    told: dict[str, str] = {}
    while fields and (kind := fields.take(1)) != b"\0":
        told[shown(kind)] = fields.word()
    code, text = told.get("C", "")[:5], told.get("M", "")
    if code in denied:
        return Denied(code, text)
    return WireEnded(f"error {code} {text[:160]}")
