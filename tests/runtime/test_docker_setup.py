"""Set-up as a machine's first process: nothing of it is seen later, and nothing of it lingers."""

from datetime import timedelta
from uuid import uuid4

import pytest

from range.runtime import docker_setup
from range.runtime.driver import LaunchFailed
from range.runtime.engine_client import Engine
from tests.contracts.rigs import IMAGE, DockerRig, single, soon

pytestmark = [pytest.mark.docker, pytest.mark.enable_socket]
SECRET = "planted-in-the-third-drawer"


@pytest.fixture(scope="module")
def rig():
    made = DockerRig()
    yield made
    made.close()


@pytest.fixture
def started(rig):
    """Start a machine with set-up commands; returns a way to run a command in it as root."""
    handles = []

    def start(*setup, seconds=30):
        handle = rig.driver.start(uuid4(), single(setup=setup), deadline=soon(seconds))
        handles.append(handle)

        def ask(script):
            argv = ["/bin/sh", "-c", script]
            found = rig.driver.exec(
                handle, "desk", argv, user="root", timeout=timedelta(seconds=10)
            )
            return found.stdout.decode()

        return ask

    yield start
    for handle in handles:
        rig.driver.stop(handle)


def test_the_image_of_these_tests_runs_nothing_of_its_own():
    machine = single(setup=(("true",),)).machines[0]
    assert docker_setup.first(Engine(), machine, {"Image": IMAGE}) is not None


def test_a_machine_without_set_up_keeps_its_images_program():
    assert docker_setup.first(Engine(), single().machines[0], {"Image": IMAGE}) is None


def test_no_process_shows_the_commands_afterwards(started):
    ask = started(("sh", "-c", f"echo {SECRET} > /srv/made; true {SECRET}"))
    assert ask("cat /srv/made").strip() == SECRET
    shown = ask("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' ' '")
    assert "sleep infinity" in shown
    assert SECRET not in shown.replace(f"cat {SECRET}", "")


def test_what_set_up_leaves_running_belongs_to_init_and_holds_no_line(started):
    ask = started(("sh", "-c", "tail -f /dev/null & echo $! > /srv/pid"))
    parent = "$(awk '/^PPid/ {print $2}' /proc/$(cat /srv/pid)/status)"
    assert ask(f"tr '\\0' ' ' < /proc/{parent}/cmdline").startswith("/sbin/docker-init")
    ends = ask("for n in 0 1 2; do readlink /proc/$(pgrep -ox sleep)/fd/$n; done")
    assert set(ends.split()) == {"/dev/null"}


def test_commands_read_nothing_of_the_line_and_may_say_whatever_they_like(started):
    loud = "head -c 3000000 /dev/zero | tr '\\0' 'x'; echo; echo 0123456789abcdef 7"
    ask = started(("sh", "-c", f"cat > /srv/read; {loud}"), ("touch", "/srv/after"))
    assert ask("stat -c %s /srv/read /srv/after").split() == ["0", "0"]


def test_set_up_without_an_end_is_told_and_leaves_nothing(started):
    with pytest.raises(LaunchFailed) as caught:
        started(("sleep", "60"), seconds=3)
    assert caught.value.reason == "deadline"
    assert caught.value.retryable
