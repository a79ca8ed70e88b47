"""The in-memory driver can be told to misbehave, which is what it is for."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from range.runtime.driver import (
    EngineDown,
    ExecResult,
    HttpReply,
    LaunchFailed,
    Process,
    SandboxGone,
    Size,
    Status,
)
from range.runtime.fake import FakeDriver, FakeFile
from tests.contracts.rigs import single, soon, topology


@pytest.fixture
def driver():
    return FakeDriver()


@pytest.fixture
def handle(driver):
    return driver.start(uuid4(), topology(), deadline=soon())


@pytest.mark.parametrize("reason", ["capacity", "engine-down", "unhealthy"])
def test_the_next_launch_fails_as_told_and_the_one_after_works(driver, reason):
    driver.fail_next("start", reason)
    with pytest.raises(LaunchFailed) as failure:
        driver.start(uuid4(), single(), deadline=soon())
    assert failure.value.reason == reason
    assert not list(driver.running())
    assert driver.start(uuid4(), single(), deadline=soon())


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("stop", lambda d, h: d.stop(h)),
        ("status", lambda d, h: d.status(h)),
        ("exec", lambda d, h: d.exec(h, "desk", ["true"])),
        ("read_file", lambda d, h: d.read_file(h, "desk", "/etc/passwd")),
        ("stat", lambda d, h: d.stat(h, "desk", "/etc/passwd")),
        ("connect", lambda d, h: d.connect(h, "lan", "desk", 80).close()),
        ("http", lambda d, h: d.http(h, "lan", "GET", "http://desk/")),
        ("processes", lambda d, h: d.processes(h, "desk")),
        ("usage", lambda d, h: d.usage(h)),
        ("pause", lambda d, h: d.pause(h)),
    ],
)
def test_any_call_can_find_the_engine_down_once(driver, handle, operation, call):
    driver.machine(handle, "desk").banners[80] = b""
    driver.fail_next(operation)
    with pytest.raises(EngineDown):
        call(driver, handle)
    call(driver, handle)


def test_a_call_can_find_the_sandbox_gone(driver, handle):
    driver.fail_next("exec", "sandbox-gone")
    with pytest.raises(SandboxGone):
        driver.exec(handle, "desk", ["true"])


def test_programs_answer_as_scripted(driver, handle):
    answer = ExecResult(exit_code=3, stdout=b"scripted")
    driver.machine(handle, "desk").programs["systemctl"] = lambda argv: answer
    assert driver.exec(handle, "desk", ["systemctl", "status"]) == answer


def test_web_servers_see_what_they_were_asked(driver, handle):
    asked = []

    def server(request):
        asked.append(request)
        return HttpReply(status=201, headers=(), body=request.body)

    driver.machine(handle, "store").web[80] = server
    reply = driver.http(
        handle, "lan", "POST", "http://files/a?b=c", headers=[("X", "y")], body=b"in"
    )
    assert (reply.status, reply.body) == (201, b"in")
    assert (asked[0].method, asked[0].path, asked[0].headers) == ("POST", "/a?b=c", (("X", "y"),))


def test_banners_are_heard(driver, handle):
    driver.machine(handle, "store").banners[22] = b"SSH-2.0-x"
    with driver.connect(handle, "lan", "store", 22) as line:
        assert line.recv(100) == b"SSH-2.0-x"
        assert line.recv(100) == b""


def test_files_and_processes_are_what_a_test_put_there(driver, handle):
    desk = driver.machine(handle, "desk")
    desk.files["/usr/bin/x"] = FakeFile(mode=0o4755, capabilities=b"\x01", modified_at=5.0)
    desk.files["/l"] = FakeFile(link_target="/etc/shadow")
    desk.processes.append(Process(pid=7, uid=0, argv=("sshd",)))
    found = driver.stat(handle, "desk", "/usr/bin/x")
    assert (found.mode, found.capabilities, found.modified_at) == (0o4755, b"\x01", 5.0)
    assert driver.read_file(handle, "desk", "/l") is None
    assert [p.argv for p in driver.processes(handle, "desk")] == [("sshd",)]


def test_an_exited_machine_is_gone_for_every_call(driver, handle):
    driver.exit_machine(handle, "desk", exit_code=137)
    assert driver.status(handle) is Status.EXITED
    for call in (driver.processes, lambda h, m: driver.exec(h, m, ["true"])):
        with pytest.raises(SandboxGone):
            call(handle, "desk")


def test_events_wake_whoever_waits(driver, handle):
    heard = []
    since = datetime.now(UTC)
    stream = driver.events(since)
    thread = threading.Thread(target=lambda: heard.append(next(stream)), daemon=True)
    thread.start()
    driver.record("out-of-memory", handle, "desk")
    thread.join(5)
    assert [(event.kind, event.machine) for event in heard] == [("out-of-memory", "desk")]


def test_events_end_where_told(driver):
    began = datetime.now(UTC)
    assert list(driver.events(began, until=began + timedelta(milliseconds=50))) == []


async def test_what_was_typed_and_the_sizes_are_remembered(driver, handle):
    console = await driver.open_console(handle, "desk", Size(columns=90, rows=20))
    await console.write(b"ls\r")
    await console.resize(Size(columns=91, rows=21))
    terminal = driver.machine(handle, "desk").terminals["main"]
    assert terminal.typed == b"ls\r"
    assert [size.columns for size in terminal.sizes] == [90, 91]
    terminal.console.print(b"from a test")
    seen = b""
    while b"from a test" not in seen:
        seen += await console.read()


def test_calls_are_counted(driver, handle):
    driver.status(handle)
    assert driver.calls == ["start", "status"]


def test_a_handle_of_another_sandbox_is_gone(driver, handle):
    with pytest.raises(SandboxGone):
        driver.usage(replace(handle, sandbox_id=uuid4()))
