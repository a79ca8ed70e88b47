"""What tests of running consoles need, and patience for property tests on a busy machine."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from hypothesis import settings

from range.runtime.docker_engine import DockerDriver
from range.runtime.options import DriverOptions
from range.runtime.topology import Console, Machine, Network, Topology

SECRETS = {"FLAG{K5QWIZLUMVZGKYLQ7XH2ZZ4A}": "[flag]", "hunter2-of-eve": "[password]"}

settings.register_profile("console", deadline=None, max_examples=60)
settings.load_profile("console")


@pytest.fixture
async def console_role(loopback, state_dir, monkeypatch):
    """A state folder, a fresh in-memory driver and loopback sockets for a console role."""
    from range.runtime import registry

    registry._made.cache_clear()
    monkeypatch.setattr("range.console.redacting.secrets_of", lambda *_: dict(SECRETS))
    monkeypatch.setattr("range.console.role.SWEEP", timedelta(seconds=0.2))
    yield state_dir
    registry._made.cache_clear()
    # Asynchronous queries run in a thread of their own, whose connection nobody else closes.
    await sync_to_async(connections.close_all)()


@contextmanager
def small_machines(name, count=1):
    """Lend a driver, and sandboxes of one small machine each on the real engine."""
    driver = DockerDriver(DriverOptions(installation=f"{name}-{uuid.uuid4().hex[:8]}"))
    image, console = "range/base:bookworm", Console(user="nobody")
    machine = Machine(name="web", image=image, networks=("lan",), console=console)
    topology = Topology(machines=(machine,), networks=(Network(name="lan"),))
    deadline = datetime.now(UTC) + timedelta(seconds=120)

    def start(_):
        return driver.start(uuid.uuid4(), topology, deadline=deadline)

    with ThreadPoolExecutor(2) as pool:
        handles = list(pool.map(start, range(count)))
    yield driver, handles
    for handle in handles:
        driver.stop(handle)
