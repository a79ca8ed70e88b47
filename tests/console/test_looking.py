"""Looking at a trainee's console over real sockets."""

import asyncio

import pytest

from range.console.protocol import Close
from range.sandboxes.models import Sandbox
from tests.console.live import Page, a_desk, serving
from tests.console.looks import a_staff, events, kinds, look_path, looks_written

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("console_role")]


@pytest.fixture
async def server(console_role):
    async with serving() as running:
        yield running


class Pair:
    """A trainee at a console and an instructor who looks at it."""

    def __init__(self, desk, trainee, instructor):
        self.desk, self.trainee, self.instructor = desk, trainee, instructor

    async def take(self, hands):
        await self.instructor.say(type="keys", hands=hands)
        await self.instructor.until(
            lambda page: (
                page.controls
                and page.controls[-1].get("type") == "company"
                and page.controls[-1]["people"][0]["hands"] == hands
            )
        )

    async def trainee_told(self, hands):
        def told(page):
            frames = [c for c in page.controls if c["type"] == "company"]
            return frames and [each["hands"] for each in frames[-1]["people"]] == hands

        await self.trainee.until(told)


@pytest.fixture
async def pair(server):
    desk = await a_desk()
    _, cookie = await a_staff()
    async with server.sit(desk) as mine:
        trainee = await Page(mine).until(lambda page: page.shown)
        async with server.connect(look_path(desk), cookie=cookie) as theirs:
            yield Pair(desk, trainee, Page(theirs))


async def test_an_instructor_sees_what_the_trainee_sees(server):
    desk = await a_desk()
    viewer, cookie = await a_staff()
    async with server.sit(desk) as mine:
        trainee = Page(mine)
        await trainee.type(b"sudo -l")
        await trainee.until_shown(b"sudo -l")
        async with server.connect(look_path(desk), cookie=cookie) as theirs:
            instructor = await Page(theirs).until_shown(b"sudo -l")
            await trainee.type(b" more")
            await instructor.until_shown(b"sudo -l more")
    assert desk.driver.calls.count("open_console") == 1
    assert await looks_written() == [
        (viewer.pk, desk.trainee.pk, "the live console of web in A scenario")
    ]
    assert await events(desk, "console.looked_at") == [
        (
            "console.looked_at",
            f"instructor:{viewer.pk}",
            {"person": "Ines Weber", "machine": "web", "console": "main"},
        )
    ]


async def test_a_page_that_comes_back_is_no_second_look(server):
    desk = await a_desk()
    _, cookie = await a_staff()
    async with server.sit(desk) as mine:
        await Page(mine).until(lambda page: page.shown)
        for _ in range(3):
            async with server.connect(look_path(desk), cookie=cookie) as theirs:
                await Page(theirs).until(lambda page: page.shown)
    assert len(await looks_written()) == 1


async def test_another_console_or_a_later_time_is_another_look(server, monkeypatch):
    desk = await a_desk()
    _, cookie = await a_staff()
    async with server.sit(desk) as web, server.sit(desk, "db") as db:
        await Page(web).until(lambda page: page.shown)
        await Page(db).until(lambda page: page.shown)
        for machine in ("web", "db"):
            async with server.connect(look_path(desk, machine), cookie=cookie) as theirs:
                await Page(theirs).until(lambda page: page.shown)
        monkeypatch.setattr("range.console.looking.SAME_LOOK_SECONDS", 0.0)
        async with server.connect(look_path(desk), cookie=cookie) as theirs:
            await Page(theirs).until(lambda page: page.shown)
    assert len(await looks_written()) == 3


@pytest.mark.parametrize("machine", ["web", "hidden", "nowhere"])
async def test_looking_opens_nothing_and_what_shows_nothing_is_no_look(server, machine):
    desk = await a_desk()
    _, cookie = await a_staff()
    async with server.connect(look_path(desk, machine), cookie=cookie) as theirs:
        assert await Page(theirs).until_closed() == Close.NOT_OPEN
    assert "open_console" not in desk.driver.calls
    assert await looks_written() == []


async def test_a_console_whose_page_is_closed_can_still_be_looked_at(server):
    desk = await a_desk()
    _, cookie = await a_staff()
    async with server.sit(desk) as mine:
        await Page(mine).type(b"left behind")
        await Page(mine).until_shown(b"left behind")
    async with server.connect(look_path(desk), cookie=cookie) as theirs:
        await Page(theirs).until_shown(b"left behind")
        (relay,) = server.role.registry.relays()
        # It goes when its time is over, whoever looks.
        assert relay.key in server.role.registry._lingering


async def test_without_machines_the_page_is_told_so(server):
    desk = await a_desk()
    _, cookie = await a_staff()
    await Sandbox.objects.filter(pk=desk.sandbox.pk).aupdate(state=Sandbox.State.STOPPED)
    async with server.connect(look_path(desk), cookie=cookie) as theirs:
        assert await Page(theirs).until_closed() == Close.NOT_RUNNING


