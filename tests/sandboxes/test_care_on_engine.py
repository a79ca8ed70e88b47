"""What befalls running machines, on the real engine."""

import asyncio
import contextlib
import socket
import threading
import time
import uuid
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from range.catalog.services import topology_for, values_for
from range.runtime.docker_engine import DockerDriver
from range.runtime.driver import Handle, SandboxPaused, Size, Status
from range.runtime.options import DriverOptions
from range.sandboxes import activity, disks, services
from range.sandboxes.models import Sandbox
from range.sandboxes.watch import Watch
from tests.support.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.django_db(transaction=True)]
BASE = "range/base:bookworm"


@pytest.fixture
def driver():
    made = DockerDriver(DriverOptions(installation=f"care-{uuid.uuid4().hex[:8]}"))
    yield made
    for handle in list(made.running()):
        made.stop(handle)
    made.engine.close()


@pytest.fixture
def two_machines(version):
    """Two machines with consoles; `box` holds the flag in a seeded file."""
    spec = deepcopy(version.spec)
    box = spec["machines"]["box"] | {"build": None, "console": {"user": "nobody"}}
    seed = {"text": "{{ flag_enter }}", "to": "/opt/flag"}
    spec["machines"] = {
        "box": box | {"seed": [seed]},
        "web": deepcopy(box) | {"resources": {"memory_mb": 64, "disk_mb": 16}},
    }
    images = {"box": BASE, "web": BASE}
    type(version).objects.filter(pk=version.pk).update(spec=spec, images=images)
    version.spec, version.images = spec, images
    return version


@pytest.fixture
def running(two_machines, sandbox, driver, attempt):
    topology = topology_for(two_machines, attempt.pk, sandbox.epoch)
    handle = driver.start(sandbox.pk, topology, deadline=timezone.now() + timedelta(minutes=1))
    Sandbox.objects.filter(pk=sandbox.pk).update(handle=handle.to_json())
    sandbox.refresh_from_db()
    return sandbox


def test_a_machine_that_was_killed_is_told_once_with_its_exit_code(running, driver, told):
    with driver.engine.client() as client:
        client.kill(Handle.from_json(running.handle).machines["web"].container_id)
    watch, since = Watch(lambda: driver), running.started_at
    for _ in range(2):
        since = watch.follow(since, until=timezone.now())
    ((_, payload),) = told("sandbox.machine_died")
    assert (payload["machine"], payload["exit_code"]) == ("web", 137)


def test_a_machine_that_eats_its_memory_is_told_of_while_it_runs_on(
    running, driver, handle_of, told
):
    hog = ["sh", "-c", "exec tail /dev/zero"]
    assert driver.exec(handle_of, "web", hog).exit_code == 137
    watch = Watch(lambda: driver)

    def heard():
        watch.follow(running.started_at, until=timezone.now())
        return told("sandbox.out_of_memory")

    # The engine hears of it from the kernel by way of its shim, a moment later.
    ((_, payload),) = until(heard, "the engine never tells of it")
    assert payload["machine"] == "web"
    assert told("sandbox.machine_died") == []


async def _type_over_a_reset(driver, handle, reset):
    """Type on `web` before and after `reset`; return what its terminal showed."""
    stream = await driver.open_console(handle, "web", Size())
    shown = b""

    async def see(text):
        nonlocal shown
        async with asyncio.timeout(20):
            while text not in shown:
                shown += await stream.read()

    await stream.write(b"kept=on-web\n")
    await asyncio.to_thread(reset)
    await stream.write(b'echo "[$kept]"\n')
    await see(b"[on-web]")
    await stream.close()
    return shown


def test_one_machine_is_replaced_and_a_terminal_of_the_other_goes_on(
    running, driver, handle_of, reconcile, attempt, now, told, version
):
    flag = values_for(version, attempt.pk, 1)["flag_enter"].encode()
    driver.put_file(handle_of, "box", "/opt/flag", b"overwritten")
    driver.put_file(handle_of, "box", "/opt/mine", b"mine")

    def reset():
        services.reset_machine(attempt, "box", actor="trainee:x")
        reconcile()
        # Of the thread this runs in.
        connection.close()

    asyncio.run(_type_over_a_reset(driver, handle_of, reset))
    fresh = Handle.from_json(now().handle)
    assert driver.read_file(fresh, "box", "/opt/flag") == flag
    assert driver.read_file(fresh, "box", "/opt/mine") is None
    assert fresh.machines["box"].addresses == handle_of.machines["box"].addresses
    Watch(lambda: driver).follow(running.started_at, until=timezone.now())
    assert [kind for kind, _ in told()] == ["machine_reset_asked", "machine_reset"]
    print(f"\none machine reset in {told('sandbox.machine_reset')[0][1]['milliseconds']} ms")


def test_a_machine_that_died_works_again_after_its_reset(
    running, driver, handle_of, reconcile, attempt, now, told
):
    with driver.engine.client() as client:
        client.kill(handle_of.machines["box"].container_id)
    Watch(lambda: driver).follow(running.started_at, until=timezone.now() + timedelta(seconds=1))
    assert now().machine_states.get().ended_at is not None
    services.reset_machine(attempt, "box", actor="trainee:x")
    reconcile()
    state = now().machine_states.get()
    assert (state.ended_at, state.reset) == (None, "")
    fresh = Handle.from_json(now().handle)
    assert driver.exec(fresh, "box", ["true"]).exit_code == 0
    Watch(lambda: driver).follow(running.started_at, until=timezone.now())
    assert len(told("sandbox.machine_died")) == 1


