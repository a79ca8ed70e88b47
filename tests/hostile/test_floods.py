"""A hostile trainee floods a machine: the bound holds, a neighbour works on, nothing is left."""

import os
import socket
import struct
import time
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone

from benchmarks import neighbour
from benchmarks._floods import FLOODS, begun
from range.catalog.services import topology_for
from range.runtime import host_firewall
from range.runtime.docker_engine import DockerDriver
from range.runtime.docker_spec import INSTALLATION
from range.runtime.driver import Handle, SandboxGone
from range.runtime.options import DriverOptions
from range.runtime.topology import Limits
from range.sandboxes import disks
from range.sandboxes.models import Sandbox
from range.timeline.services import events_of
from tests.contracts.rigs import DockerRig, single, soon
from tests.support.disks import watching
from tests.support.waiting import until

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(os.geteuid() != 0, reason="the host's side is seen by root only"),
]

MIB = 1 << 20
LIMITS = Limits(memory_mb=128, pids=80, cpu_cores=0.5)
# How long a flood is watched once it has begun, however long this machine takes to get there.
WATCHED_SECONDS = 3.0
BEGUN_WITHIN_SECONDS = 60
# What the engine may grow by while somebody floods; a log in its memory would be far larger.
ENGINE_GROWTH = 64 * MIB


@pytest.fixture(scope="module")
def rig():
    host_firewall.install()
    made = DockerRig()
    yield made
    made.close()


@pytest.fixture(scope="module")
def next_door(rig):
    return rig.driver.start(uuid4(), single(limits=LIMITS), deadline=soon())


@dataclass
class Seen:
    """The most that was seen of a machine while it was flooded."""

    pids: int = 0
    memory_bytes: int = 0
    disk_bytes: int = 0
    cpu_seconds: float = 0.0
    seconds: float = 0.0
    engine_growth: int = 0
    kept_beside: int = 0


def engine_memory(rig):
    """Return the bytes that the engine's process has in memory, by who answers its socket."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(rig.driver.engine.socket_path)
        told = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pages = Path(f"/proc/{struct.unpack('3i', told)[0]}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def kept_beside(rig, handle):
    """Return what the engine keeps of a machine beside its disk, such as a log."""
    with rig.driver.engine.client() as client:
        found = client.inspect_container(handle.machines["desk"].container_id)
    files = Path(found["HostsPath"]).parent.rglob("*")
    return sum(each.stat().st_size for each in files if each.is_file())


def traces(rig, handle):
    """Return whatever the host still has of a sandbox: processes, containers, volumes, layers."""
    container = handle.machines["desk"].container_id
    with rig.driver.engine.client() as client:
        label = {"label": f"{INSTALLATION}={rig.driver.options.installation}"}
        left = [str(each) for each in client.containers(all=True, filters=label)]
        left += [str(each) for each in client.volumes(filters=label)["Volumes"] or ()]
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if container in (process / "cgroup").read_text():
                left.append(process.name)
    return [each for each in left if container in each or each.isdigit()]


def is_busy(seen):
    """Tell that a flood has begun by more time than it takes to start a program."""
    return seen.cpu_seconds > 0.5


# How it is seen that a flood has begun, where it takes more than time.
BEGUN = {
    "memory": lambda seen: seen.memory_bytes > LIMITS.memory_mb * MIB / 2,
    "disk": lambda seen: seen.disk_bytes > MIB,
    "files": lambda seen: seen.disk_bytes > MIB,
    "descriptors": lambda seen: seen.pids > 40,
    "forks": lambda seen: seen.pids >= LIMITS.pids - 2,
}


@pytest.fixture
def flooded(rig, next_door):
    """Flood a machine of its own while the one next door is asked, and say what was seen."""

    @contextmanager
    def flooded(program, *, has_begun=is_busy, machines=1):
        (desk,) = single(limits=LIMITS).machines
        others = (replace(desk, name=f"peer-{number}") for number in range(1, machines))
        topology = replace(single(), machines=(desk, *others))
        handle = rig.driver.start(uuid4(), topology, deadline=soon())
        seen, before = Seen(), engine_memory(rig)
        cpu = rig.driver.usage(handle).machines["desk"].cpu_seconds
        began = time.monotonic()
        rig.driver.exec(handle, "desk", begun(program))
        watched_from = None
        while watched_from is None or seen.seconds < watched_from + WATCHED_SECONDS:
            used = rig.driver.usage(handle).machines["desk"]
            seen.seconds = time.monotonic() - began
            seen.cpu_seconds = used.cpu_seconds - cpu
            for each in ("pids", "memory_bytes", "disk_bytes"):
                setattr(seen, each, max(getattr(seen, each), getattr(used, each)))
            assert rig.driver.exec(next_door, "desk", ["true"]).exit_code == 0
            if watched_from is None and has_begun(seen):
                watched_from = seen.seconds
            late = watched_from is None and seen.seconds > BEGUN_WITHIN_SECONDS
            assert not late, f"the attack did not begin: {seen}"
        seen.engine_growth = engine_memory(rig) - before
        seen.kept_beside = kept_beside(rig, handle)
        yield seen, handle
        layer = layer_of(rig, handle)
        rig.driver.stop(handle)
        assert traces(rig, handle) == []
        assert not layer.exists()
        assert rig.driver.exec(next_door, "desk", ["true"]).exit_code == 0

    return flooded


def layer_of(rig, handle):
    with rig.driver.engine.client() as client:
        found = client.inspect_container(handle.machines["desk"].container_id)
    return Path(found["GraphDriver"]["Data"]["UpperDir"])


def is_bounded(seen):
    """Assert what holds whatever is flooded."""
    assert seen.pids <= LIMITS.pids
    assert seen.memory_bytes <= LIMITS.memory_mb * MIB
    assert seen.engine_growth < ENGINE_GROWTH
    assert seen.kept_beside < MIB
    # A period's worth more than its share is what the kernel may lend.
    assert seen.cpu_seconds <= LIMITS.cpu_cores * (seen.seconds + 1) + 0.2


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_is_bounded_and_next_door_they_work_on(flooded, name):
    with flooded(FLOODS[name], has_begun=BEGUN.get(name, is_busy)) as (seen, _):
        is_bounded(seen)


def test_files_in_memory_run_out_before_the_machines_memory_does(flooded, rig):
    program = """
