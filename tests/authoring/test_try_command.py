"""The command itself, in a terminal of its own, with real machines."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks._floods import begun
from range.authoring.skeleton import new_scenario
from range.authoring.trial_slot import options_for
from range.runtime import options as driver_options
from range.runtime.driver import SandboxGone
from range.runtime.registry import get_driver

CLONE = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 60
pytestmark = [pytest.mark.docker, pytest.mark.timeout(400)]


class Terminal:
    """A command in a terminal; what it shows is collected, what is typed reaches it."""

    def __init__(self, folder, *arguments):
        self.main, other = pty.openpty()
        environment = os.environ | {
            "RANGE_SCENARIOS_DIR": str(folder.parent),
            "RANGE_STATE_DIR": str(folder.parent.parent / "state"),
            "RANGE_INSTALLATION": driver_options.current().installation,
            "RANGE_RUNTIME_ENV": "",
            "TERM": "xterm",
        }
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "try_scenario", folder.name, *arguments],
            cwd=CLONE,
            env=environment,
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
        )
        os.close(other)
        self.text = ""

    def until(self, pattern):
        """Wait until something new matches; return it."""
        began, ended = time.monotonic(), False
        while not (found := re.search(pattern, self.text)):
            late = time.monotonic() - began > LONGEST_SECONDS
            if ended or late:
                raise AssertionError(f"{pattern} was not shown: {self.text[-2000:]}")
            if not select.select([self.main], [], [], 1)[0]:
                continue
            try:
                self.text += os.read(self.main, 4096).decode(errors="replace").replace("\r", "")
            except OSError:
                ended = True
        self.text = self.text[found.end() :]
        return found

    def type(self, text):
        os.write(self.main, text.encode())

    def end(self, how):
        self.process.send_signal(how)
        return self.process.wait(60)


@pytest.fixture
def folder(tmp_path):
    made = new_scenario(tmp_path / "scenarios", f"try-{os.getpid()}")
    yield made
    for handle in list(driver_of(made).running()):
        driver_of(made).stop(handle)


@pytest.fixture
def opened(folder):
    terminals = []

    def begin(*arguments):
        terminals.append(Terminal(folder, *arguments))
        return terminals[-1]

    yield begin
    for each in terminals:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()
        os.close(each.main)


def built(folder):
    (handle,) = driver_of(folder).running()
    return driver_of(folder).read_file(handle, "desk", "/etc/built") == b"built\n"


def driver_of(folder):
    return get_driver("docker", options_for(folder.name))


def test_an_author_edits_looks_and_leaves_nothing_behind(folder, opened):
    author = opened("--reveal", "--choose", "drawer=letters")
    first = author.until(r"ready in ([\d.]+) s \(started desk\)")
    author.until(r"desk \(trainee\): manage.py try_scenario try-\d+ --shell desk")
    flag = author.until(r"flag_look = (FLAG\{\w+\})")[1]
    author.type("c")
    author.until(r"UNMET +look\n +unmet +flag: not-submitted")

    # A shell in this terminal, where the machine is what its author wrote.
    author.type("s")
    author.until(r"\$ ")
    author.type("cat /srv/letters.txt; id -un; exit\r")
    author.until(re.escape(flag) + r"\s+trainee")
    author.until(r"left the shell")
    author.type(f"f{flag}\n")
    author.until(r"right for look")
    author.type("c")
    author.until(r"MET +look")

    # What is saved is tried: first words alone, then a machine, then something broken.
    brief = folder / "brief.md"
    brief.write_text(brief.read_text() + "More.\n")
    author.until(r"changed: brief.md\n+ready in [\d.]+ s \(no machine differs\)")
    path = folder / "scenario.yaml"
    path.write_text(path.read_text().replace('mode: "0644"', 'mode: "0640"'))
    second = author.until(r"ready in ([\d.]+) s \(started desk\)")
    path.write_text(path.read_text().replace("networks: [office]", "networks: [attic]"))
    author.until(r"error: .*expected one of the networks office")
    path.write_text(path.read_text().replace("[attic]", "[office]"))
    author.until(r"no machine differs")
    print(f"\nready in {first[1]} s, after an edit in {second[1]} s")

    # A Dockerfile is built and its machine made anew; everything anew on a key.
    dockerfile = folder / "machines" / "desk" / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text() + "RUN echo built > /etc/built\n")
    third = author.until(r"ready in ([\d.]+) s \(started desk\)")
    assert built(folder)
    author.type("n")
    author.until(r"ready in [\d.]+ s \(started desk\)")
    assert built(folder)
    print(f"after an edit of the Dockerfile in {third[1]} s")

    assert len(list(driver_of(folder).running())) == 1
    assert author.end(signal.SIGINT) == 0
    assert list(driver_of(folder).running()) == []


def test_another_terminal_enters_the_same_machine(folder, opened):
    author = opened()
    author.until(r"ready in")
    visitor = opened("--shell", "desk", "--as", "root")
    visitor.until(r"# ")
    visitor.type("touch /root/been-here; ls /root; exit\r")
    visitor.until(r"been-here\n")
    assert visitor.process.wait(60) == 0
    second = opened()
    second.until(r"being tried already")
    author.type("q")
    author.until(r"removing it")
    assert author.process.wait(60) == 0
    late = opened("--shell", "desk")
    late.until(r"is not being tried")
    assert list(driver_of(folder).running()) == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])
def test_a_polite_end_removes_everything(folder, opened, how):
    author = opened()
    author.until(r"ready in")
    assert len(list(driver_of(folder).running())) == 1
    author.end(how)
    assert list(driver_of(folder).running()) == []


def test_what_a_killed_one_left_is_gone_once_the_next_is_ready(folder, opened):
    author = opened()
    author.until(r"ready in")
    author.end(signal.SIGKILL)
    (left,) = driver_of(folder).running()
    again = opened()
    again.until(r"ready in")
    (present,) = driver_of(folder).running()
    assert present.sandbox_id != left.sandbox_id
    again.end(signal.SIGINT)
    assert list(driver_of(folder).running()) == []


LIMIT_MB = 48
# What the fastest disk takes until the next glance, and a look after it.
OVERSHOOT = 12 << 30
FLOOD = """
with open("/var/tmp/much", "wb", 0) as file:
    while True:
        file.write(bytes(1 << 20))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="the host's side is seen by root only")