def test_a_sandbox_that_nobody_is_at_freezes_and_goes_on_where_it_stood(
    running, driver, handle_of, reconcile, now, told
):
    counting = "i=0; while :; do i=$((i+1)); echo $i > /tmp/count; sleep 0.02; done"
    script = f"setsid sh -c '{counting}' >/dev/null 2>&1 </dev/null &"
    driver.exec(handle_of, "box", ["sh", "-c", script])
    count = partial(driver.read_file, handle_of, "box", "/tmp/count")
    until(count, "it does not count")
    ago = timezone.now() - timedelta(hours=1)
    Sandbox.objects.update(seen_at=ago, started_at=ago)
    reconcile()
    assert driver.status(handle_of) is Status.PAUSED
    with pytest.raises(SandboxPaused):
        driver.exec(handle_of, "box", ["true"])
    # It may have been frozen where the file is empty, between two numbers.
    before = int(count() or 0)
    began = time.monotonic()
    activity.touch([running.pk])
    reconcile()
    took = time.monotonic() - began
    assert now().paused_at is None
    assert driver.status(handle_of) is Status.RUNNING
    until(lambda: int(count() or 0) > before, "it does not go on")
    assert [kind for kind, _ in told()] == ["paused", "resumed"]
    resumed = told("sandbox.resumed")[0][1]["milliseconds"]
    print(
        f"\ntwo machines thawed in {resumed} ms; from the touch to the row in {took * 1000:.0f} ms"
    )


def test_a_frozen_sandbox_with_an_ended_machine_is_frozen_reset_and_stopped(
    running, driver, handle_of, reconcile, attempt, now
):
    with driver.engine.client() as client:
        client.kill(handle_of.machines["web"].container_id)
        client.wait(handle_of.machines["web"].container_id)
    ago = timezone.now() - timedelta(hours=1)
    Sandbox.objects.update(seen_at=ago, started_at=ago)
    reconcile()
    assert now().paused_at is not None
    services.reset_machine(attempt, "web", actor="trainee:x")
    reconcile()
    reconcile()
    assert driver.status(Handle.from_json(now().handle)) is Status.RUNNING
    driver.pause(handle_of)
    driver.stop(handle_of)
    assert driver.status(handle_of) is Status.GONE


def test_a_machine_that_fills_its_disk_is_warned_of_and_stopped(
    running, driver, handle_of, told, now
):
    def fill(mebibytes):
        wanted = f"dd if=/dev/zero of=/opt/big bs=1M count={mebibytes} 2>/dev/null"
        driver.exec(handle_of, "web", ["sh", "-c", wanted])
        disks.sweep(driver)

    fill(14)
    assert [payload["machine"] for _, payload in told("sandbox.disk_low")] == ["web"]
    assert driver.status(handle_of) is Status.RUNNING
    fill(20)
    assert told("sandbox.disk_full")[0][1]["reason"] == "disk-full"
    assert {look.machine: look.is_running for look in driver.survey()} == {
        "box": True,
        "web": False,
    }
    Watch(lambda: driver).follow(running.started_at, until=timezone.now() + timedelta(seconds=1))
    assert told("sandbox.machine_died") == []
    assert now().machine_states.get().end_reason == "disk-full"


class Cable:
    """A way to the engine's socket that can be cut and mended."""

    def __init__(self, path, target):
        self.path, self.target = path, target
        self.ends = set()
        self.mend()

    def mend(self):
        self.path.unlink(missing_ok=True)
        self.door = socket.socket(socket.AF_UNIX)
        self.door.bind(str(self.path))
        self.door.listen(16)
        threading.Thread(target=self._serve, args=[self.door], daemon=True).start()

    def cut(self):
        self.path.unlink()
        for end in (self.door, *list(self.ends)):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.ends.clear()

    def _serve(self, door):
        with contextlib.suppress(OSError):
            while True:
                near, _ = door.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self.target)
                self.ends |= {near, far}
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=[source, sink], daemon=True).start()

    def _carry(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


def test_what_happens_while_the_engine_is_out_of_reach_is_told_afterwards(
    running, driver, handle_of, told, tmp_path, monkeypatch
):
    monkeypatch.setattr("range.sandboxes.watch.PAUSE_SECONDS", 0.1)
    cable = Cable(tmp_path / "engine", driver.engine.socket_path)
    options = replace(driver.options, engine_url=f"unix://{cable.path}")
    reached = DockerDriver(options)
    ended = threading.Event()
    thread = threading.Thread(target=Watch(lambda: reached).run, args=[ended])
    thread.start()
    time.sleep(1.5)  # it follows
    cable.cut()
    driver.halt(handle_of, "web")
    time.sleep(0.5)
    assert told("sandbox.machine_died") == []
    cable.mend()
    deadline = time.monotonic() + 60
    while not told("sandbox.machine_died") and time.monotonic() < deadline:
        time.sleep(0.05)
    ended.set()
    cable.cut()
    thread.join(timeout=30)
    assert not thread.is_alive()
    ((_, payload),) = told("sandbox.machine_died")
    assert (payload["machine"], payload["exit_code"]) == ("web", 137)
