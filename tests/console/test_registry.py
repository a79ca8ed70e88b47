import asyncio
import uuid

import pytest

from range.console.protocol import Close
from range.console.registry import Registry, Seat, TooManyConsoles
from range.console.relay import Key, Relay
from range.console.screen import Screen
from range.console.watchers import Watcher
from range.runtime.driver import EngineDown, Size
from tests.console.support import Page, PlainTape, ScriptedStream, until


def key(sandbox=None, machine="web"):
    return Key(sandbox_id=sandbox or uuid.uuid4(), machine=machine, console="main")


class Doors:
    """Opens consoles and counts how often."""

    def __init__(self):
        self.opened = []

    def opener(self, wanted):
        async def open_it():
            await asyncio.sleep(0.01)
            relay = Relay(wanted, ScriptedStream(), tape=PlainTape(), screen=Screen(), size=Size())
            self.opened.append(relay)
            return relay

        return open_it


def watcher():
    return Watcher(Page().take, cols=80, rows=24)


@pytest.fixture
async def registry():
    registry = Registry(linger_seconds=0.05)
    yield registry
    await registry.close_all(Close.NORMAL)


async def test_two_pages_at_once_share_one_terminal(registry):
    doors, wanted = Doors(), key()
    joined = await asyncio.gather(
        *(registry.join(wanted, watcher(), doors.opener(wanted)) for _ in range(5))
    )
    assert len(doors.opened) == 1
    assert len(set(joined)) == 1


async def test_another_console_is_opened_on_its_own(registry):
    doors, sandbox = Doors(), uuid.uuid4()
    for wanted in (key(sandbox, "web"), key(sandbox, "db")):
        await registry.join(wanted, watcher(), doors.opener(wanted))
    assert len(doors.opened) == 2


async def test_a_failed_opening_leaves_nothing_and_can_be_tried_again(registry):
    doors, wanted = Doors(), key()

    async def fail():
        raise EngineDown

    with pytest.raises(EngineDown):
        await registry.join(wanted, watcher(), fail)
    assert registry.relays() == ()
    await registry.join(wanted, watcher(), doors.opener(wanted))
    assert len(registry.relays()) == 1


async def test_a_console_nobody_looks_at_is_let_go_after_a_while(registry):
    doors, wanted, page = Doors(), key(), watcher()
    relay = await registry.join(wanted, page, doors.opener(wanted))
    registry.leave(relay, page)
    assert registry.relays() == (relay,)
    await until(lambda: registry.relays() == ())
    assert relay.closed.result() == Close.NORMAL


async def test_coming_back_in_time_keeps_it(registry):
    doors, wanted, page = Doors(), key(), watcher()
    relay = await registry.join(wanted, page, doors.opener(wanted))
    registry.leave(relay, page)
    assert await registry.join(wanted, watcher(), doors.opener(wanted)) is relay
    await asyncio.sleep(0.1)
    assert registry.relays() == (relay,)


async def test_a_console_that_ended_is_opened_anew(registry):
    doors, wanted = Doors(), key()
    first = await registry.join(wanted, watcher(), doors.opener(wanted))
    await first.close(Close.ENDED)
    assert await registry.join(wanted, watcher(), doors.opener(wanted)) is not first


async def test_the_end_of_a_sandbox_ends_its_consoles_and_no_others(registry):
    doors, ended, other = Doors(), key(), key()
    first = await registry.join(ended, watcher(), doors.opener(ended))
    second = await registry.join(other, watcher(), doors.opener(other))
    registry.close_sandboxes([ended.sandbox_id], Close.NOT_RUNNING)
    await until(first.closed.done)
    assert first.closed.result() == Close.NOT_RUNNING
    assert not second.closed.done()


async def test_nothing_is_kept_of_consoles_that_ended(registry):
    for _ in range(20):
        doors, wanted = Doors(), key()
        relay = await registry.join(wanted, watcher(), doors.opener(wanted))
        await relay.close(Close.ENDED)
    await asyncio.sleep(0)
    assert registry.relays() == ()
    assert len(registry._opening) == 0


def seat(person):
    return Seat(person_id=person, sandbox_id=uuid.uuid4(), admission=None, close=lambda _: None)


async def test_one_person_holds_no_more_pages_than_the_limit(registry):
    person, other = uuid.uuid4(), uuid.uuid4()
    taken = [seat(person) for _ in range(3)]
    for each in taken:
        registry.take_seat(each, limit=3)
    with pytest.raises(TooManyConsoles):
        registry.take_seat(seat(person), limit=3)
    registry.take_seat(seat(other), limit=3)
    registry.leave_seat(taken[0])
    registry.take_seat(seat(person), limit=3)