def test_attack_a_flood_is_stopped_its_author_told_why_and_the_next_save_mends_it(folder, opened):
    path = folder / "scenario.yaml"
    resources = f"  desk:\n    resources: {{disk_mb: {LIMIT_MB}}}\n"
    path.write_text(path.read_text().replace("  desk:\n", resources, 1))
    author = opened()
    author.until(r"ready in")
    driver = driver_of(folder)
    (handle,) = driver.running()
    free = driver.disk_left().free_bytes
    visitor = opened("--shell", "desk")
    visitor.until(r"\$ ")
    driver.exec(handle, "desk", begun(FLOOD))
    author.until(
        r"desk was stopped: its disk is full\. It wrote \d+ MB, and its disk_mb allows 48\."
    )
    assert free - driver.disk_left().free_bytes < OVERSHOOT
    with pytest.raises(SandboxGone):
        driver.exec(handle, "desk", ["true"])
    visitor.until(r"desk was stopped: its disk is full")
    assert visitor.process.wait(60) == 0
    late = opened("--shell", "desk")
    late.until(r"desk was stopped: its disk is full")

    # A save that changes no machine brings it back all the same, and nobody is told twice.
    (folder / "brief.md").write_text("# Another brief\n")
    author.until(r"ready in [\d.]+ s \(started desk\)")
    assert driver.exec(next(iter(driver.running())), "desk", ["true"]).exit_code == 0
    author.type("h")
    author.until(r"keys: c checks")
    assert "disk" not in author.text
