"""A hostile trainee in a real machine reaches nothing: each attack, and that it had no effect."""

import json
import os
import socket
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from range.runtime import docker_spec, host_firewall
from range.runtime.containment import attacks
from range.runtime.containment.host import Host, Mark, beyond
from range.runtime.docker_spec import bridge_name, container_name
from range.runtime.images import build_image
from range.runtime.topology import Limits
from tests.contracts.rigs import DockerRig, single, soon
from tests.runtime.attacks import SOCKET_FAMILY, SYSTEM_CALL
from tests.support.waiting import until

pytestmark = [
    pytest.mark.docker,
    pytest.mark.enable_socket,
    pytest.mark.skipif(os.geteuid() != 0, reason="watching the host's cards needs root"),
]

HOST = Host()
EPERM, ENOSYS, EAFNOSUPPORT = 1, 38, 97
OUTSIDE = ("203.0.113.7", "169.254.169.254")
# Whichever test asks for the tools first may have to wait until their image is built.
BUILDS = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def rig():
    host_firewall.install()
    made = DockerRig()
    yield made
    made.close()


@pytest.fixture(scope="module")
def sandbox(rig):
    limits = Limits(memory_mb=96, pids=100)
    return rig.driver.start(uuid4(), single(limits=limits), deadline=soon())


@pytest.fixture(scope="module")
def neighbour(rig):
    handle = rig.driver.start(uuid4(), single(name="secret"), deadline=soon())
    rig.serve(handle, "secret", 8080)
    return handle


@pytest.fixture(scope="module")
def tools(rig):
    image = build_image(Path(__file__).parent / "tools_image", name="test-tools")
    machine = replace(single(image=image).machines[0], allow_privilege_gain=True)
    topology = replace(single(), machines=(machine, replace(machine, name="target")))
    return rig.driver.start(uuid4(), topology, deadline=soon())


@pytest.fixture
def run(rig, sandbox):
    def run(*argv, user="root", seconds=20):
        timeout = timedelta(seconds=seconds)
        return rig.driver.exec(sandbox, "desk", argv, user=user, timeout=timeout)

    return run


@pytest.fixture
def python(run):
    return lambda program, *words, **more: run("python3", "-c", program, *map(str, words), **more)


@pytest.fixture
def own(sandbox):
    return sandbox.machines["desk"].addresses["lan"]


@pytest.fixture
def bridge(sandbox):
    return HOST.card_address(bridge_name(sandbox.sandbox_id, "lan"))


@pytest.fixture
def frame(python, own, bridge):
    def frame(address, port, word):
        frames = json.dumps([[word, bridge, address, port]])
        return python(attacks.RAW_FRAMES, own, frames)

    return frame


def connects(run, address, port):
    return run("nc", "-z", "-w", "2", address, str(port)).exit_code == 0


# Port 9 stands there in hexadecimal once somebody listens.
LISTENING = "nc -u -l -p 9 > /tmp/got & until grep -q ':0009 ' /proc/net/udp; do sleep 0.1; done"


@contextmanager
def watching(word):
    """Yield the names of the host's cards on which `word` is seen."""
    with HOST.watching([Mark(word=word)]) as watcher:
        yield watcher.cards[word]
        time.sleep(0.3)


@BUILDS
def test_the_attack_with_raw_frames_works_where_nothing_forbids_it(rig, tools):
    addresses = {name: machine.addresses["lan"] for name, machine in tools.machines.items()}
    card = rig.driver.exec(tools, "target", ["cat", "/sys/class/net/eth0/address"]).stdout
    rig.driver.exec(tools, "target", ["sh", "-c", LISTENING])
    frames = json.dumps([["frame", card.decode().strip(), addresses["target"], 9]])
    argv = ["python3", "-c", attacks.RAW_FRAMES, addresses["desk"], frames]
    sent = rig.driver.exec(tools, "desk", argv)
    assert sent.exit_code == 0, sent.stderr
    got = partial(rig.driver.read_file, tools, "target", "/tmp/got")
    until(lambda: b"frame" in (got() or b""), "the frame did not arrive")


def test_the_host_is_not_reached_by_any_address(run, sandbox):
    with HOST.listening() as listener:
        gateway = str(docker_spec.IPv4Network(sandbox.networks["lan"].subnet)[1])
        for address in [*HOST.addresses(), gateway]:
            assert not connects(run, address, listener.port)
            run("sh", "-c", f"echo tcp | nc -u -w 1 {address} {listener.port}")
        time.sleep(0.2)
        assert listener.heard == []


