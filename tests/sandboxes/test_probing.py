"""The reconciler probes when it starts and when the engine came back, and holds nobody up."""

import os
import socket
import threading
import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command

from range.runtime import docker_spec
from range.runtime.containment.verdict import Outcome, Verdict, unproven
from range.runtime.driver import EngineDown
from range.runtime.fake import FakeDriver
from range.runtime.options import DriverOptions
from range.sandboxes import probe_record, probing
from range.sandboxes.models import Sandbox
from range.sandboxes.probing import Probing
from range.sandboxes.protection import Protection, Unprotected

HELD = Verdict(probe="egress-tcp", outcome=Outcome.CLOSED, detail="", critical=True)
OUT = Verdict(probe="egress-tcp", outcome=Outcome.OPEN, detail="left by eth0", critical=True)
VAIN = unproven("egress-tcp", "only root may watch", critical=True)


class Engine(FakeDriver):
    """An engine whose stream of events ends when a test says so."""

    def __init__(self):
        super().__init__(DriverOptions(installation="probing"))
        self.goes = threading.Event()
        self.away_for = 0
        self.until = []

    def events(self, since, *, until=None):
        self.until.append(until)
        if until is None:
            self.goes.wait()
            self.goes.clear()
            raise EngineDown("gone")
        yield from ()

    def running(self):
        if self.away_for:
            self.away_for -= 1
            raise EngineDown("not yet")
        return iter(())


@pytest.fixture
def runs(monkeypatch, state_dir):
    """What each run finds, the last one again and again; `runs.causes` tells of those kept."""

    class Runs(list):
        made = 0

    found = Runs()

    def run(driver, *, everything):
        assert not everything
        verdict = found[min(found.made, len(found) - 1)]
        found.made += 1
        if isinstance(verdict, Exception):
            raise verdict
        return [verdict]

    monkeypatch.setattr(probing, "run", run)
    monkeypatch.setattr(probing, "_close_the_host", lambda: None)
    monkeypatch.setattr(probing, "_wait_for_quiet", lambda ended: None)
    monkeypatch.setattr(probing, "_TURN_SECONDS", 0.01)
    return found


@pytest.fixture
def engine(monkeypatch):
    made = Engine()
    monkeypatch.setattr(probing, "probing_driver", lambda name: made)
    return made


@pytest.fixture
def ended():
    event = threading.Event()
    yield event
    event.set()


def within(seconds, happened):
    end = time.monotonic() + seconds
    while not happened() and time.monotonic() < end:
        time.sleep(0.01)
    return happened()


def kept(state_dir):
    record = probe_record.newest(state_dir)
    return record and (record.cause, record.breaches)


def test_what_the_probes_find_is_kept(runs, engine, state_dir):
    runs.append(HELD)
    assert Probing(driver_name="docker").probe("start")
    assert kept(state_dir) == ("start", [])


def test_a_breach_is_kept_and_asks_for_another_run(runs, engine, state_dir):
    runs.append(OUT)
    assert not Probing(driver_name="docker").probe("start")
    assert kept(state_dir) == ("start", ["egress-tcp"])


@pytest.mark.parametrize("failure", [EngineDown("gone"), ValueError("a bug"), OSError("full")])
def test_a_run_that_fails_keeps_nothing_and_is_made_again(runs, engine, state_dir, failure):
    runs.append(failure)
    assert not Probing(driver_name="docker").probe("start")
    assert kept(state_dir) is None


def test_it_waits_longer_each_time_nothing_can_be_proven(runs, engine):
    runs += [VAIN, VAIN, VAIN, HELD]
    probes = Probing(driver_name="docker")
    waits = []
    for _ in range(4):
        probes.probe("again")
        waits.append(probes._again_after)
    assert waits[0] < waits[1] < waits[2]
    assert waits[3] == probing.AGAIN_AFTER


def test_the_wait_is_bounded(runs, engine):
    runs.append(VAIN)
    probes = Probing(driver_name="docker")
    for _ in range(20):
        probes.probe("again")
    assert probes._again_after == probing.AT_MOST


def test_it_probes_again_by_itself_until_a_breach_is_mended(runs, engine, ended, state_dir):
    runs += [OUT, OUT, HELD]
    Probing(driver_name="docker").begin(ended)
    assert within(30, lambda: kept(state_dir) == ("again", []))
    assert within(30, lambda: engine.until[-1] is None), "mended, it waits for the engine only"
    assert runs.made == 3


def test_it_probes_again_once_the_engine_came_back(runs, engine, ended, state_dir):
    runs.append(HELD)
    Probing(driver_name="docker").begin(ended)
    assert within(30, lambda: len(engine.until) == 1)
    engine.away_for = 3
    engine.goes.set()
    assert within(30, lambda: kept(state_dir) == ("engine-restart", []))
    assert engine.away_for == 0
    assert within(30, lambda: len(engine.until) == 2)
    assert runs.made == 2


def test_a_driver_without_containers_is_not_probed(runs, engine, ended):
    threads = threading.active_count()
    Probing(driver_name="fake").begin(ended)
    assert threading.active_count() == threads


def test_its_end_waits_for_a_run_under_way(runs, engine, ended, monkeypatch):
    begun, may_end = threading.Event(), threading.Event()

    def slow(driver, *, everything):
        begun.set()
        may_end.wait()
        return [HELD]

    monkeypatch.setattr(probing, "run", slow)
    probes = Probing(driver_name="docker")
    probes.begin(ended)
    assert begun.wait(5)
    ended.set()
    threading.Timer(0.2, may_end.set).start()
    assert probes.finish(within=timedelta(seconds=5))
    assert may_end.is_set()


