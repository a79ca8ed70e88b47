"""What tests of running consoles need, and patience for property tests on a busy machine."""

from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from hypothesis import settings

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