def test_the_host_is_not_reached_by_raw_frames(frame):
    with HOST.listening() as listener:
        for address in HOST.addresses():
            sent = frame(address, listener.port, "raw")
            assert sent.exit_code == 0, sent.stderr
        time.sleep(0.3)
        assert listener.heard == []


def test_the_host_is_not_reached_over_its_link_local_address(run, sandbox):
    bridge = bridge_name(sandbox.sandbox_id, "lan")
    lines = Path("/proc/net/if_inet6").read_text().splitlines()
    found = [line.split()[0] for line in lines if line.split()[-1] == bridge]
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as server:
        server.bind(("::", 0))
        server.listen()
        server.settimeout(0.2)
        for raw in found:
            address = ":".join(raw[i : i + 4] for i in range(0, 32, 4))
            assert not connects(run, f"{address}%eth0", server.getsockname()[1])
        with pytest.raises(TimeoutError):
            server.accept()


def test_nothing_leaves_for_the_world(run, frame, sandbox):
    card = bridge_name(sandbox.sandbox_id, "lan")
    with watching("leaves-for-the-world") as seen:
        for address in OUTSIDE:
            assert not connects(run, address, 80)
            run("sh", "-c", f"echo leaves-for-the-world | nc -u -w 1 {address} 53")
            frame(address, 53, "leaves-for-the-world")
    assert beyond(seen, own=card) == []
    assert card in seen, "the attack was not even sent"


def test_no_name_is_asked_outside(run, sandbox):
    with watching("asked-outside") as seen:
        assert run("getent", "hosts", "asked-outside.example.com").exit_code != 0
    assert beyond(seen, own=bridge_name(sandbox.sandbox_id, "lan")) == []


def test_another_sandbox_is_out_of_reach(rig, run, frame, neighbour):
    address = neighbour.machines["secret"].addresses["lan"]
    card = bridge_name(neighbour.sandbox_id, "lan")
    assert rig.driver.http(neighbour, "lan", "GET", "http://secret:8080/").status == 200
    with watching("into-the-neighbour") as seen:
        assert not connects(run, address, 8080)
        frame(address, 8080, "into-the-neighbour")
    assert card not in seen


def test_another_sandboxes_names_are_unknown(run, neighbour):
    assert run("getent", "hosts", "secret").exit_code != 0
    name = container_name(neighbour.sandbox_id, "secret")
    assert run("getent", "hosts", name).exit_code != 0


# Numbers are those of x86-64. Source: asm/unistd_64.h.
@pytest.mark.parametrize(
    ("name", "number", "words", "refusal"),
    [
        ("mount", 165, (0, 0, 0, 0, 0), EPERM),
        ("unshare a user namespace", 272, (0x10000000,), EPERM),
        ("unshare a mount namespace", 272, (0x00020000,), EPERM),
        ("clone a user namespace", 56, (0x10000011, 0, 0, 0, 0), EPERM),
        ("clone3", 435, (0, 0), ENOSYS),
        ("setns", 308, (0, 0), EPERM),
        ("io_uring_setup", 425, (1, 0), ENOSYS),
        ("bpf", 321, (0, 0, 0), EPERM),
        ("keyctl", 250, (0, 0), EPERM),
        ("perf_event_open", 298, (0, 0, 0, 0, 0), EPERM),
        ("open_by_handle_at", 304, (0, 0, 0), EPERM),
        ("userfaultfd", 323, (0,), EPERM),
        ("init_module", 175, (0, 0, 0), EPERM),
        ("kexec_load", 246, (0, 0, 0, 0), EPERM),
        ("reboot", 169, (0, 0, 0), EPERM),
        ("settimeofday", 164, (0, 0), EPERM),
        ("syslog", 103, (3, 0, 0), EPERM),
        ("pidfd_getfd", 438, (0, 0, 0), EPERM),
    ],
)
def test_the_kernel_refuses(python, name, number, words, refusal):
    assert int(python(SYSTEM_CALL, number, *words).stdout) == refusal


@pytest.mark.parametrize(
    "family", [40, 38, 44, 29, 15, 21, 9], ids=lambda family: f"family-{family}"
)
def test_a_strange_socket_family_is_refused(python, family):
    assert int(python(SOCKET_FAMILY, family, 1).stdout) == EAFNOSUPPORT


