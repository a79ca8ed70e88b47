"""The wall: all consoles of an exercise over one socket, and nothing of anybody else's."""

import asyncio
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from range.accounts.models import AccessRecord
from range.console.wall import PICTURE_BYTES
from range.exercises.models import Attempt
from range.sandboxes.models import Sandbox
from range.timeline.services import record
from tests.console.live import Desk, Page, a_desk, person, sandbox_of, serving, sign_in
from tests.console.looks import a_staff, events, wall_path

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("console_role")]


@pytest.fixture
async def server(console_role, monkeypatch):
    monkeypatch.setattr("range.console.wall_consumer.PICTURE_SECONDS", 0.05)
    monkeypatch.setattr("range.console.wall_consumer.ROSTER_SECONDS", 0.1)
    async with serving() as running:
        yield running


@sync_to_async
def neighbour(desk):
    """Another trainee at the same exercise."""
    trainee = person()
    attempt = Attempt.objects.create(exercise=desk.attempt.exercise, trainee=trainee)
    return Desk(trainee, attempt, sandbox_of(attempt), sign_in(trainee))


class Wall(Page):
    """Keeps pictures apart by tile."""

    def __init__(self, socket):
        super().__init__(socket)
        self.pictures, self.headers, self._next = {}, [], None

    async def take(self, *, ack=True):
        before = len(self.controls), len(self.shown)
        await super().take(ack=False)
        if len(self.controls) > before[0]:
            frame = self.controls[-1]
            if frame["type"] == "picture":
                self._next = frame
                self.headers.append(frame)
        else:
            tile, data = self._next["tile"], self.shown[before[1] :]
            known = b"" if self._next["whole"] else self.pictures[tile]
            self.pictures[tile] = known + data

    @property
    def tiles(self):
        found = [c["tiles"] for c in self.controls if c["type"] == "tiles"]
        return found[-1] if found else []

    async def until_tile(self, **wanted):
        def there(wall):
            return any(wanted.items() <= tile.items() for tile in wall.tiles)

        return await self.until(there)

    def picture(self, desk, machine="web"):
        return self.pictures.get(f"{desk.attempt.pk}/{machine}/main", b"")


async def test_it_shows_every_open_console_of_the_exercise_and_no_other(server):
    first, stranger = await a_desk(), await a_desk()
    second = await neighbour(first)
    _, cookie = await a_staff()
    async with server.sit(first) as a, server.sit(second, "db") as b, server.sit(stranger) as c:
        for desk, socket in ((b"one", a), (b"two", b), (b"three", c)):
            await Page(socket).type(desk)
            await Page(socket).until_shown(desk)
        async with server.connect(wall_path(first), cookie=cookie) as socket:
            wall = await Wall(socket).until(lambda wall: len(wall.pictures) == 2)
    assert wall.picture(first).endswith(b"one")
    assert wall.picture(second, "db").endswith(b"two")
    assert b"three" not in wall.shown
    assert [(tile["machine"], tile["state"]) for tile in wall.tiles] in (
        [("web", "active"), ("db", "active")],
        [("db", "active"), ("web", "active")],
    )


async def test_a_picture_goes_on_where_it_was_and_only_when_something_changed(server):
    desk = await a_desk()
    _, cookie = await a_staff()
    async with server.sit(desk) as mine:
        await Page(mine).type(b"abc")
        await Page(mine).until_shown(b"abc")
        async with server.connect(wall_path(desk), cookie=cookie) as socket:
            wall = await Wall(socket).until(lambda wall: wall.picture(desk).endswith(b"abc"))
            await asyncio.sleep(0.4)
            await Page(mine).type(b"def")
            await wall.until(lambda wall: wall.picture(desk).endswith(b"abcdef"))
    assert [header["whole"] for header in wall.headers] == [True, False]


async def test_a_flood_costs_a_wall_only_its_last_lines(server):
    desk = await a_desk()
    _, cookie = await a_staff()
    async with server.sit(desk) as mine:
        trainee = await Page(mine).until(lambda page: page.shown)
        async with server.connect(wall_path(desk), cookie=cookie) as socket:
            wall = await Wall(socket).until(lambda wall: wall.pictures)
            flood = b"".join(b"line %06d\r\n" % number for number in range(30_000))
            desk.terminal().console.print(flood)
            await trainee.until_shown(b"line 029999", seconds=20)
            await wall.until(lambda wall: wall.picture(desk).endswith(b"line 029999\r\n"))
    assert wall.headers[-1]["whole"]
    assert len(wall.picture(desk)) <= PICTURE_BYTES
    assert len(wall.shown) < len(flood)


