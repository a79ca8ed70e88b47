"""Speaks to a MariaDB or MySQL server: logs in, asks one question, gives nothing else away.

It offers neither local files nor several statements at once, so that a server cannot ask for them.
"""

import hashlib
import secrets
import struct
from collections.abc import Iterator

from range.checks.sql_client import (
    COLUMNS_LIMIT,
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

# Source: MariaDB Server documentation, "Connection phase" and "Result set packets".
LONG_PASSWORD, LONG_FLAG, WITH_DATABASE = 1, 1 << 2, 1 << 3
PROTOCOL_41, TRANSACTIONS, SECURE, PLUGINS, ATTRIBUTES = 1 << 9, 1 << 13, 1 << 15, 1 << 19, 1 << 20
OFFERED = LONG_PASSWORD | LONG_FLAG | PROTOCOL_41 | TRANSACTIONS | SECURE | PLUGINS
UTF8MB4 = 45
OK, SWITCH, END, LOCAL_FILE, ERROR = 0x00, 0xFE, 0xFE, 0xFB, 0xFF
QUERY = 3
NATIVE = "mysql_native_password"
# Wrong password or host, no such database for the account, locked, expired.
NO_LOGIN = frozenset({1044, 1045, 1130, 1698, 1862, 3118, 4151})
NO_RIGHT = frozenset({1044, 1142, 1143, 1227, 1345, 1370})


class MariaDb:
    """A conversation with a MariaDB or MySQL server.

    Args:
        program: What the client calls itself; nothing is said of it when empty.
    """

    def __init__(self, wire: Wire, program: str = "") -> None:
        self._wire = wire
        self._program = program
        self._number = 0

    def log_in(self, account: str, password: str, database: str) -> None:
        """Log in with the password's digest; the password itself is never sent."""
        greeting = self._message()
        _refuse(greeting, NO_LOGIN)
        plugin, salt = _greeted(greeting)
        answer = _proof(password, salt) if plugin == NATIVE else b""
        self._send(_response(account, answer, database, self._program))
        told = self._message()
        if told[:1] == bytes([SWITCH]):
            self._send(_proof(password, _switched(told)))
            told = self._message()
        _refuse(told, NO_LOGIN)
        if told[:1] != bytes([OK]):
            raise OddLogin("a further step to log in")
        for setting in ("TRANSACTION READ ONLY", f"sql_select_limit={ROWS_LIMIT + 1}"):
            self._rows(f"SET SESSION {setting}", frozenset())

    def ask(self, query: str) -> list[Row]:
        """Ask one question, in a transaction that cannot write."""
        return self._rows(query, NO_RIGHT)

    def _rows(self, query: str, denied: frozenset[int]) -> list[Row]:
        self._number = 0
        self._send(bytes([QUERY]) + query.encode())
        told = self._message()
        _refuse(told, denied)
        if told[:1] == bytes([OK]):
            return []
        if told[:1] == bytes([LOCAL_FILE]):
            raise strange("it asks for a local file")
        columns = _length(Fields(told))
        if not 1 <= columns <= COLUMNS_LIMIT:
            raise strange(f"{columns} columns")
        for _ in range(columns):
            self._message()
        if not _is_end(self._message()):
            raise strange("columns without end")
        return list(self._each_row(columns))

    def _each_row(self, columns: int) -> Iterator[Row]:
        for _ in range(ROWS_LIMIT + 1):
            told = self._message()
            if _is_end(told):
                return
            _refuse(told, NO_RIGHT)
            fields = Fields(told)
            row = tuple(_cell(fields) for _ in range(columns))
            if fields:
                raise strange("a row with more than its columns")
            yield row
        raise WireEnded(f"more than {ROWS_LIMIT} rows")

    def _message(self) -> bytes:
        head = self._wire.exactly(4)
        if head[3] != self._number:
            raise strange("messages out of order")
        self._number = (self._number + 1) & 0xFF
        return message_from(self._wire, int.from_bytes(head[:3], "little")).rest()

    def _send(self, data: bytes) -> None:
        self._wire.send(len(data).to_bytes(3, "little") + bytes([self._number]) + data)
        self._number = (self._number + 1) & 0xFF


def _greeted(message: bytes) -> tuple[str, bytes]:
    """Return the way to log in that a greeting proposes, and its salt."""
    fields = Fields(message)
    if fields.number(1) != 10:
        raise strange("another protocol")
    fields.word()
    fields.take(4)
    salt = fields.take(8)
    # A filler, the lower half of what it can, character set, status, the upper half.
    fields.take(8)
    length = fields.number(1)
    fields.take(10)
    salt += fields.take(max(13, length - 8))
    return fields.word(), salt[:20]


def _response(account: str, answer: bytes, database: str, program: str) -> bytes:
    offered = OFFERED | (WITH_DATABASE if database else 0) | (ATTRIBUTES if program else 0)
    head = struct.pack("<IIB23x", offered, 1 << 24, UTF8MB4)
    names = account.encode() + b"\0" + bytes([len(answer)]) + answer
    if database:
        names += database.encode() + b"\0"
    whole = head + names + NATIVE.encode() + b"\0"
    if not program:
        return whole
    attributes = {
        "_os": "Linux",
        "_client_name": "libmariadb",
        "_pid": str(secrets.randbelow(60_000) + 400),
        "program_name": program,
    }
    said = b"".join(_counted(word) for pair in attributes.items() for word in pair)
    return whole + bytes([len(said)]) + said


def _counted(word: str) -> bytes:
    return bytes([len(word)]) + word.encode()


def _switched(message: bytes) -> bytes:
    """Return the salt of a server that asks for another way to log in."""
    fields = Fields(message[1:])
    plugin = fields.word() if fields else "mysql_old_password"
    if plugin != NATIVE:
        raise OddLogin(f"the way to log in that is called {plugin[:40]!r}")
    return fields.rest()[:20]


def _proof(password: str, salt: bytes) -> bytes:
    """Return what proves to know a password. Source: MariaDB, mysql_native_password."""
    if not password:
        return b""
    once = _sha1(password.encode())
    mask = _sha1(salt + _sha1(once))
    return bytes(one ^ other for one, other in zip(once, mask, strict=True))


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


def _refuse(message: bytes, denied: frozenset[int]) -> None:
    """Raise what an error message means; nothing for another message."""
    if message[:1] != bytes([ERROR]):
        return
    fields = Fields(message[1:])
    code, text = fields.number(2, little=True), shown(fields.rest())
    if code in denied:
        raise Denied(str(code), text)
    raise WireEnded(f"error {code} {text[:160]}")


def _is_end(message: bytes) -> bool:
    return message[:1] == bytes([END]) and len(message) < 9


def _cell(fields: Fields) -> str | None:
    length = _length(fields, nothing=True)
    return None if length < 0 else shown(fields.take(length))


def _length(fields: Fields, *, nothing: bool = False) -> int:
    """Return a length of one to nine bytes; -1 for no value, where that may stand."""
    first = fields.number(1)
    if first < LOCAL_FILE:
        return first
    if first == LOCAL_FILE and nothing:
        return -1
    sizes = {0xFC: 2, 0xFD: 3, 0xFE: 8}
    if first not in sizes:
        raise strange("a length that cannot be")
    return fields.number(sizes[first], little=True)
