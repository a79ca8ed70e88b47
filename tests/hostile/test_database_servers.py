"""A trainee's database server is an enemy of the check: it stays bounded and is never met."""

import struct
import time

import pytest

from range.checks.sql import SqlCheck
from tests.checks.database_servers import Maria, Postgres
from tests.checks.support import FakeProbe
from tests.hostile.services import Played, bounded, dice, drip, flood, mutated, never_met

STEPS = 10_000
QUESTION = "SELECT name FROM people"
ENGINES = {"mariadb": Maria, "postgresql": Postgres}
ROW = {"mariadb": b"\1a", "postgresql": struct.pack("!HI", 1, 1) + b"a"}


def check(engine, *, seconds=5, **login):
    app = {"name": "app", "account": "app", "password": "secret"}
    asked = {"query": QUESTION, "min_rows": 0} if not login else {}
    return SqlCheck.model_validate(
        {
            "kind": "sql",
            "from": "lan",
            "to": "db:1",
            "engine": engine,
            "timeout_seconds": seconds,
            "logins": [app | asked | login],
        }
    )


@pytest.fixture
def probe():
    return FakeProbe()


@pytest.fixture(params=sorted(ENGINES))
def engine(request):
    return request.param


def answering(engine, answer):
    """Return an honest server that answers the one question in a way of its own."""

    class Hostile(ENGINES[engine]):
        def answer(self, query):
            if query == QUESTION:
                answer(self)
            else:
                super().answer(query)

    return Hostile()


def begun(server, engine):
    """Begin rows of one column."""
    if engine == "mariadb":
        for message in (b"\1", b"\3def" + bytes(20), b"\xfe\0\0\2\0"):
            server.say(message)
    else:
        server.say(b"1", b"")
        server.say(b"2", b"")


def test_endless_rows(probe, engine):
    def answer(server):
        begun(server, engine)
        while True:
            server.say(*([] if engine == "mariadb" else [b"D"]), ROW[engine])

    probe.serve("db", 1, answering(engine, answer))
    with bounded(seconds=5):
        assert "more than 200 rows" in never_met(check(engine), probe).excerpt


def test_endless_columns_and_rows_as_large_as_can_be(probe, engine):
    def answer(server):
        if engine == "mariadb":
            server.say(b"\xfe" + b"\xff" * 8)
        else:
            server.say(b"D", b"\xff\xff" + bytes(60_000))
        flood(server.connection, bytes(65_536))

    probe.serve("db", 1, answering(engine, answer))
    with bounded(seconds=5):
        assert "columns" in never_met(check(engine), probe).excerpt


@pytest.mark.parametrize("length", [0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 24, 3])
def test_a_message_of_a_gigabyte_is_not_read(probe, engine, length):
    def service(connection):
        if engine == "mariadb":
            connection.sendall((length & 0xFFFFFF).to_bytes(3, "little") + b"\0")
        else:
            connection.sendall(b"R" + struct.pack("!I", length))
        flood(connection, bytes(65_536))

    probe.serve("db", 1, service)
    with bounded(seconds=5):
        never_met(check(engine), probe)


def test_a_greeting_without_end_is_not_read(probe, engine):
    probe.serve("db", 1, lambda connection: flood(connection, b"N\0\0\0\x04" * 10_000))
    with bounded(seconds=10):
        never_met(check(engine), probe)


def test_a_slow_drip_is_waited_for_no_longer_than_said(probe, engine):
    begin = b"\x4a\0\0\0\x0a" if engine == "mariadb" else b"R\0\0\0\x4a"
    probe.serve("db", 1, lambda connection: drip(connection, begin + bytes(500)))
    with bounded(seconds=5):
        said = never_met(check(engine, seconds=1), probe).excerpt
    assert "too slow" in said or "timed out" in said


def test_a_request_for_a_local_file_gets_none(probe):
    heard = []

    def answer(server):
        server.say(b"\xfb/etc/passwd")
        heard.append(server.connection.recv(65_536))

    probe.serve("db", 1, answering("mariadb", answer))
    assert "asks for a local file" in never_met(check("mariadb"), probe).excerpt
    deadline = time.monotonic() + 5
    while not heard and time.monotonic() < deadline:
        time.sleep(0.01)
    assert heard == [b""]


