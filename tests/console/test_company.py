"""Somebody who looks: never in the trainee's way, and with the keys only where it is shown."""

import asyncio
import json
import uuid

import pytest

from range.console import company
from range.console.company import Onlooker
from range.console.protocol import Close, Hands
from range.console.relay import Key, Relay
from range.console.screen import Screen
from range.console.watchers import HIGH_BYTES, LOW_BYTES, Watcher
from range.runtime.driver import Size
from tests.console.support import Page, PlainTape, ScriptedStream, until

KEY = Key(sandbox_id=uuid.uuid4(), machine="web", console="main")


class Room:
    """A relay with a trainee's page, and whoever comes to look."""

    def __init__(self):
        self.stream, self.tape = ScriptedStream(), PlainTape()
        self.relay = Relay(KEY, self.stream, tape=self.tape, screen=Screen(), size=Size())
        self.trainee = Page()
        self.watcher = Watcher(self.trainee.take, cols=80, rows=24)
        self.relay.join(self.watcher)
        self.changes = []

    def come(self, name="Ines Weber"):
        page = Page()
        onlooker = Onlooker(page.take, name=name, on_hands=self.changes.append)
        self.relay.look(onlooker)
        return onlooker, page

    @property
    def told(self):
        """What the trainee's page knows of the company."""
        frames = [json.loads(said) for said in self.trainee.said]
        last = [frame for frame in frames if frame["type"] == "company"][-1]
        return {each["name"]: each["hands"] for each in last["people"]}


@pytest.fixture
async def room():
    made = Room()
    yield made
    await made.relay.close(Close.NORMAL)


def answers(page):
    return [json.loads(s)["answers"] for s in page.said if json.loads(s)["type"] == "role"][-1]


async def test_whoever_looks_sees_the_whole_screen_at_once_and_what_follows(room):
    room.stream.show(b"$ ls\r\nnotes.txt\r\n")
    await until(lambda: room.trainee.shown)
    _, page = room.come()
    assert page.shown == b"$ ls\r\nnotes.txt\r\n"
    room.stream.show(b"$ ")
    await until(lambda: page.shown.endswith(b"$ "))
    assert json.loads(page.said[0]) == {"type": "screen", "cols": 80, "rows": 24}


async def test_the_trainee_is_told_who_looks_and_when_they_leave(room):
    onlooker, _ = room.come()
    assert room.told == {"Ines Weber": "look"}
    room.relay.look_away(onlooker)
    assert room.told == {}


async def test_a_page_that_comes_later_is_told_too(room):
    room.come()
    late = Page()
    room.relay.join(Watcher(late.take, cols=80, rows=24))
    company_told = [json.loads(s) for s in late.said if '"company"' in s]
    assert company_told[-1]["people"] == [{"name": "Ines Weber", "hands": "look"}]


async def test_looking_neither_sizes_the_terminal_nor_answers_for_it(room):
    _, page = room.come()
    assert room.relay.size == Size()
    assert room.stream.sizes == []
    assert answers(room.trainee) is True
    assert answers(page) is False
    room.relay.resize(room.watcher, cols=100, rows=30)
    assert json.loads(page.said[-1]) == {"type": "size", "cols": 100, "rows": 30}


async def test_looking_keeps_no_console(room):
    room.come()
    room.relay.leave(room.watcher)
    assert room.relay.watchers == ()


async def test_keys_of_whoever_only_looks_are_dropped(room):
    onlooker, _ = room.come()
    await room.relay.type(b"rm -rf /\r", by=onlooker)
    assert room.stream.typed == b""
    assert room.tape.typists == []


async def test_typing_along_lets_both_type(room):
    onlooker, _ = room.come()
    room.relay.company.ask(onlooker, Hands.ALONG)
    await room.relay.type(b"a", by=onlooker)
    await room.relay.type(b"b")
    assert room.stream.typed == b"ab"
    assert room.told == {"Ines Weber": "along"}
    assert answers(room.trainee) is True


async def test_taking_over_stops_the_trainees_keys_until_they_are_handed_back(room):
    onlooker, page = room.come()
    room.relay.company.ask(onlooker, Hands.OVER)
    await room.relay.type(b"trainee")
    await room.relay.type(b"instructor", by=onlooker)
    assert room.stream.typed == b"instructor"
    assert room.told == {"Ines Weber": "over"}
    assert (answers(page), answers(room.trainee)) == (True, False)
    room.relay.company.ask(onlooker, Hands.LOOK)
    await room.relay.type(b"instructor", by=onlooker)
    await room.relay.type(b" trainee")
    assert room.stream.typed == b"instructor trainee"
    assert room.told == {"Ines Weber": "look"}
    assert (answers(page), answers(room.trainee)) == (False, True)
    assert room.changes == [Hands.OVER, Hands.LOOK]


