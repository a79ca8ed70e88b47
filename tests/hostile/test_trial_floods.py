"""An author floods the disk from their own trial; the role that keeps it holds the bound."""

import os
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.db import connection

from benchmarks._floods import begun
from range.authoring import trials
from range.authoring.trial_page import trial_page
from range.authoring.workshop import Workshop
from range.runtime import options as driver_options
from range.runtime.driver import Handle, SandboxGone
from range.runtime.options import DriverOptions
from range.runtime.registry import get_driver
from range.sandboxes import disks
from range.sandboxes.models import Trial
from range.sandboxes.protection import Protection
from tests.authoring.test_verify import solvable
from tests.authoring.workshop_support import drafted, saved
from tests.support.waiting import until

pytestmark = [
    pytest.mark.docker,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(os.geteuid() != 0, reason="the host's side is seen by root only"),
]
MIB = 1 << 20
LIMIT_MB = 48
# What the fastest disk takes until the next glance, and a look after it.
OVERSHOOT = 12 << 30
FLOOD = """
with open("/srv/much", "wb", 0) as file:
    while True:
        file.write(bytes(1 << 20))
"""


def two_desks():
    data = solvable()
    limits = {"disk_mb": LIMIT_MB, "memory_mb": 128}
    data["machines"]["box"]["resources"] = dict(limits)
    data["machines"]["calm"] = {"networks": ["lan"], "resources": dict(limits)}
    return data


def _ran(role, ended):
    try:
        role.run(ended)
    finally:
        connection.close()


@pytest.fixture
def workshop(settings, tmp_path, monkeypatch):
    """The workshop's role on the real engine, under a label of this test's own."""
    settings.RANGE_STATE_DIR = tmp_path / "state"
    own = DriverOptions(installation=f"floods-{uuid4().hex[:8]}")
    monkeypatch.setattr(driver_options, "current", lambda: own)
    monkeypatch.setattr(Protection, "ensure", lambda self: None)

    @contextmanager
    def runs():
        ended = threading.Event()
        build = lambda spec, folder: dict.fromkeys(spec.machines, "range/base:bookworm")  # noqa: E731
        role = Workshop(drivers=partial(get_driver, "docker"), build=build)
        thread = threading.Thread(target=_ran, args=[role, ended])
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(timeout=90)
            assert not thread.is_alive()

    with runs():
        yield own


@pytest.fixture
def up(workshop, instructor, school, tmp_path):
    draft = drafted(instructor, school, tmp_path, two_desks())
    made = trials.begin(draft.pk, author=instructor)
    until(lambda: state(made) in ("UP", "BROKEN", "ENDED"), "it does not come up", seconds=90)
    made.refresh_from_db()
    assert state(made) == "UP", made.told
    return made


def state(of_draft):
    return Trial.objects.get(pk=of_draft.pk).state


def shown(of_draft):
    of_draft.refresh_from_db()
    of_draft.trial.refresh_from_db()
    return trial_page(of_draft)


def driver_of(of_draft, own):
    name = f"{own.installation}-try-web-{of_draft.pk.hex}"
    return get_driver("docker", replace(own, installation=name))


def test_a_flood_in_a_trial_is_stopped_and_its_neighbour_works_on(
    workshop, up, monkeypatch, instructor, tmp_path
):
    monkeypatch.setattr(disks, "EVERY", timedelta(hours=1))
    driver, handle = driver_of(up, workshop), Handle.from_json(Trial.objects.get().handle)
    free = driver.disk_left().free_bytes
    driver.exec(handle, "box", begun(FLOOD))

    def halted():
        looks = {each.machine: each.is_running for each in driver.survey()}
        assert looks["calm"]
        return not looks["box"]

    until(halted, "the machine writes on", seconds=60)
    assert free - driver.disk_left().free_bytes < OVERSHOOT
    with pytest.raises(SandboxGone):
        driver.exec(handle, "box", ["true"])
    until(lambda: shown(up).disks, "nobody is told")
    (told,) = shown(up).disks
    assert (told.machine, told.is_full, told.limit_mb) == ("box", True, LIMIT_MB)

    # The next save brings it back, although nothing of it differs.
    data = two_desks()
    saved(up.draft, instructor, tmp_path, data | {"summary": "A save that changes no machine."})
    until(lambda: shown(up).revision == 2 and state(up) == "UP", "it stays away", seconds=60)
    looks = {each.machine: each for each in driver.survey(sizes=True)}
    assert looks["box"].is_running
    assert looks["box"].disk_bytes < LIMIT_MB * MIB
    assert shown(up).disks == ()