@pytest.mark.parametrize("kind", [b"G", b"H", b"W", b"T", b"?"])
def test_a_request_to_copy_gets_nothing(probe, kind):
    heard = []

    def answer(server):
        server.say(kind, b"\0\0\0")
        heard.append(server.connection.recv(65_536))

    probe.serve("db", 1, answering("postgresql", answer))
    assert "a message" in never_met(check("postgresql"), probe).excerpt


@pytest.mark.parametrize(
    ("engine", "challenge"),
    [
        ("postgresql", b"r=a"),
        ("postgresql", b"r={nonce}x,s=!!!,i=4096"),
        ("postgresql", b"r={nonce}x,s=AAAA,i=-1"),
        ("postgresql", b"r={nonce}x,s=AAAA,i=100001"),
        ("postgresql", "r={nonce}x,s=AAAA,i=\u0661\u0662".encode()),
        ("postgresql", b"\xff\xfe" * 100),
    ],
)
def test_a_challenge_that_costs_or_makes_no_sense_is_unmet(probe, engine, challenge):
    class Hostile(Postgres):
        def scram(self, account, password):
            self.say(b"R", struct.pack("!I", 10) + b"SCRAM-SHA-256\0\0")
            nonce = self.heard()[1].rpartition(b"r=")[2]
            told = challenge.replace(b"{nonce}", nonce)
            self.say(b"R", struct.pack("!I", 11) + told)
            self.say(b"R", struct.pack("!I", 12) + b"v=")
            return True

    probe.serve("db", 1, Hostile())
    with bounded(seconds=3):
        never_met(check(engine), probe)


class Recorder:
    """Stands between an honest server and its client, and keeps each message of the server."""

    def __init__(self, connection):
        self.said = []
        self.recv = connection.recv
        self._connection = connection

    def sendall(self, data):
        self.said.append(data)
        self._connection.sendall(data)


def recorded(engine):
    """Return what an honest server says in a conversation, message by message."""
    probe, recorders = FakeProbe(), []

    def service(connection):
        recorders.append(Recorder(connection))
        way = {} if engine == "mariadb" else {"way": "md5"}
        ENGINES[engine](answers=lambda query: [("ann",), (None,)], **way)(recorders[-1])

    probe.serve("db", 1, service)
    check(engine).judge(probe)
    return recorders[0].said


def misread(messages, engine, chance):
    """Return a recording with changes: of any bytes, or inside of messages whose lengths fit."""
    if chance.random() < 0.3:
        return mutated(b"".join(messages), chance)
    changed = list(messages)
    at = chance.randrange(len(changed))
    head, body = (4, changed[at][4:]) if engine == "mariadb" else (5, changed[at][5:])
    body = mutated(body, chance)
    if engine == "mariadb":
        changed[at] = len(body).to_bytes(3, "little") + changed[at][3:head] + body
    else:
        changed[at] = changed[at][:1] + struct.pack("!I", len(body) + 4) + body
    if chance.random() < 0.2:
        changed.insert(at, changed[chance.randrange(len(changed))])
    return b"".join(changed)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("expect", ["accepted", "refused"])
def test_ten_thousand_conversations_with_mistakes_are_never_met(engine, expect):
    """Whoever is expected to be refused is so only by a refusal that the server does say."""
    messages, chance, probe = recorded(engine), dice(f"{engine} {expect}"), Played()
    asked = check(engine) if expect == "accepted" else check(engine, expect="refused")
    slowest, refused = 0.0, 0
    for _ in range(STEPS // 2):
        probe.script = misread(messages, engine, chance)
        began = time.monotonic()
        judged = asked.judge(probe)
        slowest = max(slowest, time.monotonic() - began)
        refused += judged.outcome.value == "MET"
        assert judged.outcome.value != "INCONCLUSIVE"
    print(f"\nslowest {slowest * 1000:.1f} ms, {refused} refusals by chance")
    assert refused == 0 or expect == "refused"
    assert refused < STEPS / 100
    assert slowest < 5