import os
for folder in ("/tmp", "/run", "/run/console"):
    try:
        for number in range(1000000):
            os.close(os.open("%s/%d" % (folder, number), os.O_CREAT))
    except OSError:
        pass
open("/srv/done", "w")
"""
    # Whether it has begun is not asked: its end is waited for.
    with flooded(program, has_begun=lambda seen: True) as (seen, handle):
        is_done = ["test", "-e", "/srv/done"]
        until(lambda: rig.driver.exec(handle, "desk", is_done).exit_code == 0, "it goes on")
        is_bounded(seen)
        counts = ["sh", "-c", "for f in /tmp /run /run/console; do ls -U $f | wc -l; done"]
        # It still has the memory to run programs.
        told = rig.driver.exec(handle, "desk", counts)
        assert told.exit_code == 0
        files = [int(each) for each in told.stdout.split()]
        assert all(0 < n < most for n, most in zip(files, (16384, 4096, 256), strict=True)), files


def test_connections_of_a_machine_do_not_fill_the_hosts_table(flooded):
    counted = Path("/proc/sys/net/netfilter/nf_conntrack_count")
    if not counted.exists():
        pytest.skip("this kernel keeps no table of connections")
    program = """
import socket
own = [int(part) for part in socket.gethostbyname(socket.gethostname()).split(".")]
peer = ".".join(map(str, [*own[:3], own[3] + 1]))
while True:
    for port in range(1024, 65536):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            try:
                out.sendto(b"x", (peer, port))
            except OSError:
                pass
"""
    before = int(counted.read_text())
    with flooded(program, machines=2):
        assert int(counted.read_text()) - before < 2000


def test_terminals_of_one_machine_do_not_run_out_for_another(flooded, rig, next_door):
    opened = ["python3", "-c", "import pty; print(pty.openpty())"]
    with flooded(FLOODS["descriptors"], has_begun=BEGUN["descriptors"]) as (_, handle):
        until(lambda: rig.driver.exec(handle, "desk", opened).exit_code != 0, "there are more")
        assert rig.driver.exec(next_door, "desk", opened).exit_code == 0


def test_a_program_that_prints_without_end_is_cut_off(rig, next_door):
    before = engine_memory(rig)
    for seconds in (2, 10, 60):
        result = rig.driver.exec(next_door, "desk", ["yes"], timeout=timedelta(seconds=seconds))
        assert result.timed_out
        if result.truncated:
            break
    assert result.truncated
    assert engine_memory(rig) - before < ENGINE_GROWTH
    left = ["pgrep", "-x", "yes"]
    until(lambda: rig.driver.exec(next_door, "desk", left).exit_code == 1, "it prints on")


# --- the disk: the range's own watch over a real machine -------------------------------------

LIMIT_MB = 32
# Up to where it is warned of; the rest once somebody says so.
SLOWLY = """
import os, time
with open("/srv/slow", "wb", 0) as file:
    for number in range(60):
        file.write(bytes(1 << 20))
        while number == 28 and not os.path.exists("/srv/go"):
            time.sleep(0.1)
