"""What tests of hostile services share: a probe that hands out sockets, and bounds to keep."""

import random
import socket
import time
import tracemalloc
from contextlib import contextmanager

from range.checks.base import Outcome
from tests.checks.support import FakeProbe

MIB = 1 << 20


class Played(FakeProbe):
    """Every connection finds the same bytes waiting, and then the end."""

    script = b""

    def connect(self, **asked):
        ours, self.theirs = socket.socketpair()
        self.theirs.sendall(self.script)
        self.theirs.shutdown(socket.SHUT_WR)
        return ours


@contextmanager
def bounded(*, seconds, memory=24 * MIB):
    """Fail where the work in it takes longer, or more memory at once."""
    tracemalloc.start()
    began = time.monotonic()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    took = time.monotonic() - began
    print(f"\n{took:.2f} s, {peak / MIB:.1f} MiB")
    assert took < seconds
    assert peak < memory


def flood(connection, data, *, limit=1 << 30):
    """Send the same over and over, until the other side has had enough."""
    sent = 0
    while sent < limit:
        connection.sendall(data)
        sent += len(data)
    raise AssertionError("the other side took everything")


def drip(connection, data, *, every=0.1):
    """Send byte by byte, with a pause after each."""
    for byte in data:
        connection.sendall(bytes([byte]))
        time.sleep(every)


def mutated(data, dice):
    """Return bytes with a few changes of any kind."""
    changed = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 5))):
        at = dice.randrange(len(changed) + 1)
        way = dice.randrange(5)
        if way == 0:
            changed[at : at + 1] = bytes([dice.randrange(256)])
        elif way == 1:
            changed[at:at] = dice.randbytes(dice.randrange(1, 9))
        elif way == 2:
            del changed[at : at + dice.randrange(1, 9)]
        elif way == 3:
            changed[at : at + 4] = dice.choice((b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff\xff\xff"))
        else:
            del changed[at:]
    return bytes(changed)


def never_met(check, probe):
    """Judge, and insist that it is judged and not met."""
    judged = check.judge(probe)
    assert judged.outcome is Outcome.UNMET, judged
    assert len(judged.excerpt) <= 4096
    return judged


def dice(seed):
    return random.Random(seed)
