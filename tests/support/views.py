"""A served view role, a machine behind it, and somebody at its page."""

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from tests.webview.live import Machine, an_opened, seated, serving


@pytest.fixture
async def view_role(loopback, state_dir):
    """A fresh in-memory driver, and sockets of this machine."""
    from range.runtime import registry

    registry._made.cache_clear()
    yield
    registry._made.cache_clear()
    await sync_to_async(connections.close_all)()


@pytest.fixture
async def view_server(view_role):
    async with serving() as running:
        yield running


@pytest.fixture
async def behind(view_role, monkeypatch):
    async with Machine().listening(monkeypatch) as made:
        yield made


@pytest.fixture
async def a_view(view_role):
    return await an_opened()


@pytest.fixture
async def visitor(view_server, behind, a_view):
    return await seated(view_server, a_view)
