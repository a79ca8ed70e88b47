"""No sandbox starts while the host would be open to it."""

import pytest
from structlog.testing import capture_logs

from range.runtime import host_firewall
from range.runtime.containment.verdict import Outcome, Verdict
from range.sandboxes import probe_record, protection
from range.sandboxes.protection import Protection, Unprotected


class Host:
    """A packet filter in memory."""

    def __init__(self, *, missing=(), is_closed_to_us=False):
        self.missing = list(missing)
        self.is_closed_to_us = is_closed_to_us
        self.looks = 0

    def verify(self):
        self.looks += 1
        if self.is_closed_to_us:
            raise host_firewall.FirewallUnavailable("only root may change it")
        return list(self.missing)

    def install(self):
        added, self.missing = self.missing, []
        return added


@pytest.fixture
def host(monkeypatch, settings, state_dir):
    settings.RANGE_DRIVER = "docker"

    def make(**state):
        made = Host(**state)
        monkeypatch.setattr(protection.host_firewall, "verify", made.verify)
        monkeypatch.setattr(protection.host_firewall, "install", made.install)
        return made

    return make


def test_missing_rules_are_put_in_place(host):
    filter_ = host(missing=["INPUT -i rng-+ -j DROP"])
    Protection().ensure()
    assert filter_.missing == []


def test_rules_that_are_there_are_not_looked_at_for_every_launch(host):
    filter_ = host()
    guard = Protection()
    guard.ensure()
    guard.ensure()
    assert filter_.looks == 1


def test_rules_that_somebody_flushed_are_put_back_a_little_later(host):
    filter_ = host()
    guard = Protection()
    guard.ensure()
    filter_.missing = ["INPUT -i rng-+ -j DROP"]
    guard._good_until = 0.0
    guard.ensure()
    assert filter_.missing == []


def test_it_refuses_when_the_rules_cannot_be_set(host):
    host(is_closed_to_us=True)
    with pytest.raises(Unprotected) as refused:
        Protection().ensure()
    assert (refused.value.reason, refused.value.retryable) == ("unprotected", True)
    assert "doctor" in refused.value.message


def test_a_refusal_is_not_remembered(host):
    filter_ = host(is_closed_to_us=True)
    guard = Protection()
    with pytest.raises(Unprotected):
        guard.ensure()
    filter_.is_closed_to_us = False
    guard.ensure()
    assert filter_.looks == 2


def test_an_operator_may_override_it(host, settings):
    settings.RANGE_ALLOW_UNPROTECTED = True
    host(is_closed_to_us=True)
    Protection().ensure()


def test_a_driver_without_containers_needs_no_rules(host, settings):
    settings.RANGE_DRIVER = "fake"
    filter_ = host(is_closed_to_us=True)
    Protection().ensure()
    assert filter_.looks == 0


# --- probes ---------------------------------------------------------------------------------------


def found(state_dir, outcome, **changes):
    values = {"probe": "host-by-raw-frame", "detail": "arrived", "critical": True} | changes
    probe_record.remember(state_dir, [Verdict(outcome=outcome, **values)], cause="doctor")


def test_nothing_starts_while_a_critical_probe_gets_out(host, state_dir):
    host()
    guard = Protection()
    guard.ensure()
    found(state_dir, Outcome.OPEN)
    with pytest.raises(Unprotected) as refused:
        guard.ensure()
    assert (refused.value.reason, refused.value.retryable) == ("unprotected", True)
    assert "host-by-raw-frame" in refused.value.message
    assert "manage.py doctor --probe" in refused.value.message


def test_launches_go_on_as_soon_as_a_run_finds_it_closed(host, state_dir):
    host()
    found(state_dir, Outcome.OPEN)
    guard = Protection()
    with pytest.raises(Unprotected):
        guard.ensure()
    found(state_dir, Outcome.CLOSED)
    guard.ensure()


@pytest.mark.parametrize("changes", [{"critical": False}, {"unproven": True}])
def test_what_is_not_critical_or_not_proven_refuses_nobody(host, state_dir, changes):
    host()
    found(state_dir, Outcome.OPEN, **changes)
    Protection().ensure()


def test_an_operator_may_override_probes_and_each_launch_is_logged(host, state_dir, settings):
    settings.RANGE_ALLOW_UNPROTECTED = True
    host()
    found(state_dir, Outcome.OPEN)
    with capture_logs() as logs:
        Protection().ensure()
        Protection().ensure()
    told = [line for line in logs if line["event"] == "protection.overridden"]
    assert len(told) == 2
    assert "host-by-raw-frame" in told[0]["detail"]


def test_a_driver_without_containers_heeds_no_probes(host, state_dir, settings):
    settings.RANGE_DRIVER = "fake"
    host()
    found(state_dir, Outcome.OPEN)
    Protection().ensure()


def test_probes_are_heeded_without_looking_at_the_rules_again(host, state_dir):
    filter_ = host()
    found(state_dir, Outcome.CLOSED)
    guard = Protection()
    for _ in range(100):
        guard.ensure()
    assert filter_.looks == 1
