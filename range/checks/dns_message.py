"""DNS messages as bytes: a question written, an answer read; bounded whatever is in it."""

import ipaddress
import secrets
import struct
from collections.abc import Iterator
from dataclasses import dataclass

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "AXFR": 252}
STATUSES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
ANSWER_LIMIT = 200
_HEADER = struct.Struct("!6H")
_RECORD = struct.Struct("!HHIH")


class Malformed(Exception):
    """What came is no answer to the question."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server answered.

    Args:
        values: Of the records of the type asked for that belong to the name asked for, or to
            what it is an alias of, as zone files write them, in lower case.
        is_cut: Whether there is more, to be asked for over TCP.
    """

    status: str
    values: frozenset[str]
    is_authoritative: bool
    is_cut: bool = False


def question(name: str, kind: str, *, recursive: bool) -> tuple[bytes, bytes]:
    """Return a message that asks, and the question in it, its letters in random case."""
    # Whoever answers must repeat the name as it was asked: nobody can have prepared that.
    mixed = "".join(secrets.choice((c.lower(), c.upper())) for c in name.rstrip("."))
    labels = [label.encode("ascii") for label in _labels(mixed)]
    asked = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    asked += struct.pack("!HH", TYPES[kind], 1)
    flags = 0x0100 if recursive else 0
    return _HEADER.pack(secrets.randbelow(1 << 16), flags, 1, 0, 0, 0) + asked, asked


def read_answer(message: bytes, sent: bytes, asked: bytes, kind: str) -> Answer:
    """Return what a server answered to a question.

    Raises:
        Malformed: It is no answer to this question.
    """
    try:
        number, flags, questions, records, _, _ = _HEADER.unpack_from(message)
        repeated = message[_HEADER.size : _HEADER.size + len(asked)]
        if number != _HEADER.unpack_from(sent)[0] or not flags & 0x8000 or questions != 1:
            raise Malformed("it answers another question")
        if repeated != asked:
            raise Malformed("the question is not repeated as it was asked")
        at = _HEADER.size + len(asked)
        wanted = TYPES[kind]
        name = _name(message, _HEADER.size)[0]
        values = frozenset(_values(message, at, min(records, ANSWER_LIMIT), wanted, name))
    except (struct.error, IndexError, ValueError) as error:
        raise Malformed("it cannot be read") from error
    status = STATUSES.get(flags & 15, str(flags & 15))
    return Answer(
        status=status,
        values=values,
        is_authoritative=bool(flags & 0x0400),
        is_cut=bool(flags & 0x0200),
    )


def _values(message: bytes, at: int, count: int, wanted: int, name: str) -> Iterator[str]:
    """Yield what counts; a client follows aliases from the name it asked for, and nothing else."""
    names = {name}
    for _ in range(count):
        owner, at = _name(message, at)
        kind, _, _, length = _RECORD.unpack_from(message, at)
        at += _RECORD.size
        if at + length > len(message):
            raise ValueError("a record beyond the end")
        if wanted == TYPES["AXFR"] or (kind == wanted and owner in names):
            yield _value(message, at, length, kind)
        if kind == TYPES["CNAME"] and owner in names:
            names.add(_name(message, at)[0])
        at += length


def _value(message: bytes, at: int, length: int, kind: int) -> str:
    data = message[at : at + length]
    if kind in (TYPES["A"], TYPES["AAAA"]):
        return str(ipaddress.ip_address(data))
    if kind in (TYPES["NS"], TYPES["CNAME"], TYPES["PTR"]):
        return _name(message, at)[0]
    if kind == TYPES["MX"]:
        return f"{int.from_bytes(data[:2])} {_name(message, at + 2)[0]}"
    if kind == TYPES["TXT"]:
        return b"".join(_strings(data)).decode("utf-8", "replace").lower()
    return data.hex()


def _strings(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        yield data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]


def _name(message: bytes, at: int) -> tuple[str, int]:
    labels: list[str] = []
    after = -1
    for _ in range(128):
        length = message[at]
        if length >= 0xC0:
            after = at + 2 if after < 0 else after
            at = int.from_bytes(message[at : at + 2]) & 0x3FFF
        elif length == 0:
            return ".".join(labels).lower(), at + 1 if after < 0 else after
        else:
            labels.append(message[at + 1 : at + 1 + length].decode("latin-1"))
            at += 1 + length
    raise ValueError("a name without end")


def _labels(name: str) -> list[str]:
    labels = name.split(".")
    if not all(0 < len(label) < 64 for label in labels) or len(name) > 253:
        raise ValueError(f"{name!r} is no name")
    return labels
