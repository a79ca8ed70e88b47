"""A trainee's SSH server is an enemy of the check: it stays bounded and is never met."""

import asyncio
import gc
import os
import resource
import struct
import time

import asyncssh
import pytest
from asyncssh.packet import String

from range.checks.ssh import SshCheck
from tests.checks.ssh_servers import Door, SshServer
from tests.checks.support import FakeProbe
from tests.hostile.services import Played, bounded, dice, drip, flood, mutated, never_met

STEPS = 10_000
IS_FULL = "MUSTER_TEST_FULL" in os.environ
EXCHANGES = STEPS if IS_FULL else STEPS // 5
# Each packet costs a login or two: all of them take five minutes.
PACKETS = STEPS if IS_FULL else STEPS // 10
VERSION = b"SSH-2.0-OpenSSH_9.2p1\r\n"


def check(*, seconds=5, **login):
    app = {"name": "app", "account": "app", "password": "secret"}
    return SshCheck.model_validate(
        {
            "kind": "ssh",
            "from": "lan",
            "to": "box:22",
            "timeout_seconds": seconds,
            "logins": [app | login],
        }
    )


@pytest.fixture
def probe():
    return FakeProbe()


@pytest.mark.parametrize(
    ("first", "over_and_over"),
    [
        (b"", b"Welcome, whoever you are.\r\n"),
        (b"", b"x" * 65_536),
        (b"", b"\r\n"),
        (b"SSH-2.0-", b"x" * 65_536),
        (VERSION + b"\xff\xff\xff\xff", bytes(65_536)),
        (VERSION + b"\x7f\xff\xff\xff", bytes(65_536)),
        (VERSION + bytes(4), bytes(65_536)),
        # Packets that say nothing: ignore, debug, unimplemented.
        (VERSION, b"\0\0\0\x0c\x06\x02\0\0\0\0" + bytes(6)),
        (VERSION, b"\0\0\0\x0c\x06\x03\0\0\0\0" + bytes(6)),
    ],
    ids=[
        "lines",
        "line",
        "empty-lines",
        "name",
        "length",
        "length-2",
        "zeros",
        "ignore",
        "unknown",
    ],
)
def test_a_greeting_without_end(probe, first, over_and_over):
    def service(connection):
        connection.sendall(first)
        flood(connection, over_and_over)

    probe.serve("box", 22, service)
    with bounded(seconds=60):
        never_met(check(), probe)
        never_met(check(password=None, methods=["password"]), probe)


@pytest.mark.parametrize("begin", [b"", VERSION])
def test_a_slow_drip_is_waited_for_no_longer_than_said(probe, begin):
    probe.serve("box", 22, lambda connection: drip(connection, begin + b"x" * 500))
    with bounded(seconds=10):
        judged = never_met(check(seconds=2), probe)
    assert "too slow" in judged.excerpt


def test_thousands_of_prompts_get_the_password_once(probe, monkeypatch):
    given = []

    def kept(door, username, responses):
        given.extend(responses)
        return "", "", "", [("Password:", False)]

    monkeypatch.setattr(Door, "validate_kbdint_response", kept)
    probe.serve("box", 22, SshServer(methods=["keyboard-interactive"]))
    with bounded(seconds=10):
        never_met(check(), probe)
    assert given == ["secret"]


def test_thousands_of_prompts_that_ask_nothing_are_left(probe, monkeypatch):
    asked = []

    def again(door, username, responses):
        asked.append(responses)
        return "", "Just a moment.", "", []

    monkeypatch.setattr(Door, "validate_kbdint_response", again)
    probe.serve("box", 22, SshServer(methods=["keyboard-interactive"], prompts=[]))
    with bounded(seconds=10):
        never_met(check(), probe)
    assert len(asked) < 20


@pytest.mark.parametrize("prompts", [[("Password:", False), ("Again:", False)]])
def test_two_prompts_at_once_get_nothing(probe, monkeypatch, prompts):
    heard = []
    monkeypatch.setattr(Door, "validate_kbdint_response", lambda *told: heard.append(told))
    probe.serve("box", 22, SshServer(methods=["keyboard-interactive"], prompts=prompts))
    never_met(check(), probe)
    assert heard == []


