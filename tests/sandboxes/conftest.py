"""A running sandbox with two machines on the in-memory driver, for tests of what befalls it."""

from copy import deepcopy
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from range.runtime.driver import Handle, RuntimeEvent


@pytest.fixture
def two_machines(version):
    """Give the small scenario a second machine, and a third that is hidden."""
    spec = deepcopy(version.spec)
    spec["machines"]["web"] = {"build": "machines/web", "networks": ["lan"]}
    spec["machines"]["cave"] = {"build": "machines/cave", "networks": ["lan"], "hidden": True}
    version.images = {"box": "none", "web": "none", "cave": "none"}
    type(version).objects.filter(pk=version.pk).update(spec=spec, images=version.images)
    version.spec = spec
    return version


@pytest.fixture
def told(attempt):
    """Return the events of the attempt's sandbox so far: kind and payload."""

    # Django is not set up yet when this file is read.
    from range.timeline.services import events_of

    def of(*kinds):
        events = events_of(attempt.pk, kinds=kinds)
        return [(event.kind.removeprefix("sandbox."), event.payload) for event in events]

    return of


@pytest.fixture
def running(two_machines, sandbox, handle):
    sandbox.refresh_from_db()
    return sandbox


@pytest.fixture
def handle_of(running):
    return Handle.from_json(running.handle)


@pytest.fixture
def now(running):
    """Return the sandbox as its row is at this moment."""

    def look():
        return type(running).objects.get(pk=running.pk)

    return look


@pytest.fixture
def panel(client, trainee, running):
    """Return the trainee's panel of the running sandbox, as its page gets it."""
    client.force_login(trainee)

    def look():
        url = reverse("sandbox-panel", args=[running.attempt_id])
        return client.get(url).content.decode()

    return look


@pytest.fixture
def happens(running, handle_of):
    """Return an event of a machine of the running sandbox."""

    def make(kind, machine="web", *, after=timedelta(0), container=None, exit_code=None):
        return RuntimeEvent(
            at=timezone.now() + after,
            kind=kind,
            sandbox_id=running.pk,
            machine=machine,
            container_id=container or handle_of.machines[machine].container_id,
            exit_code=exit_code,
        )

    return make


@pytest.fixture
def reconciler(driver, monkeypatch, settings):
    from range.sandboxes.reconciler import Reconciler

    settings.RANGE_DRIVER = "fake"
    settings.RANGE_SPARE_SANDBOXES = 0
    monkeypatch.setattr("range.sandboxes.reconciler.get_driver", lambda name: driver)
    made = Reconciler(driver_name="fake", concurrency=2)
    yield made
    made.close()


@pytest.fixture
def reconcile(reconciler):
    """Look at the rows once and finish what that began."""

    def once():
        reconciler.tick()
        reconciler.settle()

    return once
