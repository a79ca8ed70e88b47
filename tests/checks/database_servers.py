"""Small honest database servers: they know passwords, and answer what they were taught."""

import base64
import hashlib
import hmac
import re
import struct
from copy import copy

SUM = re.compile(r"SELECT CONCAT\('(\w+)', '(\w+)'\), (\d+) \+ (\d+)")


def worked_out(query):
    """Work out the question that tells a server from a recording."""
    found = SUM.fullmatch(query)
    if found is None:
        return None
    left, right, one, other = found.groups()
    return [(left + right, str(int(one) + int(other)))]


class Server:
    """What both kinds share: who may log in, and what is answered.

    Args:
        known: Passwords by account.
        answers: Returns the rows of a question, or the code of an error.
    """

    def __init__(self, known=None, answers=None, **more):
        self.known = {"app": "secret"} if known is None else known
        self.answers = answers or (lambda query: [])
        self.more = more
        self.asked = []
        self.said_of_clients = []

    def __call__(self, connection):
        # Each connection has a server of its own; what was heard is shared.
        copy(self).serve(connection)

    def answered(self, query):
        self.asked.append(query)
        known = worked_out(query)
        return self.answers(query) if known is None else known


class Maria(Server):
    plugin = b"mysql_native_password"
    challenge = b"12345678abcdefghijkl"

    def serve(self, connection):
        self.connection, self.number = connection, 0
        said = b"\x0a11.4-MariaDB\0" + bytes(4) + self.challenge[:8] + b"\0"
        said += b"\xff\xff\x2d\x02\x00\xff\xff\x15" + bytes(10) + self.challenge[8:] + b"\0"
        self.say(said + self.plugin + b"\0")
        heard = self.heard()
        if "switch" in self.more:
            self.say(b"\xfe" + self.more["switch"] + b"\0" + self.challenge + b"\0")
            proof = self.heard()
        account, _, rest = heard[32:].partition(b"\0")
        if "switch" not in self.more:
            proof = rest[1 : 1 + rest[0]]
        self.said_of_clients.append(re.findall(rb"program_name.([\w-]+)", heard))
        if proof != self.proof(self.known.get(account.decode())):
            self.say(b"\xff\x15\x04#28000Access denied for user")
            return
        self.say(b"\0\0\0\2\0\0\0")
        while heard := self.heard():
            self.answer(heard[1:].decode())

    def proof(self, password):
        if password is None:
            return None
        if not password:
            return b""
        once = hashlib.sha1(password.encode()).digest()
        mask = hashlib.sha1(self.challenge + hashlib.sha1(once).digest()).digest()
        return bytes(a ^ b for a, b in zip(once, mask, strict=True))

    def answer(self, query):
        rows = self.answered(query)
        if isinstance(rows, int):
            return self.say(b"\xff" + rows.to_bytes(2, "little") + b"#42000denied")
        if not rows:
            return self.say(b"\0\0\0\2\0\0\0")
        self.say(bytes([len(rows[0])]))
        for _ in rows[0]:
            self.say(b"\3def" + bytes(20))
        self.say(b"\xfe\0\0\2\0")
        for row in rows:
            self.say(b"".join(self.cell(each) for each in row))
        return self.say(b"\xfe\0\0\2\0")

    @staticmethod
    def cell(value):
        if value is None:
            return b"\xfb"
        data = value.encode()
        return (
            bytes([len(data)]) if len(data) < 251 else b"\xfc" + struct.pack("<H", len(data))
        ) + data

    def say(self, data):
        head = len(data).to_bytes(3, "little") + bytes([self.number % 256])
        self.connection.sendall(head + data)
        self.number += 1

    def heard(self):
        head = self.connection.recv(4)
        if not head:
            return b""
        self.number = head[3] + 1
        return self.connection.recv(int.from_bytes(head[:3], "little"))


class Postgres(Server):
    def serve(self, connection):
        self.connection = connection
        words = connection.recv(1000)[8:].split(b"\0")
        said = dict(zip(words[::2], words[1::2], strict=False))
        self.said_of_clients.append(said.get(b"application_name"))
        account = said[b"user"].decode()
        password = self.known.get(account)
        self.say(b"N", b"SNOTICE\0\0")
        if not getattr(self, self.more.get("way", "scram"))(account, password):
            self.say(b"E", b"SFATAL\0C28P01\0Mpassword authentication failed\0\0")
            return
        self.say(b"R", bytes(4))
        self.say(b"S", b"server_version\x0017\0")
        self.say(b"Z", b"I")
        while True:
            kind, data = self.heard()
            if kind == b"P":
                self.answer(data[1:].split(b"\0")[0].decode())

    def trust(self, account, password):
        return True

    def md5(self, account, password):
        self.say(b"R", struct.pack("!I", 5) + b"salt")
        inner = hashlib.md5(f"{password}{account}".encode()).hexdigest().encode()
        return self.heard()[1] == b"md5" + hashlib.md5(inner + b"salt").hexdigest().encode() + b"\0"

    def clear(self, account, password):
        self.say(b"R", struct.pack("!I", 3))
        return self.heard()[1] == (password or "").encode() + b"\0"

    def scram(self, account, password):
        rounds = self.more.get("rounds", 4096)
        self.say(b"R", struct.pack("!I", 10) + b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0")
        first = self.heard()[1].partition(b"n,,")[2].decode()
        nonce = self.more.get("nonce", first.partition("r=")[2] + "server")
        salt = b"0123456789abcdef"
        challenge = f"r={nonce},s={base64.b64encode(salt).decode()},i={rounds}"
        self.say(b"R", struct.pack("!I", 11) + challenge.encode())
        heard = self.heard()
        without, _, proof = heard[1].decode().rpartition(",p=")
        signed = f"{first},{challenge},{without}".encode()
        salted = hashlib.pbkdf2_hmac("sha256", (password or "?").encode(), salt, min(rounds, 4096))
        key = hmac.digest(salted, b"Client Key", "sha256")
        mask = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
        if bytes(a ^ b for a, b in zip(key, mask, strict=True)) != base64.b64decode(proof):
            return False
        server = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), signed, "sha256")
        if self.more.get("proves", True):
            self.say(b"R", struct.pack("!I", 12) + b"v=" + base64.b64encode(server))
        return True

    def answer(self, query):
        rows = self.answered(query)
        if isinstance(rows, str):
            self.say(b"E", f"SERROR\0C{rows}\0Mpermission denied\0\0".encode())
            return self.say(b"Z", b"I")
        self.say(b"1", b"")
        self.say(b"2", b"")
        for row in rows:
            cells = b"".join(self.cell(each) for each in row)
            self.say(b"D", struct.pack("!H", len(row)) + cells)
        self.say(b"C", b"SELECT 1\0")
        return self.say(b"Z", b"I")

    @staticmethod
    def cell(value):
        if value is None:
            return b"\xff\xff\xff\xff"
        return struct.pack("!I", len(value.encode())) + value.encode()

    def say(self, kind, data):
        self.connection.sendall(kind + struct.pack("!I", len(data) + 4) + data)

    def heard(self):
        head = self.connection.recv(5)
        if not head:
            raise OSError("the client has left")
        length = int.from_bytes(head[1:]) - 4
        return head[:1], self.connection.recv(length) if length else b""