@pytest.mark.parametrize("size", [10, 30_000, 200_000])
def test_endless_banners(probe, monkeypatch, size):
    def begin_auth(door, username):
        for _ in range(3_000_000 // (size + 100)):
            door.connection.send_packet(53, String("x" * size), String(""))
        return True

    monkeypatch.setattr(Door, "begin_auth", begin_auth)
    probe.serve("box", 22, SshServer())
    with bounded(seconds=20, memory=64 << 20):
        judged = never_met(check(), probe)
    assert len(judged.excerpt) < 1000


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_flood_of_output(probe, stream):
    async def run(process):
        while True:
            getattr(process, stream).write("y\n" * 5000)
            await getattr(process, stream).drain()

    probe.serve("box", 22, SshServer(run=run))
    with bounded(seconds=60):
        judged = never_met(check(run="yes"), probe)
    assert "prints more than" in judged.excerpt


@pytest.mark.parametrize("kind", [80, 90])
def test_a_server_that_asks_for_things_gets_none(probe, monkeypatch, kind):
    """Global requests, and channels that a client should open, such as the agent's."""
    wished = {
        80: [String(b"hostkeys-00@openssh.com"), b"\1", String(b"x" * 500)],
        90: [String(b"auth-agent@openssh.com"), struct.pack("!III", 1, 65_536, 32_768)],
    }[kind]
    answers = []

    async def run(process):
        connection = process.channel.get_connection()
        for _ in range(2000):
            connection.send_packet(kind, *wished)
        await asyncio.sleep(90)

    original = asyncssh.SSHServerConnection.process_packet

    def noted(connection, pkttype, *rest):
        answers.append(pkttype)
        return original(connection, pkttype, *rest)

    monkeypatch.setattr(asyncssh.SSHServerConnection, "process_packet", noted)
    probe.serve("box", 22, SshServer(run=run))
    with bounded(seconds=60, memory=64 << 20):
        never_met(check(seconds=3, run="id"), probe)
    assert 91 not in answers
    assert 81 not in answers


def test_keys_exchanged_over_and_over(probe):
    async def run(process):
        for _ in range(3000):
            process.stdout.write("x" * 20)
            await process.stdout.drain()
            await asyncio.sleep(0)
        process.exit(1)

    probe.serve("box", 22, SshServer(run=run, rekey_bytes=1))
    with bounded(seconds=60, memory=64 << 20):
        never_met(check(seconds=4, run="id"), probe)


class Tapped:
    """A probe that keeps what an honest server says."""

    def __init__(self):
        self.said = b""

    def served(self):
        """Return the bytes of a server until it is told who logs in."""
        original = asyncssh.SSHServerConnection._send

        def noted(connection, data):
            self.said += data
            return original(connection, data)

        asyncssh.SSHServerConnection._send = noted
        try:
            probe = FakeProbe()
            probe.serve("box", 22, SshServer())
            check().judge(probe)
        finally:
            asyncssh.SSHServerConnection._send = original
        return self.said


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_thousands_of_key_exchanges_with_mistakes_are_never_met():
    said, chance, probe = Tapped().served(), dice("keys"), Played()
    slowest, before = 0.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    asked = [check(), check(expect="refused"), check(password=None, not_methods=["none"])]
    for step in range(EXCHANGES):
        probe.script = mutated(said[:4000], chance)
        began = time.monotonic()
        never_met(asked[step % 3], probe)
        slowest = max(slowest, time.monotonic() - began)
    gc.collect()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"\nslowest {slowest * 1000:.0f} ms, grown by {grown:.0f} MiB")
    assert slowest < 10
    assert grown < 100


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_thousands_of_packets_with_mistakes_are_never_met(monkeypatch):
    """What a server says once it is trusted to be encrypted: logins, channels, output."""
    chance, changed = dice("packets"), [0]
    original = asyncssh.SSHServerConnection.send_packet

    def send_packet(connection, pkttype, *args, handler=None):
        if connection._send_encryption and chance.random() < 0.5:
            changed[0] += 1
            if chance.random() < 0.2:
                pkttype = chance.randrange(1, 120)
            args = [mutated(b"".join(args), chance)]
        return original(connection, pkttype, *args, handler=handler)

    async def run(process):
        for _ in range(20):
            process.stdout.write("0123456789abcdef\n")
        process.exit(0)

    monkeypatch.setattr(asyncssh.SSHServerConnection, "send_packet", send_packet)
    probe = FakeProbe()
    probe.serve("box", 22, SshServer(run=run, banner="hello", login_timeout=2))
    asked = check(seconds=1, run="id", contains=["^${nonce}$"])
    slowest, judged = 0.0, 0
    while changed[0] < PACKETS:
        began = time.monotonic()
        never_met(asked, probe)
        judged += 1
        slowest = max(slowest, time.monotonic() - began)
    print(f"\n{judged} logins, slowest {slowest * 1000:.0f} ms")
    assert slowest < 10