@pytest.mark.parametrize("family", [1, 2, 10])
def test_an_ordinary_socket_family_works(python, family):
    assert int(python(SOCKET_FAMILY, family, 1).stdout) == 0


@pytest.mark.parametrize(
    "attack",
    [
        "echo c > /proc/sysrq-trigger",
        "echo '|/bin/x' > /proc/sys/kernel/core_pattern",
        "head -c1 /proc/kcore",
        "mknod /tmp/disk b 254 0",
        "dmesg",
        "date -s 2001-01-01",
        "mount -t tmpfs none /mnt",
        "echo 1 > /sys/fs/cgroup/memory/memory.limit_in_bytes",
        "hostname owned",
        "ip link set eth0 down",
    ],
)
def test_root_in_the_machine_is_refused(run, attack):
    assert run("sh", "-c", attack).exit_code != 0


def test_a_fork_bomb_is_bounded_and_the_machine_survives(rig, python, sandbox):
    children = int(python(attacks.FORK_BOMB, seconds=10).stdout or 0)
    assert 0 < children < 100
    with rig.driver.engine.client() as client:
        found = client.inspect_container(container_name(sandbox.sandbox_id, "desk"))
    assert found["State"]["Running"]
    deadline = time.monotonic() + 40
    while rig.driver.usage(sandbox).machines["desk"].pids > 20:
        assert time.monotonic() < deadline, "the children outlived their parent"
        time.sleep(0.5)


def test_a_memory_hog_is_killed_and_the_machine_survives(rig, python, run):
    result = python(attacks.MEMORY_HOG)
    assert result.stdout == b"killed\n"
    assert run("true").exit_code == 0


@pytest.mark.parametrize(("folder", "megabytes"), [("/tmp", 64), ("/run", 16), ("/dev/shm", 16)])
def test_a_memory_folder_is_bounded(run, folder, megabytes):
    fill = f"head -c {megabytes + 8}M /dev/zero > {folder}/fill; s=$?; rm -f {folder}/fill; exit $s"
    assert run("sh", "-c", fill).exit_code != 0


def test_the_real_container_is_hardened_as_specified(rig, sandbox):
    limits = Limits(memory_mb=96, pids=100)
    topology = single(limits=limits)
    place = docker_spec.Place(
        installation=rig.driver.options.installation,
        sandbox_id=sandbox.sandbox_id,
        subnets={"lan": docker_spec.IPv4Network(sandbox.networks["lan"].subnet)},
    )
    asked = docker_spec.container_arguments(topology, topology.machines[0], place=place)
    with rig.driver.engine.client() as client:
        found = client.inspect_container(container_name(sandbox.sandbox_id, "desk"))
    assert docker_spec.deviations(asked, found) == []


def test_privileges_are_not_gained_unless_declared(run):
    status = run("sh", "-c", "grep NoNewPrivs /proc/self/status", user="nobody").stdout
    assert status.split()[-1] == b"1"


def test_the_host_shows_nothing_of_itself(run):
    told = run("sh", "-c", "cat /proc/self/cgroup /proc/mounts /proc/cmdline; env").stdout
    assert Path("/etc/hostname").read_text().strip().encode() not in told.split()
    assert not [line for line in told.splitlines() if b"docker/" in line and b"cgroup" in line]


@BUILDS
@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "user"),
    [
        ("sudo -n id -u | grep -qx 0", "analyst"),
        ("su -c 'id -un' analyst | grep -qx analyst", "root"),
        ("ping -c1 -W2 target", "analyst"),
        ("sudo nmap -n -sS -p 1-20 target | grep -q 'Host is up'", "analyst"),
        ("nmap -n -sT -p 1-20 target | grep -q 'Host is up'", "analyst"),
        ("strace -c true 2>&1 | grep -q total", "analyst"),
        ("(sleep 0.3; ping -c1 target >/dev/null) & sudo timeout 5 tcpdump -c1 -n icmp", "analyst"),
        ("setsid true && nice true && chroot / true", "root"),
        ("setarch -R true", "analyst"),
    ],
)
def test_a_tool_of_the_trade_works(rig, tools, command, user):
    result = rig.driver.exec(tools, "desk", ["bash", "-c", command], user=user)
    assert result.exit_code == 0, result
