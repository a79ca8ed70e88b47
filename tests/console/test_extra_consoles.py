"""Consoles beside the first one: kept in rows, refused once closed, and ended in the machine."""

import asyncio
import uuid

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from range.console.extra_consoles import (
    ConsoleLimit,
    NoConsoleThere,
    close_extra,
    closed_among,
    extra_consoles,
    is_open,
    note_ended,
    open_extra,
    to_end,
)
from range.console.models import ExtraConsole, Recording
from range.console.protocol import Close
from range.runtime.driver import EngineDown
from range.timeline.services import events_of
from tests.console.live import Page, a_desk, desk, serving
from tests.console.support import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("console_role")]
FIRSTS = ("web", "db")


def opened(desk, machine="web", actor="trainee:x"):
    return open_extra(desk.attempt, machine=machine, firsts=FIRSTS, actor=actor)


def closed(desk, console, machine="web"):
    return close_extra(desk.attempt, machine=machine, console=console, actor="trainee:x")


def names(desk):
    return [f"{each.machine} {each.console}" for each in extra_consoles(desk.attempt)]


class TestRows:
    @pytest.fixture
    def desk(self):
        return desk()

    def test_numbers_begin_at_two_and_count_by_machine(self, desk):
        for machine in ("web", "db", "web"):
            opened(desk, machine)
        assert names(desk) == ["web 2", "db 2", "web 3"]

    def test_a_number_is_free_again_only_when_its_shell_has_ended(self, desk):
        opened(desk), opened(desk)
        assert closed(desk, "2")
        assert opened(desk).console == "4"
        note_ended(to_end()[0])
        assert opened(desk).console == "2"
        assert names(desk) == ["web 3", "web 4", "web 2"]

    def test_closing_twice_or_what_never_was_changes_nothing(self, desk):
        opened(desk)
        assert closed(desk, "2")
        before = events_of(desk.attempt.pk).count()
        assert not closed(desk, "2")
        assert not closed(desk, "main")
        assert not closed(desk, "7")
        assert events_of(desk.attempt.pk).count() == before

    def test_there_is_a_limit_that_closing_lifts(self, desk, settings):
        settings.RANGE_CONSOLES_PER_TRAINEE = 4
        opened(desk), opened(desk)
        with pytest.raises(ConsoleLimit, match="4 terminals"):
            opened(desk)
        closed(desk, "3")
        opened(desk)

    def test_only_machines_with_a_console_have_more_of_them(self, desk):
        for machine in ("hidden", "nowhere", "", "web; id"):
            with pytest.raises(NoConsoleThere):
                opened(desk, machine)
        assert not ExtraConsole.objects.exists()

    def test_both_are_events_of_whoever_did_it(self, desk):
        opened(desk, actor="trainee:42")
        closed(desk, "2")
        found = [(e.kind, e.actor, e.payload) for e in events_of(desk.attempt.pk)]
        place = {"machine": "web", "console": "2"}
        assert found == [
            ("console.opened", "trainee:42", place),
            ("console.closed", "trainee:x", place),
        ]

    def test_what_is_open_is_told_with_one_query(self, desk, django_assert_num_queries):
        opened(desk), opened(desk)
        closed(desk, "2")
        pk = desk.attempt.pk
        places = {(pk, "web", name) for name in ("main", "2", "3", "9")}
        with django_assert_num_queries(1):
            assert closed_among(places) == {(pk, "web", "2"), (pk, "web", "9")}
        with django_assert_num_queries(0):
            assert closed_among({(pk, "web", "main")}) == set()
            assert is_open(pk, machine="web", console="main")
        assert not is_open(uuid.uuid4(), machine="web", console="3")

    def test_without_a_sandbox_nothing_is_left_to_end(self, desk):
        opened(desk)
        desk.sandbox.state = "STOPPED"
        desk.sandbox.save()
        closed(desk, "2")
        assert [each.handle for each in to_end()] == [None]