async def test_keys_pressed_meanwhile_do_not_come_out_later(room):
    onlooker, _ = room.come()
    room.relay.company.ask(onlooker, Hands.OVER)
    await room.relay.type(b"yes\r")
    room.relay.company.ask(onlooker, Hands.LOOK)
    await asyncio.sleep(0.05)
    assert room.stream.typed == b""
    assert room.tape.enters == 0


async def test_whoever_leaves_gives_the_keys_back(room):
    onlooker, _ = room.come()
    room.relay.company.ask(onlooker, Hands.OVER)
    room.relay.look_away(onlooker)
    await room.relay.type(b"gone", by=onlooker)
    await room.relay.type(b"mine")
    assert room.stream.typed == b"mine"
    assert room.changes == [Hands.OVER, Hands.LOOK]
    room.relay.company.ask(onlooker, Hands.OVER)
    assert room.relay.company.taken_by is None


async def test_only_one_at_a_time_takes_over(room):
    first, _ = room.come("Ines Weber")
    second, page = room.come("Abel Okoro")
    room.relay.company.ask(first, Hands.OVER)
    room.relay.company.ask(second, Hands.OVER)
    refused = json.loads(page.said[-1])
    assert (refused["type"], refused["hands"]) == ("hands", "look")
    assert "Ines Weber" in refused["because"]
    room.relay.company.ask(second, Hands.ALONG)
    await room.relay.type(b"second", by=second)
    assert room.stream.typed == b""


async def test_keys_nobody_uses_go_back_by_themselves(room, monkeypatch):
    monkeypatch.setattr(company, "HAND_BACK_SECONDS", 1.5)
    onlooker, page = room.come()
    room.relay.company.ask(onlooker, Hands.OVER)
    for _ in range(5):
        await asyncio.sleep(0.4)
        await room.relay.type(b".", by=onlooker)
    assert onlooker.hands is Hands.OVER
    await until(lambda: onlooker.hands is Hands.LOOK)
    assert room.changes == [Hands.OVER, Hands.LOOK]
    assert any(json.loads(said).get("because") for said in page.said)


async def test_the_recording_says_who_typed(room):
    onlooker, _ = room.come()
    room.relay.company.ask(onlooker, Hands.ALONG)
    await room.relay.type(b"id\r", by=onlooker)
    room.relay.company.ask(onlooker, Hands.LOOK)
    assert room.tape.typists == ["Ines Weber"]
    assert room.tape.marks == ["Ines Weber types along", "Ines Weber no longer types"]


async def test_a_message_reaches_the_trainee_beside_the_terminal(room):
    room.relay.write_to_trainee("Look at the sudo rules.", sender="Ines Weber")
    said = json.loads(room.trainee.said[-1])
    assert said == {"type": "message", "text": "Look at the sudo rules.", "sender": "Ines Weber"}
    assert room.trainee.shown == b""
    assert room.stream.typed == b""


async def test_somebody_who_takes_nothing_slows_nobody_and_is_caught_up(room):
    onlooker, page = room.come()
    page.open.clear()
    chunk = b"%05d\r\n" * 4000 % tuple(range(4000))
    room.stream.show(*[chunk] * 60)
    while room.stream.unread:
        room.watcher.drawn(HIGH_BYTES)
        await asyncio.sleep(0.002)
    await until(lambda: len(room.trainee.shown) == 60 * len(chunk))
    assert onlooker.behind
    assert onlooker.undrawn_bytes <= HIGH_BYTES + len(chunk)
    page.open.set()
    await until(lambda: page.shown)
    onlooker.drawn(onlooker.undrawn_bytes - LOW_BYTES + 1)
    await until(lambda: page.shown.endswith(b"03999\r\n"))
    assert len(page.shown) < 30 * len(chunk)


async def test_a_trainee_who_takes_nothing_still_stops_the_flood_whoever_looks(room):
    room.come()
    room.stream.show(*[b"x" * 32_768] * 100)
    await until(lambda: room.watcher.full)
    await asyncio.sleep(0.1)
    assert room.stream.unread > 80
