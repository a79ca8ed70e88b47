"""An engine that is killed while it starts a container forgets its processes; the range does not.

See `host_processes.end_forgotten`.
"""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from range.lib.errors import RangeError
from range.runtime import docker_remove
from range.runtime.base_image import ensure_base_image
from tests.chaos.engine import OwnEngine
from tests.support.waiting import until

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("chaos"),
    pytest.mark.skipif(os.geteuid() != 0, reason="an engine of the test's own needs root"),
]
# The moment that matters comes soon after somebody watches over the container; how soon is for the
# machine to decide, so the wait follows it: longer after a kill that came too early, shorter after
# one that came too late.
TRIES = 30
WITHIN_SECONDS = 60


@pytest.fixture
def engine():
    made = OwnEngine(Path(os.environ["RANGE_STATE_DIR"]) / f"engine-{os.getpid()}")
    try:
        made.start()
        made.give([ensure_base_image()])
        yield made
    finally:
        made.stop()


def begin(engine, container):
    with suppress(RangeError), engine.client.client() as client:
        client.start(container)


def forgotten(engine):
    """Return a container that the engine takes for never started while its processes live."""
    wait = 0.0
    for _ in range(TRIES):
        with engine.client.client() as client:
            host = client.create_host_config(network_mode="none")
            made = client.create_container(ensure_base_image(), ["sleep", "600"], host_config=host)[
                "Id"
            ]
        thread = threading.Thread(target=begin, args=[engine, made])
        thread.start()
        until(lambda made=made: made in engine.watched(), "it does not start")
        time.sleep(wait)
        engine.kill()
        thread.join()
        engine.start()
        with engine.client.client() as client:
            state = client.inspect_container(made)["State"]["Status"]
        if state == "created" and made in engine.watched():
            return made
        wait = wait * 1.5 + 0.05 if state == "created" else wait / 2
        docker_remove.container(engine.client, made)
    raise AssertionError("the engine was never killed at the moment that matters")


def test_what_an_engine_forgot_ends_with_its_container(engine):
    container = forgotten(engine)
    docker_remove.container(engine.client, container)
    deadline = time.monotonic() + WITHIN_SECONDS
    while engine.strays():
        assert time.monotonic() < deadline, engine.strays()
        time.sleep(0.1)
