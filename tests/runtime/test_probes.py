"""Probes of containment: each judged by what was seen, none safe because nothing was seen."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from range.runtime import docker_spec, host_firewall
from range.runtime.containment import attacks, network
from range.runtime.containment.host import Host, Mark, Watcher, beyond
from range.runtime.containment.kernel import DEEDS, judge_bomb, judge_deeds, judge_flood
from range.runtime.containment.run import ProbesBusy, alone, probing_driver, run
from range.runtime.containment.verdict import (
    Outcome,
    Verdict,
    breaches,
    control,
    is_decisive,
    unproven,
)
from range.runtime.containment.ways import CRITICAL, NETWORK_PROBES
from range.runtime.driver import LaunchFailed
from range.runtime.options import DriverOptions
from tests.contracts.rigs import soon, topology
from tests.support.contained import ContainedDriver, FakeHost

CONTROLS = {
    "control-peer-tcp",
    "control-peer-udp",
    "control-peer-raw-frame",
    "control-host-listener",
    "control-neighbour-listener",
    "control-card-watcher",
}
FLOODS = ("tmp-flood", "file-flood", "terminal-flood", "disk-flood")
WORKS = control("control-kernel", True, saw="", missed="")


@pytest.fixture(autouse=True)
def at_once(request, monkeypatch):
    """Machines in memory have nothing under way when an attack ends."""
    if request.node.get_closest_marker("docker") is None:
        monkeypatch.setattr(network, "_SETTLE_SECONDS", 0)
        monkeypatch.setattr(network, "_PATIENCE_SECONDS", 0)


def probed(host=None, *, everything=True, **driver):
    host = host or FakeHost()
    verdicts = run(ContainedDriver(host, **driver), host=host, everything=everything)
    return {verdict.probe: verdict for verdict in verdicts}


def opened(found):
    return {name for name, verdict in found.items() if verdict.outcome is Outcome.OPEN}


def gone_through(found):
    return {name for name in opened(found) if not found[name].unproven}


# --- on machines in memory ------------------------------------------------------------------------


def test_machines_that_hold_leave_nothing_open():
    assert opened(probed()) == set()


def test_every_kind_of_outcome_is_used_where_it_belongs():
    found = probed()
    assert {found[name].outcome for name in NETWORK_PROBES} == {Outcome.CLOSED}
    assert {found[name].outcome for name in DEEDS} == {Outcome.STOPPED}
    limits = ("fork-bomb", "memory-hog", *FLOODS)
    assert {found[name].outcome for name in limits} == {Outcome.BOUNDED}
    controls = {name for name in found if name.startswith("control-")}
    assert controls > CONTROLS
    assert {found[name].outcome for name in controls} == {Outcome.OK}


def test_the_critical_run_tries_no_more_than_what_decides_and_its_controls():
    assert set(probed(everything=False)) == CRITICAL | CONTROLS


def test_only_what_decides_is_marked_critical():
    assert {name for name, verdict in probed().items() if verdict.critical} == CRITICAL


# The others are told by cards or by a listener of the neighbour's.
HEARD_OR_CONNECTED = [
    *(name for name in NETWORK_PROBES if name.startswith("host-") or name.endswith("-tcp")),
    "metadata",
    "neighbour-by-name",
    "dns-answer",
]


@pytest.mark.parametrize("hole", HEARD_OR_CONNECTED)
def test_a_hole_in_the_network_reads_open(hole):
    assert gone_through(probed(holes=[hole])) == {hole}


@pytest.mark.parametrize(
    ("hole", "probe"),
    [
        ("mount", "mount"),
        ("unshare-mount", "unshare"),
        ("ptrace-host", "ptrace-host"),
        ("mknod-character", "mknod"),
        ("io-uring", "io-uring"),
        ("release-agent", "cgroup-release-agent"),
        ("vsock", "af-vsock"),
        ("bpf", "bpf"),
        ("settime", "settime"),
        ("fork-bomb", "fork-bomb"),
        ("memory-hog", "memory-hog"),
        *((flood, flood) for flood in FLOODS),
    ],
)
def test_what_root_may_do_beyond_its_machine_reads_open(hole, probe):
    assert gone_through(probed(holes=[hole])) == {probe}


def test_a_frame_that_leaves_by_another_card_reads_open():
    found = probed(holes=["egress-by-raw-frame"])
    assert gone_through(found) == {"egress-by-raw-frame"}
    assert "eth0" in found["egress-by-raw-frame"].detail


@pytest.mark.parametrize(
    ("program", "left"),
    [
        (attacks.REACH, {"control-peer-tcp", "egress-tcp", "neighbour-tcp", "host-by-gateway-udp"}),
        (attacks.RAW_FRAMES, {"control-peer-raw-frame", "host-by-raw-frame", "metadata"}),
        (attacks.DEEDS, {"control-kernel", "mount", "bpf"}),
        (attacks.NAMES, {"control-peer-name", "dns-answer", "neighbour-by-name"}),
        (attacks.LISTENER, {"host-by-gateway-tcp", "neighbour-tcp"}),
        (attacks.FORK_BOMB, {"fork-bomb"}),
        (attacks.MEMORY_HOG, {"memory-hog"}),
        (attacks.FLOOD, {"tmp-flood"}),
        (attacks.COUNTS, {"file-flood", "terminal-flood"}),
        (attacks.HIDDEN_FILE, {"disk-flood"}),
    ],
)
def test_a_broken_attack_never_reads_as_safe(program, left):
    found = probed(broken=[program])
    assert left <= opened(found)
    assert gone_through(found) == set()


def test_without_root_nothing_is_proven_of_what_leaves():
    found = probed(FakeHost(is_root=False))
    assert {"egress-tcp", "metadata", "dns-query", "control-card-watcher"} <= opened(found)
    assert "root" in found["control-card-watcher"].detail
    assert gone_through(found) == set()


def test_apart_from_the_engines_network_nothing_is_proven_of_the_host():
    found = probed(FakeHost(shares_network=False))
    assert {"host-by-gateway-tcp", "host-by-raw-frame"} <= opened(found)
    assert "container" in found["control-host-listener"].detail


def test_a_host_that_does_not_hear_itself_proves_nothing():
    found = probed(FakeHost(is_deaf=True))
    assert "host-by-address-udp" in opened(found)
    assert "192.0.2.2" in found["control-host-listener"].detail


def test_a_run_removes_its_sandboxes_and_what_an_earlier_one_left():
    host = FakeHost()
    driver = ContainedDriver(host)
    driver.start(uuid4(), topology(), deadline=soon())
    run(driver, host=host, everything=False)
    assert list(driver.running()) == []


def test_a_sandbox_that_does_not_start_is_an_error_and_leaves_nothing():
    host = FakeHost()
    driver = ContainedDriver(host)
    driver.fail_next("start", "capacity")
    with pytest.raises(LaunchFailed):
        run(driver, host=host, everything=False)
    assert list(driver.running()) == []


# --- judging --------------------------------------------------------------------------------------


def verdict(**changes):
    values = {"probe": "egress-tcp", "outcome": Outcome.CLOSED, "detail": "", "critical": True}
    return Verdict(**values | changes)


def test_only_a_critical_probe_that_got_through_is_a_breach():
    through = verdict(outcome=Outcome.OPEN)
    others = [
        verdict(),
        verdict(outcome=Outcome.OPEN, critical=False),
        unproven("egress-udp", "no root", critical=True),
    ]
    assert breaches([through, *others]) == [through]


def test_a_run_that_proves_nothing_decides_nothing():
    nothing = unproven("egress-udp", "no root", critical=True)
    assert is_decisive([verdict()])
    assert not is_decisive([verdict(), nothing])
    assert is_decisive([nothing, verdict(outcome=Outcome.OPEN)])
    assert is_decisive([verdict(), unproven("control-limits", "slow")])


def test_a_verdict_survives_being_written_down():
    written = verdict(outcome=Outcome.OPEN, detail="left by eth0")
    assert Verdict.from_json(written.to_json()) == written
    with pytest.raises(ValueError):
        Verdict.from_json({"probe": "egress-tcp"})
    with pytest.raises(ValueError):
        Verdict.from_json({**written.to_json(), "outcome": "fine"})


@pytest.mark.parametrize(
    ("code", "outcome", "is_unproven"),
    [
        (1, Outcome.STOPPED, False),
        (38, Outcome.STOPPED, False),
        (-signal.SIGSYS, Outcome.STOPPED, False),
        (0, Outcome.OPEN, False),
        (22, Outcome.OPEN, False),
        (14, Outcome.OPEN, False),
        (-signal.SIGSEGV, Outcome.OPEN, True),
        (None, Outcome.OPEN, True),
        ("1", Outcome.OPEN, True),
    ],
)
def test_only_a_refusal_counts_as_stopped(code, outcome, is_unproven):
    judged = judge_deeds("bpf", ("bpf",), {"bpf": code}, works=WORKS)
    assert (judged.outcome, judged.unproven) == (outcome, is_unproven)


def test_no_such_process_is_a_refusal_only_for_processes_of_the_host():
    stopped = judge_deeds("ptrace-host", ("ptrace-host",), {"ptrace-host": 3}, works=WORKS)
    assert stopped.outcome is Outcome.STOPPED
    assert judge_deeds("bpf", ("bpf",), {"bpf": 3}, works=WORKS).outcome is Outcome.OPEN


@pytest.mark.parametrize(
    ("children", "outcome", "is_unproven"),
    [(60, "bounded", False), (64, "open", False), (5000, "open", False), (0, "open", True)],
)
def test_a_fork_bomb_is_judged_by_its_children(children, outcome, is_unproven):
    judged = judge_bomb(children)
    assert (judged.outcome, judged.unproven) == (outcome, is_unproven)


def test_a_folder_that_took_nothing_proves_no_bound():
    assert judge_flood({"/tmp": 64, "/run": 16, "/dev/shm": 0}).unproven
    assert judge_flood({}).unproven


# --- the host's side ------------------------------------------------------------------------------


def packet(address, port, *, protocol=6, options=b"", payload=b""):
    head = bytes([0x45 + len(options) // 4, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0])
    ends = socket.inet_aton("10.0.0.2") + socket.inet_aton(address)
    return head + ends + options + b"\x9c\x40" + port.to_bytes(2) + payload


def test_a_packet_is_known_by_its_aim_or_its_word():
    watcher = Watcher([Mark(word="one", aimed_at=("203.0.113.7", 4000)), Mark(word="two")])
    watcher.see(packet("203.0.113.7", 4000), "eth0")
    watcher.see(packet("203.0.113.7", 4000, options=b"\0" * 4), "eth1")
    watcher.see(packet("203.0.113.7", 4001), "lo")
    watcher.see(packet("192.0.2.1", 4000), "lo")
    watcher.see(packet("203.0.113.7", 4000, protocol=1), "lo")
    watcher.see(b"\0\0two", "eth2")
    watcher.see(b"\x45", "lo")
    assert watcher.cards == {"one": {"eth0", "eth1"}, "two": {"eth2"}}


def test_a_card_beyond_the_sandbox_is_any_but_its_own():
    cards = {"rng-abc", "rng-def", "veth12", "eth0", "lo"}
    assert beyond(cards, own="rng-abc") == ["eth0", "lo", "rng-def"]


@pytest.mark.enable_socket
def test_the_hosts_listener_hears_tcp_and_udp():
    host = Host()
    with host.listening() as listener:
        host.call("127.0.0.1", listener.port, "a word")
        end = time.monotonic() + 30
        while len(listener.heard) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        assert listener.heard == [b"a word"] * 2
        assert listener.has("word")
        assert not listener.has("another")


def test_two_runs_at_once_are_one_after_the_other(tmp_path):
    at_once = timedelta(0)
    with (
        alone(tmp_path, within=at_once),
        pytest.raises(ProbesBusy),
        alone(tmp_path, within=at_once),
    ):
        raise AssertionError("both hold the permission")
    with alone(tmp_path, within=timedelta(0)):
        pass


def test_a_dead_holder_loses_the_permission(tmp_path):
    program = (
        "import os, sys; from pathlib import Path; from datetime import timedelta\n"
        "from range.runtime.containment.run import alone\n"
        "with alone(Path(sys.argv[1]), within=timedelta(0)): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False, timeout=60)
    with alone(tmp_path, within=timedelta(0)):
        assert (tmp_path / "probes.lock").exists()


# --- on the real engine ---------------------------------------------------------------------------


@pytest.fixture
def real(monkeypatch):
    options = DriverOptions(installation=f"probes-{os.getpid()}")
    monkeypatch.setattr("range.runtime.options._current", options)
    driver = probing_driver("docker")
    yield driver
    for handle in list(driver.running()):
        driver.stop(handle)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="watching the host's cards needs root")


@needs_root
@pytest.mark.docker
def test_no_probe_gets_out_of_real_machines(real):
    host_firewall.install()
    found = {verdict.probe: verdict for verdict in run(real, everything=True)}
    assert {name: found[name].detail for name in opened(found)} == {}
    assert set(found) >= {*NETWORK_PROBES, *DEEDS, "dns-query", "fork-bomb", *CONTROLS}
    assert list(real.running()) == []


@needs_root
@pytest.mark.docker
def test_bridges_that_the_hosts_rules_do_not_know_read_open(real, monkeypatch):
    # Only this test's own bridges have this name; the rules for all others stay in place.
    monkeypatch.setattr(docker_spec, "BRIDGE_PREFIX", "hol-")
    found = {verdict.probe: verdict for verdict in run(real, everything=False)}
    assert gone_through(found) == {"host-by-raw-frame"}
    assert breaches(found.values())
    assert {found[name].outcome for name in CONTROLS} == {Outcome.OK}


@needs_root
@pytest.mark.docker
def test_sandboxes_of_a_killed_run_are_swept_and_nobody_elses(real):
    from range.runtime.containment.run import sweep
    from range.runtime.registry import get_driver

    other = get_driver("docker", replace(real.options, installation=f"kept-{os.getpid()}"))
    left, kept = (driver.start(uuid4(), topology(), deadline=soon()) for driver in (real, other))
    try:
        sweep(real)
        assert list(real.running()) == []
        assert [handle.sandbox_id for handle in other.running()] == [kept.sandbox_id]
        assert left.sandbox_id != kept.sandbox_id
    finally:
        other.stop(kept)
