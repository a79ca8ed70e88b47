"""An open console is presence, and a paused sandbox is resumed before its console opens."""

import asyncio
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from range.console.protocol import Close
from range.sandboxes.models import Sandbox
from tests.console.live import Page, a_desk, serving
from tests.console.support import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("console_role")]


@pytest.fixture
async def server(console_role):
    async with serving() as running:
        yield running


@sync_to_async
def row(desk, **changes):
    """Change the sandbox's row and return it."""
    same = Sandbox.objects.filter(pk=desk.sandbox.pk)
    if changes:
        same.update(**changes)
    return same.get()


async def until_row(desk, condition):
    async with asyncio.timeout(10):
        while not condition(await row(desk)):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_an_open_console_is_noted_as_presence(server):
    desk = await a_desk()
    assert (await row(desk)).seen_at is None
    async with server.sit(desk) as socket:
        await Page(socket).until(lambda p: p.shown)
        await until_row(desk, lambda sandbox: sandbox.seen_at is not None)


async def test_presence_is_noted_once_a_minute_whatever_is_typed(server, monkeypatch):
    desk = await a_desk()
    noted = []
    monkeypatch.setattr("range.console.role.touch", lambda ids: noted.append(set(ids)))
    async with server.sit(desk) as socket, server.sit(desk) as second:
        await Page(second).until(lambda p: p.shown)
        page = Page(socket)
        for number in range(30):
            await page.type(f"line {number}\r".encode())
            await asyncio.sleep(0.02)
        await until(lambda: noted)
        await asyncio.sleep(0.5)
    assert noted == [{desk.sandbox.pk}]


async def test_a_closed_console_is_no_presence(server, monkeypatch):
    monkeypatch.setattr("range.console.role.TOUCH_SECONDS", 0.0)
    desk = await a_desk()
    async with server.sit(desk) as socket:
        await Page(socket).until(lambda p: p.shown)
    await asyncio.sleep(0.3)
    noted = []
    monkeypatch.setattr("range.console.role.touch", lambda ids: noted.append(set(ids)))
    # Its terminal lingers for whoever comes back, and counts for nobody.
    assert server.role.registry.relays()
    await asyncio.sleep(0.6)
    assert noted == []


async def test_a_paused_sandbox_is_resumed_before_its_console_opens(server):
    desk = await a_desk()
    long_ago = timezone.now() - timedelta(hours=1)
    await row(desk, seen_at=long_ago, paused_at=long_ago)
    async with server.sit(desk) as socket:
        await until_row(desk, lambda sandbox: sandbox.seen_at > sandbox.paused_at)
        assert "open_console" not in desk.driver.calls
        await row(desk, paused_at=None)
        await Page(socket).until(lambda p: p.shown)


async def test_a_sandbox_that_does_not_resume_has_the_page_try_again(server, monkeypatch):
    monkeypatch.setattr("range.console.consumers.RESUME_SECONDS", 0.2)
    desk = await a_desk()
    long_ago = timezone.now() - timedelta(hours=1)
    await row(desk, seen_at=long_ago, paused_at=long_ago)
    async with server.sit(desk) as socket:
        await socket.wait_closed()
        assert socket.close_code == Close.FAILED
    assert "open_console" not in desk.driver.calls
