"""No sandbox starts while the host would be open to it."""

import pytest

from range.runtime import host_firewall
from range.sandboxes import protection
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
def host(monkeypatch, settings):
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