@pytest.fixture
async def server(console_role):
    async with serving() as running:
        yield running


def terminals(desk):
    return desk.driver.sandboxes[desk.sandbox.pk].machines["web"].terminals


an_opened = sync_to_async(opened)
a_closed = sync_to_async(closed)


@sync_to_async
def none_to_end():
    try:
        return not to_end()
    finally:
        connection.close()


async def ended_everywhere():
    async with asyncio.timeout(10):
        while not await none_to_end():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_two_consoles_of_a_machine_are_apart(server):
    desk = await a_desk()
    await an_opened(desk)
    async with server.sit(desk) as first, server.sit(desk, console="2") as second:
        one, two = Page(first), Page(second)
        for page in (one, two):
            await page.until_shown(b"$ ")
        await one.type(b"only here")
        await one.until_shown(b"only here")
        assert terminals(desk)["2"].typed == b""
    kept = await sync_to_async(list)(Recording.objects.values_list("console", flat=True))
    assert sorted(kept) == ["2", "main"]


@pytest.mark.parametrize("console", ["2", "9", "anything", "main-2"])
async def test_a_console_that_was_never_opened_is_refused(server, console):
    desk = await a_desk()
    async with server.sit(desk, console=console) as socket:
        assert await Page(socket).until_closed() == Close.CLOSED
    assert list(terminals(desk)) == []


async def test_closing_ends_the_shell_the_sockets_and_the_recording(server):
    desk = await a_desk()
    await an_opened(desk)
    async with (
        server.sit(desk) as stays,
        server.sit(desk, console="2") as one,
        server.sit(desk, console="2") as other,
    ):
        pages = [Page(each) for each in (one, other)]
        first = Page(stays)
        for page in (first, *pages):
            await page.until_shown(b"$ ")
        assert await a_closed(desk, "2")
        assert [await page.until_closed() for page in pages] == [Close.CLOSED, Close.CLOSED]
        await ended_everywhere()
        assert list(terminals(desk)) == ["main"]
        await first.type(b"still here")
        await first.until_shown(b"still here")
    async with server.sit(desk, console="2") as again:
        assert await Page(again).until_closed() == Close.CLOSED
    await until(lambda: len(server.role.registry.relays()) == 1)


async def test_a_shell_nobody_is_connected_to_is_ended_as_well(server):
    desk = await a_desk()
    await an_opened(desk)
    async with server.sit(desk, console="2") as socket:
        await Page(socket).until_shown(b"$ ")
    await a_closed(desk, "2")
    await ended_everywhere()
    assert list(terminals(desk)) == []
    assert (await sync_to_async(Recording.objects.get)()).ended_at is not None


async def test_an_engine_that_is_away_is_asked_again(server, monkeypatch):
    desk = await a_desk()
    await an_opened(desk)
    async with server.sit(desk, console="2") as socket:
        await Page(socket).until_shown(b"$ ")
    asked, kill = [], desk.driver.kill_consoles

    def away_twice(*arguments, **named):
        asked.append(named)
        if len(asked) < 3:
            raise EngineDown
        kill(*arguments, **named)

    monkeypatch.setattr(desk.driver, "kill_consoles", away_twice)
    await a_closed(desk, "2")
    await ended_everywhere()
    assert asked == [{"console_id": "2"}] * 3
    assert list(terminals(desk)) == []


async def test_closing_takes_nothing_from_another_trainee(server):
    mine, theirs = await a_desk(), await a_desk()
    for each in (mine, theirs):
        await an_opened(each)
    async with server.sit(mine, console="2") as one, server.sit(theirs, console="2") as other:
        for socket in (one, other):
            await Page(socket).until_shown(b"$ ")
        await a_closed(mine, "2")
        assert await Page(one).until_closed() == Close.CLOSED
        await ended_everywhere()
        page = Page(other)
        await page.type(b"undisturbed")
        await page.until_shown(b"undisturbed")
