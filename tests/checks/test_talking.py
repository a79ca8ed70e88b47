"""What checks that talk to a service share: time in all, shares, reasons."""

import time

from range.checks import talking
from range.checks.base import Outcome
from range.checks.talking import TalkingCheck, Unlike
from range.checks.wire import WireEnded


def judged(probe, *exchanges, seconds=1):
    probe.serve("box", 7, lambda connection: time.sleep(0.05))
    check = TalkingCheck.model_validate({"from": "lan", "to": "box:7"})
    return check.talked(probe, list(exchanges), seconds=seconds)


def raising(error):
    def exchange(wire):
        raise error

    return exchange


def test_what_is_as_wanted_is_met(probe):
    assert judged(probe, ("one", lambda wire: "")).outcome is Outcome.MET


def test_the_first_reason_counts_and_the_score_is_the_share(probe):
    found = judged(
        probe,
        ("fine", lambda wire: ""),
        ("unlike", raising(Unlike("login-refused", "is refused"))),
        ("ended", raising(WireEnded("too slow"))),
        ("other", lambda wire: "is 7"),
    )
    assert (found.outcome, found.reason, found.score) == (Outcome.UNMET, "login-refused", 0.25)
    assert found.excerpt.splitlines() == ["unlike: is refused", "ended: too slow", "other: is 7"]


def test_trap_a_server_that_stalls_every_exchange_gets_no_more_time_for_it(probe, monkeypatch):
    monkeypatch.setattr(talking, "SECONDS_IN_ALL", 0.3)

    def stalled(wire):
        wire.exactly(1)

    probe.serve("box", 7, lambda connection: time.sleep(2))
    check = TalkingCheck.model_validate({"from": "lan", "to": "box:7"})
    began = time.monotonic()
    found = check.talked(probe, [(f"n{i}", stalled) for i in range(20)], seconds=0.2)
    assert time.monotonic() - began < 2
    assert found.outcome is Outcome.UNMET
    assert "n19: no time was left" in found.excerpt
