"""Reaching into real machines whose trainee is hostile: files, programs, processes, peers."""

from datetime import timedelta
from uuid import uuid4

import pytest

from range.runtime import host_processes
from range.runtime.docker_spec import container_name
from range.runtime.driver import FileTooLarge, SandboxPaused
from tests.contracts.rigs import DockerRig, soon, topology
from tests.support.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.enable_socket]


@pytest.fixture(scope="module")
def rig():
    made = DockerRig()
    yield made
    made.close()


@pytest.fixture(scope="module")
def sandbox(rig):
    handle = rig.driver.start(uuid4(), topology(), deadline=soon())
    rig.serve(handle, "store", 8080)
    return handle


@pytest.fixture
def shell(rig, sandbox):
    def shell(script, **more):
        result = rig.driver.exec(sandbox, "desk", ["sh", "-c", script], **more)
        assert result.exit_code == 0, result
        return result

    return shell


@pytest.fixture
def read(rig, sandbox):
    return lambda path, **more: rig.driver.read_file(sandbox, "desk", path, **more)


def test_a_link_is_told_and_never_followed(rig, sandbox, shell, read):
    shell("ln -sfn /etc/shadow /opt/link; ln -sfn /nowhere /opt/broken; ln -sfn / /opt/loop")
    assert read("/opt/link") is None
    found = rig.driver.stat(sandbox, "desk", "/opt/link")
    assert (found.is_link, found.link_target) == (True, "/etc/shadow")
    assert rig.driver.stat(sandbox, "desk", "/opt/broken").is_link
    assert rig.driver.list_files(sandbox, "desk", "/opt/loop") == []


def test_a_link_cannot_lead_to_the_hosts_files(shell, read):
    shell("ln -sfn ../../../../../../../../../../../../etc /opt/climb")
    ours = read("/etc/hostname")
    assert read("/opt/climb/hostname") == ours
    assert ours.strip() == b"desk"


@pytest.mark.timeout(60)
def test_a_pipe_a_device_and_a_socket_are_no_files_and_do_not_hang(rig, sandbox, shell, read):
    shell("mkfifo /opt/pipe; python3 -c 'import socket; socket.socket(1).bind(\"/opt/sock\")'")
    for path in ("/opt/pipe", "/opt/sock", "/dev/zero", "/proc/kmsg", "/proc/self/mem"):
        assert read(path) is None


ODD_NAMES = """
import os
for name in (b"-rf", b"new\\nline", b"\\xff\\xfe", b"sp ace", b"quote'", b"x" * 200):
    open(b"/opt/odd/" + name, "w").close()
"""


def test_hostile_names_are_listed_in_printable_form(rig, sandbox, shell):
    shell("mkdir -p /opt/odd")
    assert rig.driver.exec(sandbox, "desk", ["python3", "-c", ODD_NAMES]).exit_code == 0
    found = [f.path for f in rig.driver.list_files(sandbox, "desk", "/opt/odd")]
    assert len(found) == 6
    assert "/opt/odd/new\nline" in found
    assert "/opt/odd/\\xff\\xfe" in found
    assert all(path.encode("utf-8") for path in found)


@pytest.mark.timeout(60)
def test_a_sparse_monster_is_refused_without_being_read(rig, sandbox, shell, read):
    shell("truncate -s 40G /opt/monster; mkdir -p /opt/lair; truncate -s 1G /opt/lair/m")
    with pytest.raises(FileTooLarge):
        read("/opt/monster")
    assert rig.driver.stat(sandbox, "desk", "/opt/monster").size_bytes == 40 << 30
    with pytest.raises(FileTooLarge):
        rig.driver.list_files(sandbox, "desk", "/opt/lair")
    shell("rm -r /opt/monster /opt/lair")


def test_a_set_user_bit_and_a_capability_are_told(rig, sandbox, shell):
    shell("cp /bin/true /opt/suid; chmod 6755 /opt/suid; cp /bin/true /opt/plain")
    assert rig.driver.stat(sandbox, "desk", "/opt/suid").mode == 0o6755
    assert rig.driver.stat(sandbox, "desk", "/opt/plain").capabilities == b""
    # The image's ping carries one from its package.
    assert rig.driver.stat(sandbox, "desk", "/usr/bin/ping").capabilities


def test_a_files_time_is_told(rig, sandbox, shell):
    shell("touch -d @1234567890 /opt/old")
    assert rig.driver.stat(sandbox, "desk", "/opt/old").modified_at == 1234567890.0


def test_a_further_name_of_a_file_has_its_size(rig, sandbox, shell):
    shell("mkdir -p /opt/twice; echo four > /opt/twice/a; ln -f /opt/twice/a /opt/twice/b")
    sizes = {f.path: f.size_bytes for f in rig.driver.list_files(sandbox, "desk", "/opt/twice")}
    assert sizes == {"/opt/twice/a": 5, "/opt/twice/b": 5}


def test_files_in_memory_folders_are_read(shell, read):
    shell("echo tmp > /tmp/t; echo run > /run/r; mkdir -p /var/run; echo both > /run/b")
    assert (read("/tmp/t"), read("/run/r")) == (b"tmp\n", b"run\n")


def test_files_of_an_ended_machine_can_still_be_read(rig):
    handle = rig.driver.start(uuid4(), topology(), deadline=soon())
    rig.exit_machine(handle, "desk")
    assert rig.driver.read_file(handle, "desk", "/opt/case/brief.txt") == b"seeded"
    rig.driver.stop(handle)


