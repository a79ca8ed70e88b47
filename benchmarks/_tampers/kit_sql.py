"""Runs inside a machine: a small MariaDB server that lies about whom it lets in, and a client.

Usage: kit_sql.py serve PORT HOW, or kit_sql.py login HOST PORT ACCOUNT PASSWORD, which ends with 0
where it gets in and a sum is worked out. HOW is as for kit.py, or one of:
  listed   refuses only clients that bear a name of a list, or any name
  yes      lets everybody in and answers nothing right
  nobody   refuses everybody
  recorded lets everybody in and gives one answer to every question
  hanging  greets, and says no more
  banner   greets as a database, and then with other words
"""

import hashlib
import re
import socket
import struct
import sys

import kit  # type: ignore[import-not-found]

KNOWN = {b"app": b"secret", b"root": b""}
SALT = b"12345678abcdefghijkl"
SUM = re.compile(rb"SELECT CONCAT\('(\w+)', '(\w+)'\), (\d+) \+ (\d+)")


def proof(password: bytes) -> bytes:
    if not password:
        return b""
    once = hashlib.sha1(password, usedforsecurity=False).digest()
    inner = SALT + hashlib.sha1(once, usedforsecurity=False).digest()
    mask = hashlib.sha1(inner, usedforsecurity=False).digest()
    return bytes(one ^ other for one, other in zip(once, mask, strict=True))


class Talk:
    def __init__(self, link: socket.socket) -> None:
        self.link, self.number = link, 0

    def say(self, data: bytes) -> None:
        self.link.sendall(len(data).to_bytes(3, "little") + bytes([self.number % 256]) + data)
        self.number += 1

    def heard(self) -> bytes:
        head = self.link.recv(4, socket.MSG_WAITALL)
        if len(head) < 4:
            raise OSError("the other side has left")
        self.number = head[3] + 1
        return self.link.recv(int.from_bytes(head[:3], "little"), socket.MSG_WAITALL)


def serve(link: socket.socket, peer: str, how: str) -> None:
    talk, good = Talk(link), kit.is_good(how, peer)
    said = b"\x0a11.4-MariaDB\0" + bytes(4) + SALT[:8] + b"\0\xff\xff\x2d\x02\x00\xff\xff\x15"
    talk.say(said + bytes(10) + SALT[8:] + b"\0mysql_native_password\0")
    heard = talk.heard()
    if how == "hanging":
        link.recv(1)
    if how == "banner":
        link.sendall(b"Access denied for user: ERROR 1045 (28000)\r\n" * 9)
        return
    account, _, rest = heard[32:].partition(b"\0")
    named = b"program_name" in heard
    is_right = rest[1 : 1 + rest[0]] == proof(KNOWN.get(account, b"?"))
    closed = good or (how == "listed" and named)
    if how not in ("yes", "recorded") and (
        how == "nobody" or not is_right or (account == b"root" and closed)
    ):
        talk.say(b"\xff\x15\x04#28000Access denied for user")
        return
    talk.say(b"\0\0\0\2\0\0\0")
    while heard := talk.heard():
        answer(talk, heard[1:], how)


def answer(talk: Talk, query: bytes, how: str) -> None:
    found = SUM.fullmatch(query)
    if found is None or how == "yes":
        talk.say(b"\0\0\0\2\0\0\0")
        return
    left, right, one, other = found.groups()
    row = (left + right, str(int(one) + int(other)).encode())
    if how == "recorded":
        row = (b"0123456789abcdef0123456789abcdef", b"4711")
    talk.say(b"\2")
    for _ in row:
        talk.say(b"\3def" + bytes(20))
    talk.say(b"\xfe\0\0\2\0")
    talk.say(b"".join(bytes([len(each)]) + each for each in row))
    talk.say(b"\xfe\0\0\2\0")


def login(host: str, port: str, account: str, password: str = "") -> int:
    """Log in as a client that says nothing of itself."""
    with socket.create_connection((host, int(port)), 3) as link:
        talk = Talk(link)
        talk.heard()
        given = proof(password.encode())
        can = struct.pack("<IIB23x", 1 | 4 | 1 << 9 | 1 << 15 | 1 << 19, 1 << 24, 45)
        name = account.encode() + b"\0" + bytes([len(given)]) + given
        talk.say(can + name + b"mysql_native_password\0")
        if talk.heard()[:1] != b"\0":
            return 1
        talk.number = 0
        talk.say(b"\3SELECT CONCAT('a', 'b'), 1 + 2")
        return 0 if talk.heard()[:1] == b"\2" else 1


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        kit.serve_with(serve, int(sys.argv[2]), sys.argv[3])
    sys.exit(login(*sys.argv[2:]))
