"""A running sandbox with two machines on the in-memory driver, for tests of what befalls it."""

from copy import deepcopy

import pytest


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