async def test_a_new_size_draws_the_picture_anew(server):
    desk = await a_desk()
    _, cookie = await a_staff()
    async with server.sit(desk) as mine:
        trainee = await Page(mine).until(lambda page: page.shown)
        async with server.connect(wall_path(desk), cookie=cookie) as socket:
            wall = await Wall(socket).until(lambda wall: wall.pictures)
            await trainee.say(type="resize", cols=100, rows=30)
            await wall.until(lambda wall: wall.headers[-1]["cols"] == 100)
    assert wall.headers[-1]["whole"]


async def test_a_wall_that_takes_nothing_slows_nobody(server):
    desk = await a_desk()
    _, cookie = await a_staff()
    async with server.sit(desk) as mine:
        trainee = await Page(mine).until(lambda page: page.shown)
        async with server.connect(wall_path(desk), cookie=cookie, max_queue=1) as socket:
            socket.transport.pause_reading()
            for number in range(30):
                await trainee.type(b"k%d." % number)
                await trainee.until_shown(b"k%d." % number)
            socket.transport.resume_reading()
            wall = await Wall(socket).until(lambda wall: b"k29." in wall.picture(desk))
    assert wall.picture(desk).startswith(trainee.shown[:3])


async def test_who_has_nothing_open_stands_there_too(server):
    desk = await a_desk()
    other = await neighbour(desk)
    await Sandbox.objects.filter(pk=other.sandbox.pk).aupdate(state=Sandbox.State.STOPPED)
    _, cookie = await a_staff()
    async with server.connect(wall_path(desk), cookie=cookie) as socket:
        wall = Wall(socket)
        await wall.until_tile(attempt=str(desk.attempt.pk), state="closed")
        await wall.until_tile(attempt=str(other.attempt.pk), state="stopped")
    assert "open_console" not in desk.driver.calls
    # Nothing was seen of them.
    assert not await AccessRecord.objects.aexists()


async def test_whoever_stops_typing_is_idle_and_whoever_gets_nowhere_is_stuck(server, monkeypatch):
    desk = await a_desk()
    _, cookie = await a_staff()
    monkeypatch.setattr("range.console.wall.STUCK_AFTER", timedelta(seconds=0.5))
    async with server.sit(desk) as mine:
        await Page(mine).type(b"try")
        async with server.connect(wall_path(desk), cookie=cookie) as socket:
            wall = Wall(socket)
            await wall.until_tile(state="stuck")
            monkeypatch.setattr("range.console.wall.STUCK_AFTER", timedelta(seconds=30))
            started = timezone.now() - timedelta(minutes=20)
            await Attempt.objects.filter(pk=desk.attempt.pk).aupdate(started_at=started)
            await wall.until_tile(state="stuck", minutes=20)
            await sync_to_async(record)(
                desk.attempt.pk, kind="evidence.recorded", actor="range", payload={"outcome": "MET"}
            )
            await wall.until_tile(state="active")
            monkeypatch.setattr("range.console.wall.IDLE_AFTER_SECONDS", 0.0)
            await wall.until_tile(state="idle")


async def test_each_attempt_on_the_wall_is_one_look_written_down(server):
    desk = await a_desk()
    second = await neighbour(desk)
    viewer, cookie = await a_staff()
    async with server.sit(desk) as mine, server.sit(second) as theirs:
        await Page(mine).until(lambda page: page.shown)
        await Page(theirs).until(lambda page: page.shown)
        for _ in range(2):
            async with server.connect(wall_path(desk), cookie=cookie) as socket:
                await Wall(socket).until(lambda wall: len(wall.pictures) == 2)
    looks = AccessRecord.objects.filter(viewer=viewer)
    assert {look.subject_id async for look in looks} == {desk.trainee.pk, second.trainee.pk}
    assert await looks.acount() == 2
    assert (await looks.afirst()).what == "the live consoles of A scenario, small on a wall"
    assert [payload for _, _, payload in await events(desk)] == [
        {"person": "Ines Weber", "wall": True}
    ]


async def test_it_is_no_presence(server, monkeypatch):
    monkeypatch.setattr("range.console.role.TOUCH_SECONDS", 0.0)
    desk = await a_desk()
    _, cookie = await a_staff()
    noted = []
    monkeypatch.setattr("range.console.role.touch", lambda ids: noted.append(set(ids)))
    async with server.connect(wall_path(desk), cookie=cookie) as socket:
        await Wall(socket).until_tile(state="closed")
        await asyncio.sleep(0.5)
    assert noted == []