@pytest.mark.parametrize("as_root", [True, False], ids=["from the host", "from inside"])
class TestPrograms:
    @pytest.fixture(autouse=True)
    def rights(self, monkeypatch, as_root):
        if not as_root:
            monkeypatch.setattr(host_processes, "can_signal", lambda: False)

    def test_a_time_out_ends_the_program(self, rig, sandbox):
        for milliseconds in (300, 1):
            limit = timedelta(milliseconds=milliseconds)
            result = rig.driver.exec(sandbox, "desk", ["sleep", "41"], timeout=limit)
            assert (result.timed_out, result.exit_code) == (True, 137)
        argvs = {process.argv for process in rig.driver.processes(sandbox, "desk")}
        assert ("sleep", "41") not in argvs

    def test_output_and_codes_are_the_programs(self, rig, sandbox):
        script = "echo out; echo err >&2; exit 9"
        result = rig.driver.exec(sandbox, "desk", ["sh", "-c", script], user="nobody")
        assert (result.exit_code, result.stdout, result.stderr) == (9, b"out\n", b"err\n")

    def test_a_missing_program_is_a_result(self, rig, sandbox):
        result = rig.driver.exec(sandbox, "desk", ["no-such-program"])
        assert result.exit_code in {126, 127}
        assert result.stdout == b""


def test_a_flood_of_output_is_cut(rig, sandbox):
    result = rig.driver.exec(
        sandbox, "desk", ["sh", "-c", "head -c 5000000 /dev/zero; echo -n x >&2"]
    )
    assert result.truncated
    assert (len(result.stdout), result.stderr) == (1 << 20, b"x")


def test_an_unknown_account_is_a_result(rig, sandbox):
    result = rig.driver.exec(sandbox, "desk", ["true"], user="no-such-account")
    assert result.exit_code == 126
    assert b"no-such-account" in result.stderr or b"unable to find user" in result.stderr


def test_a_time_out_ends_the_children_too(rig, sandbox):
    result = rig.driver.exec(
        sandbox, "desk", ["sh", "-c", "sleep 42 & sleep 42"], timeout=timedelta(milliseconds=300)
    )
    assert result.timed_out
    assert not [p for p in rig.driver.processes(sandbox, "desk") if p.argv == ("sleep", "42")]


def test_processes_are_told_exactly_whatever_they_call_themselves(rig, sandbox, shell):
    shell(
        "setsid bash -c 'exec -a \"root  sshd\" sleep 61' </dev/null >/dev/null 2>&1 &",
        user="nobody",
    )

    def asleep():
        there = rig.driver.processes(sandbox, "desk")
        return [p for p in there if p.argv[-1:] == ("61",) and p.executable == "/usr/bin/sleep"]

    (found,) = until(asleep, "it did not begin")
    assert found.argv == ("root  sshd", "61")
    assert found.uid == 65534


def test_a_number_of_somebody_elses_process_is_never_signalled():
    assert not host_processes.kill(1, "0" * 64)
    assert not host_processes.belongs(0, "0" * 64)
    assert not host_processes.belongs(2**22 + 1, "0" * 64)


def test_a_paused_sandbox_says_so(rig):
    handle = rig.driver.start(uuid4(), topology(), deadline=soon())
    rig.driver.pause(handle)
    with pytest.raises(SandboxPaused):
        rig.driver.exec(handle, "desk", ["true"])
    rig.driver.stop(handle)


@pytest.mark.parametrize("entering", [True, False], ids=["entered", "through a program"])
class TestPeers:
    @pytest.fixture(autouse=True)
    def rights(self, monkeypatch, entering):
        if not entering:
            monkeypatch.setattr(host_processes, "may_enter", lambda pid: False)

    def test_a_connection_carries_bytes_both_ways(self, rig, sandbox):
        with rig.driver.connect(sandbox, "lan", "store", 8080) as line:
            line.settimeout(5)
            line.sendall(b"GET /index.html HTTP/1.0\r\n\r\n")
            heard = b""
            while piece := line.recv(4096):
                heard += piece
        assert heard.endswith(b"served")

    def test_a_closed_port_refuses(self, rig, sandbox):
        with pytest.raises(ConnectionRefusedError):
            rig.driver.connect(sandbox, "lan", "store", 81)

    def test_a_whole_answer_arrives(self, rig, sandbox):
        reply = rig.driver.http(sandbox, "lan", "GET", "http://files:8080/index.html")
        assert (reply.status, reply.body) == (200, b"served")

    def test_the_source_looks_like_an_ordinary_peer(self, rig, sandbox):
        with rig.driver.connect(sandbox, "lan", "store", 8080):
            seen = rig.driver.exec(sandbox, "store", ["ss", "-Htn", "state", "established"])
        own = sandbox.machines["store"].addresses["lan"]
        peer = seen.stdout.split()[-1].decode().rpartition(":")[0]
        assert peer.rpartition(".")[0] == own.rpartition(".")[0]
        assert peer != own


def test_the_peer_is_made_once_and_goes_with_the_sandbox(rig):
    handle = rig.driver.start(uuid4(), topology(), deadline=soon())
    rig.driver.http(handle, "lan", "GET", "http://store/")
    name = container_name(handle.sandbox_id, "lan.peer")
    with rig.driver.engine.client() as client:
        first = client.inspect_container(name)["Id"]
        rig.driver.http(handle, "lan", "GET", "http://store/")
        assert client.inspect_container(name)["Id"] == first
    assert set(next(iter(rig.driver.usage(handle).machines))) <= set("deskstore")
    rig.driver.stop(handle)
    with rig.driver.engine.client() as client:
        labels = [f"range.sandbox={handle.sandbox_id}"]
        assert client.containers(all=True, filters={"label": labels}) == []