def test_its_end_does_not_wait_for_a_run_that_hangs(runs, engine, ended, monkeypatch):
    may_end = threading.Event()
    monkeypatch.setattr(probing, "run", lambda driver, *, everything: may_end.wait() and [HELD])
    probes = Probing(driver_name="docker")
    probes.begin(ended)
    assert within(30, probes._under_way.locked)
    assert not probes.finish(within=timedelta(seconds=0.05))
    ended.set()
    may_end.set()
    assert probes.finish(within=timedelta(seconds=5))


def test_its_end_does_not_wait_for_the_engine(runs, engine, ended):
    runs.append(HELD)
    probes = Probing(driver_name="docker")
    probes.begin(ended)
    assert within(30, lambda: engine.until)
    assert probes.finish(within=timedelta(seconds=0))


def test_the_reconciler_role_probes_beside_its_work(monkeypatch, settings):
    settings.RANGE_DRIVER = "fake"
    did = []
    command = "range.sandboxes.management.commands.run_reconciler"
    monkeypatch.setattr(f"{command}.end_on_signal", threading.Event)
    monkeypatch.setattr(f"{command}.Reconciler.run", lambda self, ended: did.append("run"))
    monkeypatch.setattr(f"{command}.Probing.begin", lambda self, ended: did.append("begin"))
    monkeypatch.setattr(f"{command}.Probing.finish", lambda self: did.append("finish"))
    call_command("run_reconciler")
    assert did == ["begin", "run", "finish"]


@pytest.mark.django_db(transaction=True)
def test_launches_under_way_come_first(sandbox, monkeypatch):
    monkeypatch.setattr(probing, "_TURN_SECONDS", 0.01)
    Sandbox.objects.filter(pk=sandbox.pk).update(state=Sandbox.State.STARTING)
    turns = []

    class Ended:
        def wait(self, seconds):
            turns.append(seconds)
            if len(turns) == 3:
                Sandbox.objects.update(state=Sandbox.State.RUNNING)
            return False

    probing._wait_for_quiet(Ended())
    assert len(turns) == 3


@pytest.mark.django_db(transaction=True)
def test_it_does_not_wait_for_ever_for_launches(sandbox, monkeypatch):
    monkeypatch.setattr(probing, "QUIET_WITHIN", timedelta(seconds=0.05))
    monkeypatch.setattr(probing, "_TURN_SECONDS", 0.01)
    Sandbox.objects.filter(pk=sandbox.pk).update(state=Sandbox.State.STARTING)
    probing._wait_for_quiet(threading.Event())


# --- on the real engine ---------------------------------------------------------------------------


class Gate:
    """Passes connections on to the engine's socket, and drops them all when it is shut."""

    def __init__(self, path, engine):
        self.path, self.engine = path, engine
        self.pairs = []

    @contextmanager
    def open(self):
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(self.path))
            server.listen()
            threading.Thread(target=self._serve, args=[server], daemon=True).start()
            yield
            self.path.unlink()
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
        for ends in self.pairs:
            for end in ends:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _serve(self, server):
        with suppress(OSError):
            while True:
                near = server.accept()[0]
                far = socket.socket(socket.AF_UNIX)
                far.connect(self.engine)
                self.pairs.append((near, far))
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=ends, daemon=True).start()

    def _pump(self, source, target):
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@pytest.mark.docker
def test_an_engine_that_goes_and_returns_is_noticed(tmp_path, monkeypatch, ended):
    from range.runtime.docker_engine import DockerDriver

    gate = Gate(tmp_path / "engine.sock", "/run/docker.sock")
    name = f"gate-{uuid4().hex[:8]}"
    driver = DockerDriver(DriverOptions(installation=name, engine_url=f"unix://{gate.path}"))
    monkeypatch.setattr(probing, "probing_driver", lambda _: driver)
    causes = []

    def wait():
        causes.append(Probing(driver_name="docker")._wait(ended, settled=True))

    with gate.open():
        waiting = threading.Thread(target=wait, daemon=True)
        waiting.start()
        assert within(30, lambda: gate.pairs)
        time.sleep(0.3)
        assert causes == [], "it did not even wait for the engine to go"
    with gate.open():
        waiting.join(10)
    assert causes == ["engine-restart"]
    driver.engine.close()


@pytest.fixture
def own_options(monkeypatch):
    options = DriverOptions(installation=f"probing-{os.getpid()}")
    monkeypatch.setattr("range.runtime.options._current", options)


@pytest.mark.docker
@pytest.mark.skipif(os.geteuid() != 0, reason="watching the host's cards needs root")
def test_the_critical_probes_of_this_machine_hold(state_dir, own_options):
    probes = Probing(driver_name="docker")
    # On a busy machine a run may prove nothing, which is not kept: then another one follows.
    if not probes.probe("start"):
        assert probe_record.newest(state_dir) is None
        assert probes.probe("again")
    record = probe_record.newest(state_dir)
    assert {verdict.outcome for verdict in record.verdicts} == {Outcome.CLOSED, Outcome.OK}


@pytest.mark.docker
@pytest.mark.skipif(os.geteuid() != 0, reason="watching the host's cards needs root")
def test_a_real_hole_stops_launches_until_a_run_finds_it_closed(
    state_dir, own_options, monkeypatch, settings
):
    settings.RANGE_DRIVER = "docker"
    guard, probes = Protection(), Probing(driver_name="docker")
    with monkeypatch.context() as hole:
        # Bridges that the host's rules do not know; all others stay as closed as they are.
        hole.setattr(docker_spec, "BRIDGE_PREFIX", "hol-")
        assert not probes.probe("start")
    with pytest.raises(Unprotected, match=r"host-by-raw-frame.*manage\.py doctor --probe"):
        guard.ensure()
    assert probes.probe("again")
    guard.ensure()