"""
WRITTEN = {
    "bytes": """
import os
for number in range(1000000):
    with open("/srv/%d" % number, "wb", 0) as file:
        for _ in range(64):
            file.write(bytes(1 << 20))
""",
    "empty files": """
import os
for folder in range(1000000):
    os.mkdir("/srv/%d" % folder)
    for number in range(1000):
        os.close(os.open("/srv/%d/%d" % (folder, number), os.O_CREAT))
""",
    "a file without a name": """
import os
held = os.open("/srv/held", os.O_CREAT | os.O_RDWR)
os.unlink("/srv/held")
while True:
    os.write(held, bytes(1 << 20))
""",
    "the engine's own file": """
with open("/etc/hosts", "ab", 0) as file:
    while True:
        file.write(bytes(1 << 20))
""",
}
# What the fastest disk takes until the next glance, and a look after it.
OVERSHOOT = 12 << 30


@pytest.fixture
def driver():
    made = DockerDriver(DriverOptions(installation=f"floods-{uuid4().hex[:8]}"))
    yield made
    for handle in list(made.running()):
        made.stop(handle)
    made.engine.close()


@pytest.fixture
def running(version, sandbox, driver, attempt):
    """A running sandbox whose machine may write so much, beside one that nobody floods."""
    spec = deepcopy(version.spec)
    desk = {"networks": ["lan"], "resources": {"disk_mb": LIMIT_MB, "memory_mb": 128}}
    spec["machines"] = {"desk": desk, "calm": deepcopy(desk)}
    images = dict.fromkeys(spec["machines"], "range/base:bookworm")
    type(version).objects.filter(pk=version.pk).update(spec=spec, images=images)
    version.spec, version.images = spec, images
    topology = topology_for(version, attempt.pk, sandbox.epoch)
    handle = driver.start(sandbox.pk, topology, deadline=soon())
    Sandbox.objects.filter(pk=sandbox.pk).update(handle=handle.to_json(), started_at=timezone.now())
    sandbox.refresh_from_db()
    return sandbox


def until_halted(driver):
    def halted():
        looks = {each.machine: each for each in driver.survey()}
        assert looks["calm"].is_running
        return not looks["desk"].is_running

    until(halted, "the machine writes on")


def told(sandbox):
    kinds = ("sandbox.disk_low", "sandbox.disk_full")
    return [event.kind for event in events_of(sandbox.attempt_id, kinds=kinds)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("program", WRITTEN.values(), ids=WRITTEN)
def test_a_disk_flood_is_stopped_long_before_the_next_look_is_due(
    running, driver, program, monkeypatch
):
    monkeypatch.setattr(disks, "EVERY", timedelta(hours=1))
    handle = Handle.from_json(running.handle)
    with watching(driver):
        # The watch waits for its turn now; only what it glances at can make it look.
        time.sleep(0.5)
        free = driver.disk_left().free_bytes
        driver.exec(handle, "desk", begun(program))
        until_halted(driver)
    assert told(running)[-1] == "sandbox.disk_full"
    assert free - driver.disk_left().free_bytes < OVERSHOOT
    driver.stop(handle)
    assert list(driver.running()) == []


@pytest.mark.django_db(transaction=True)
def test_who_writes_slowly_is_warned_first(running, driver, monkeypatch):
    monkeypatch.setattr(disks, "EVERY", timedelta(seconds=0.5))
    monkeypatch.setattr(disks, "GLANCE", timedelta(seconds=0.2))
    handle = Handle.from_json(running.handle)
    with watching(driver):
        driver.exec(handle, "desk", begun(SLOWLY))
        until(lambda: told(running), "nobody is warned")
        assert told(running) == ["sandbox.disk_low"]
        driver.exec(handle, "desk", ["touch", "/srv/go"])
        until_halted(driver)
    assert told(running) == ["sandbox.disk_low", "sandbox.disk_full"]
    looks = {each.machine: each.disk_bytes for each in driver.survey(sizes=True)}
    assert LIMIT_MB * MIB <= looks["desk"] < 2 * LIMIT_MB * MIB
    with pytest.raises(SandboxGone):
        driver.exec(handle, "desk", ["true"])


# --- the neighbour's console -------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif("MUSTER_TEST_FULL" not in os.environ, reason="a timing: only with --full")
def test_a_neighbours_command_takes_less_than_twice_its_quiet_time():
    left = [*FLOODS, neighbour.ALL]
    # Whatever else the machine does hits one run or the other; a flood hits each of them.
    for _ in range(3):
        result = neighbour.measure(left, count=30)
        left = [each for each in left if result[f"{each}_ratio"] >= 2]
        if not left:
            break
    assert left == [], result