async def test_looking_is_no_presence(server, monkeypatch):
    monkeypatch.setattr("range.console.role.TOUCH_SECONDS", 0.0)
    desk = await a_desk()
    _, cookie = await a_staff()
    async with server.sit(desk) as mine:
        await Page(mine).until(lambda page: page.shown)
    await asyncio.sleep(0.3)
    noted = []
    monkeypatch.setattr("range.console.role.touch", lambda ids: noted.append(set(ids)))
    async with server.connect(look_path(desk), cookie=cookie) as theirs:
        await Page(theirs).until(lambda page: page.shown)
        await asyncio.sleep(0.6)
    assert noted == []


async def test_a_paused_sandbox_is_looked_at_without_being_resumed(server):
    desk = await a_desk()
    _, cookie = await a_staff()
    async with server.sit(desk) as mine:
        await Page(mine).until(lambda page: page.shown)
    row = Sandbox.objects.filter(pk=desk.sandbox.pk)
    before = await row.aget()
    await row.aupdate(paused_at=before.requested_at)
    seen_at = (await row.aget()).seen_at
    async with server.connect(look_path(desk), cookie=cookie) as theirs:
        await Page(theirs).until(lambda page: page.shown)
    assert (await row.aget()).seen_at == seen_at


async def test_keys_do_nothing_before_they_are_asked_for(pair):
    await pair.instructor.type(b"whoami")
    await pair.trainee.type(b"mine")
    await pair.trainee.until_shown(b"mine")
    assert pair.desk.terminal().typed == b"mine"


async def test_typing_along_is_shown_to_the_trainee_and_both_type(pair):
    await pair.take("along")
    await pair.trainee_told(["along"])
    await pair.instructor.type(b"left ")
    await pair.trainee.until_shown(b"left ")
    await pair.trainee.type(b"right")
    await pair.instructor.until_shown(b"left right")


async def test_taking_over_and_handing_back_is_told_and_written_down(pair):
    await pair.take("over")
    await pair.trainee_told(["over"])
    await pair.trainee.type(b"lost")
    await pair.instructor.type(b"kept")
    await pair.trainee.until_shown(b"kept")
    await pair.take("look")
    await pair.trainee_told(["look"])
    await pair.trainee.type(b" mine")
    await pair.instructor.until_shown(b"kept mine")
    assert pair.desk.terminal().typed == b"kept mine"
    await until_kinds(pair.desk, ["console.looked_at", "console.taken_over", "console.handed_back"])
    _, actor, payload = (await events(pair.desk))[1]
    assert actor.startswith("instructor:")
    assert payload == {"person": "Ines Weber", "machine": "web", "console": "main"}


async def until_kinds(desk, wanted):
    async with asyncio.timeout(30):
        while await kinds(desk) != wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_leaving_hands_back_and_writes_it_down(pair):
    await pair.take("over")
    await pair.instructor.socket.close()
    await pair.trainee_told([])
    await pair.trainee.type(b"mine again")
    await pair.trainee.until_shown(b"mine again")
    await until_kinds(pair.desk, ["console.looked_at", "console.taken_over", "console.handed_back"])


async def test_a_message_is_shown_and_kept(pair):
    await pair.instructor.say(type="message", text="Read the sudo rules <b>again</b>.")
    wanted = {
        "type": "message",
        "text": "Read the sudo rules <b>again</b>.",
        "sender": "Ines Weber",
    }
    await pair.trainee.until(lambda page: wanted in page.controls)
    await until_kinds(pair.desk, ["console.looked_at", "console.message"])
    assert (await events(pair.desk))[1][2]["text"] == "Read the sudo rules <b>again</b>."


@pytest.mark.parametrize("text", ["two\nlines", "\x1b[31mred", "\u202egnol"])
async def test_a_message_that_is_no_plain_line_is_not_sent(pair, text):
    await pair.instructor.say(type="message", text=text)
    await pair.instructor.until(lambda page: "notice" in [c["type"] for c in page.controls])
    assert await kinds(pair.desk) == ["console.looked_at"]


async def test_the_end_of_the_shell_is_told_to_whoever_looks(pair):
    pair.desk.terminal().end()
    assert await pair.instructor.until_closed() == Close.ENDED


async def test_one_person_looks_at_so_many_at_most(server, monkeypatch):
    monkeypatch.setattr("range.console.look_consumer.MOST_LOOKS", 1)
    desk = await a_desk()
    _, cookie = await a_staff()
    path = look_path(desk)
    async with server.sit(desk) as mine, server.connect(path, cookie=cookie) as first:
        await Page(mine).until(lambda page: page.shown)
        await Page(first).until(lambda page: page.shown)
        async with server.connect(path, cookie=cookie) as second:
            assert await Page(second).until_closed() == Close.TOO_MANY
