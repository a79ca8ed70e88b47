"""A page may connect before its machines run: the console opens when they do, and not before."""

import asyncio
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session
from django.db import transaction

from range.console.models import Recording
from range.console.protocol import Close
from range.runtime.driver import Size
from range.sandboxes.models import Sandbox
from range.sandboxes.services import announce
from tests.console.live import Page, a_desk, serving
from tests.console.support import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("console_role")]
State = Sandbox.State


@pytest.fixture
async def server(console_role):
    async with serving() as running:
        yield running


async def starting_desk():
    desk = await a_desk()
    await become(desk, state=State.STARTING, announced=False)
    return desk


@sync_to_async
def become(desk, *, announced=True, **fields):
    with transaction.atomic():
        Sandbox.objects.filter(pk=desk.sandbox.pk).update(**fields)
        if announced:
            announce(desk.attempt.pk)


async def answered(socket):
    """Wait until the role has taken everything sent so far."""
    page = Page(socket)
    await page.say(type="heartbeat")
    return await page.until(lambda p: {"type": "heartbeat"} in p.controls)


@pytest.mark.parametrize("state", [State.REQUESTED, State.STARTING])
async def test_a_console_opens_by_itself_once_its_machines_run(server, monkeypatch, state):
    monkeypatch.setattr("range.console.consumers.LOOK_SECONDS", 600.0)
    desk = await starting_desk()
    await become(desk, state=state)
    async with server.sit(desk) as socket:
        page = await answered(socket)
        assert "open_console" not in desk.driver.calls
        await become(desk, state=State.RUNNING)
        await page.until(lambda p: p.shown)
    assert desk.driver.calls.count("open_console") == 1


async def test_it_opens_although_the_news_was_lost(server, monkeypatch):
    monkeypatch.setattr("range.console.consumers.LOOK_SECONDS", 0.1)
    desk = await starting_desk()
    async with server.sit(desk) as socket:
        page = await answered(socket)
        await become(desk, state=State.RUNNING, announced=False)
        await page.until(lambda p: p.shown)


async def test_what_is_typed_ahead_arrives_whole_and_in_order(server):
    desk = await starting_desk()
    typed = b"".join(b"%06d " % number for number in range(20_000))
    async with server.sit(desk) as socket:
        page = await answered(socket)
        for at in range(0, len(typed), 16_000):
            await page.type(typed[at : at + 16_000])
        await become(desk, state=State.RUNNING)
        await page.until(lambda p: b"019999 " in p.shown, seconds=20)
        await until(lambda: desk.terminal().typed == typed)


async def test_the_size_told_while_waiting_is_the_terminals(server):
    desk = await starting_desk()
    async with server.sit(desk, query="?cols=80&rows=24") as socket:
        await Page(socket).say(type="resize", cols=132, rows=50)
        page = await answered(socket)
        await become(desk, state=State.RUNNING)
        await page.until(lambda p: p.shown)
    assert desk.terminal().sizes[0] == Size(columns=132, rows=50)


async def test_a_page_that_leaves_opens_nothing(server):
    desk = await starting_desk()
    async with server.sit(desk) as socket:
        await answered(socket)
        assert len(server.role.registry.seats) == 1
    await until(lambda: not server.role.registry.seats)
    await become(desk, state=State.RUNNING)
    await asyncio.sleep(0.5)
    assert "open_console" not in desk.driver.calls
    assert await Recording.objects.acount() == 0


@pytest.mark.parametrize("fields", [{"state": State.FAILED}, {"wanted": Sandbox.Wanted.STOPPED}])
async def test_a_start_that_comes_to_nothing_is_told(server, fields):
    desk = await starting_desk()
    async with server.sit(desk) as socket:
        page = await answered(socket)
        await become(desk, **fields)
        assert await page.until_closed() == Close.NOT_RUNNING
    assert "open_console" not in desk.driver.calls


async def test_whoever_signed_out_meanwhile_gets_no_console(server):
    desk = await starting_desk()
    async with server.sit(desk) as socket:
        page = await answered(socket)
        await Session.objects.all().adelete()
        await become(desk, state=State.RUNNING)
        assert await page.until_closed() == Close.REVOKED
    assert "open_console" not in desk.driver.calls


async def test_waiting_pages_count_among_those_a_person_may_have(server, settings):
    settings.RANGE_CONSOLES_PER_TRAINEE = 1
    desk = await starting_desk()
    async with server.sit(desk) as first:
        await answered(first)
        async with server.sit(desk) as second:
            assert await Page(second).until_closed() == Close.TOO_MANY


async def test_news_of_one_attempt_leaves_others_unasked(server, monkeypatch):
    monkeypatch.setattr("range.console.role.SWEEP", timedelta(minutes=10))
    desk, other = await a_desk(), await starting_desk()
    asked = []
    ended = server.role.revoke
    monkeypatch.setattr(
        server.role, "revoke", lambda among=None: asked.append(among) or ended(among)
    )
    async with server.sit(desk) as socket:
        await Page(socket).until(lambda p: p.shown)
        await become(other, state=State.RUNNING)
        await until(lambda: {other.attempt.pk} in asked)
