"""The host's firewall rules: complete, added once, and really there."""

import os

import pytest

from range.runtime import host_firewall
from range.runtime.host_firewall import RULES, FirewallUnavailable, install, verify


class FakeTables:
    """Behaves as iptables does: -C looks, -I adds, -N makes a chain."""

    def __init__(self, *, refuse=()):
        self.rules = set()
        self.chains = {"INPUT", "FORWARD", "PREROUTING"}
        self.refuse = set(refuse)
        self.calls = []

    def __call__(self, argv):
        self.calls.append(list(argv))
        program, _, _, action, chain, *match = argv
        if action in self.refuse:
            return False
        if action == "-N":
            fresh = chain not in self.chains
            self.chains.add(chain)
            return fresh
        if action == "-I":
            self.rules.add((program, chain, *match))
            return chain in self.chains
        return (program, chain, *match) in self.rules


def test_everything_is_missing_on_a_fresh_host():
    assert len(verify(FakeTables())) == len(RULES) + 1


def test_installing_leaves_nothing_missing():
    tables = FakeTables()
    assert install(tables) == [str(rule) for rule in RULES]
    assert verify(tables) == []


def test_installing_again_adds_nothing():
    tables = FakeTables()
    install(tables)
    tables.calls.clear()
    assert install(tables) == []
    assert not [call for call in tables.calls if "-I" in call]


def test_one_removed_rule_is_named_and_added_again():
    tables = FakeTables()
    install(tables)
    tables.rules.discard(("iptables", "INPUT", "-i", "rng-+", "-j", "DROP"))
    assert verify(tables) == ["iptables -I INPUT -i rng-+ -j DROP"]
    assert install(tables) == ["iptables -I INPUT -i rng-+ -j DROP"]


def test_both_protocols_close_the_host():
    closed = {rule.program for rule in RULES if rule.chain == "INPUT"}
    assert closed == {"iptables", "ip6tables"}


def test_a_refused_rule_is_an_error_that_says_which():
    with pytest.raises(FirewallUnavailable, match="DOCKER-USER"):
        install(FakeTables(refuse={"-I"}))


def test_a_missing_program_is_an_error():
    with pytest.raises(FirewallUnavailable, match="not installed"):
        host_firewall.run(["no-such-tables", "-L"])


def test_rules_never_pass_through_a_shell():
    tables = FakeTables()
    install(tables)
    assert all(isinstance(word, str) and " " not in word for call in tables.calls for word in call)


@pytest.mark.docker
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change the firewall")
def test_the_real_host_is_closed_after_installing():
    install()
    assert verify() == []
    assert install() == []
