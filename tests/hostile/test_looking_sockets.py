"""Attacks on the sockets of looks and walls; each asserts that no console was shown or typed on."""

import asyncio
import uuid

import pytest
import websockets
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from range.accounts.models import AccessRecord, Consent, Membership, Organisation, User
from range.console.protocol import Close
from range.timeline.models import Event
from tests.console.live import Page, a_desk, person, serving, sign_in
from tests.console.looks import a_staff, look_path, looks_written, wall_path
from tests.hostile.test_terminal_sockets import FOREIGN, refused

pytestmark = pytest.mark.django_db(transaction=True)
Role = Membership.Role


@pytest.fixture
async def server(console_role):
    async with serving() as running:
        yield running


def paths(desk):
    return (look_path(desk), wall_path(desk))


async def refused_everywhere(server, desk, **options):
    """Assert that neither socket opens while a trainee works, and that nothing came of trying."""
    async with server.sit(desk) as mine:
        trainee = await Page(mine).until(lambda page: page.shown)
        for path in paths(desk):
            assert await refused(server, path, **options) == 403
        (relay,) = server.role.registry.relays()
        assert relay.company.people == ()
        assert not server.role.registry.looks
        assert not any(control["type"] == "company" for control in trainee.controls)
    assert await looks_written() == []
    assert not await Event.objects.filter(kind="console.looked_at").aexists()


@sync_to_async
def cookie_of(role, *, kind=Organisation.Kind.SCHOOL, slug="other"):
    """The sign-in of somebody with a role in another organisation."""
    made = User.objects.create_user(f"p-{uuid.uuid4().hex[:8]}")
    where, _ = Organisation.objects.get_or_create(slug=slug, defaults={"name": slug, "kind": kind})
    Membership.objects.create(person=made, organisation=where, role=role)
    return sign_in(made)


async def test_nobody_signed_in_looks(server):
    desk = await a_desk()
    for cookie in ("", "nonsense", "'; DROP TABLE x; --"):
        await refused_everywhere(server, desk, cookie=cookie)


async def test_a_foreign_page_shows_nothing_to_an_instructor(server):
    desk = await a_desk()
    _, cookie = await a_staff()
    for origin in FOREIGN:
        for path in paths(desk):
            assert await refused(server, path, cookie=cookie, origin=origin) == 403, origin
    assert await looks_written() == []


async def test_the_trainee_has_no_such_sockets_even_of_their_own(server):
    desk = await a_desk()
    await refused_everywhere(server, desk, cookie=desk.cookie)


async def test_another_trainee_does_not_look(server):
    desk = await a_desk()
    await refused_everywhere(server, desk, cookie=await sync_to_async(lambda: sign_in(person()))())


@pytest.mark.parametrize("role", [Role.INSTRUCTOR, Role.ADMIN])
async def test_staff_of_another_school_does_not_look(server, role):
    desk = await a_desk()
    await refused_everywhere(server, desk, cookie=await cookie_of(role))


async def test_an_assessor_never_looks_even_with_consent(server):
    desk = await a_desk()
    kind = Organisation.Kind.AGENCY
    cookie = await cookie_of(Role.ASSESSOR, kind=kind, slug="agency")
    agency = await Organisation.objects.aget(slug="agency")
    await Consent.objects.acreate(trainee=desk.trainee, agency=agency)
    await refused_everywhere(server, desk, cookie=cookie)


async def test_an_instructor_who_is_disabled_or_signed_out_does_not_look(server):
    desk = await a_desk()
    viewer, cookie = await a_staff()
    await User.objects.filter(pk=viewer.pk).aupdate(is_active=False)
    await refused_everywhere(server, desk, cookie=cookie)
    await User.objects.filter(pk=viewer.pk).aupdate(is_active=True)
    own = {"session_key": cookie}
    await Session.objects.filter(**own).aupdate(expire_date=timezone.now())
    await refused_everywhere(server, desk, cookie=cookie)


async def test_an_instructor_who_trains_does_not_look_at_their_own_console(server):
    viewer, _ = await a_staff()
    where = await Organisation.objects.aget(slug="school")
    await Membership.objects.acreate(person=viewer, organisation=where, role=Role.TRAINEE)
    desk = await a_desk(viewer)
    async with server.sit(desk) as mine:
        await Page(mine).until(lambda page: page.shown)
        assert await refused(server, look_path(desk), cookie=desk.cookie) == 403
        # The wall is theirs to see, and they are not on it.
        async with server.connect(wall_path(desk), cookie=desk.cookie) as socket:
            wall = Page(socket)
            await asyncio.sleep(0.3)
            await wall.say(type="heartbeat")
            await wall.until(lambda page: {"type": "heartbeat"} in page.controls)
            assert not any(control.get("tiles") for control in wall.controls)


async def test_what_does_not_exist_looks_like_anothers(server):
    _, cookie = await a_staff()
    for path in (
        f"/ws/attempts/{uuid.uuid4()}/consoles/web/main/look",
        f"/ws/exercises/{uuid.uuid4()}/wall",
    ):
        assert await refused(server, path, cookie=cookie) == 403


ODD = ["/look/", "/look/more", "/lookx", "/look%00", "/../look", "/look?x=1;id#"]


async def test_odd_addresses_reach_nothing(server):
    desk = await a_desk()
    _, cookie = await a_staff()
    for tail in ODD[:-1]:
        assert await refused(server, desk.path() + tail, cookie=cookie) == 403, tail
    assert await looks_written() == []


# --- frames -----------------------------------------------------------------------------------

LOOK_FRAMES = [
    ("not json", Close.MALFORMED),
    ('{"type":"resize","cols":10,"rows":10}', Close.MALFORMED),
    ('{"type":"keys","hands":"root"}', Close.MALFORMED),
    ('{"type":"keys"}', Close.MALFORMED),
    ('{"type":"message","text":""}', Close.MALFORMED),
    ('{"type":"message","text":"' + "x" * 301 + '"}', Close.MALFORMED),
    ('{"type":"message","text":"x","sender":"The range"}', Close.MALFORMED),
    ("x" * 2000, Close.TOO_LARGE),
]


@pytest.mark.parametrize(("frame", "code"), LOOK_FRAMES)
async def test_frames_no_looking_page_sends_end_its_socket(server, frame, code):
    desk = await a_desk()
    _, cookie = await a_staff()
    async with server.sit(desk) as mine:
        trainee = await Page(mine).until(lambda page: page.shown)
        async with server.connect(look_path(desk), cookie=cookie) as theirs:
            await theirs.send(frame)
            assert await Page(theirs).until_closed() == code
        await trainee.type(b"unmoved")
        await trainee.until_shown(b"unmoved")
    assert desk.terminal().sizes[-1].columns == 80


@pytest.mark.parametrize(
    "frame", ['{"type":"keys","hands":"over"}', '{"type":"message","text":"from nobody"}']
)
async def test_a_trainee_cannot_send_what_only_a_look_may(server, frame):
    desk = await a_desk()
    async with server.sit(desk) as mine:
        await Page(mine).until(lambda page: page.shown)
        await mine.send(frame)
        assert await Page(mine).until_closed() == Close.MALFORMED


async def test_a_wall_takes_no_keys(server):
    desk = await a_desk()
    _, cookie = await a_staff()
    async with server.sit(desk) as mine, server.connect(wall_path(desk), cookie=cookie) as wall:
        await Page(mine).until(lambda page: page.shown)
        await wall.send(b"rm -rf /\r")
        assert await Page(wall).until_closed() == Close.MALFORMED
    assert desk.terminal().typed == b""


# --- revocation: five seconds at most; the sweep of these tests runs every fifth of a second ----


def sign_out(viewer):
    Session.objects.all().delete()


def lose_the_role(viewer):
    viewer.memberships.all().delete()


def be_disabled(viewer):
    User.objects.filter(pk=viewer.pk).update(is_active=False)


@pytest.mark.parametrize("change", [lose_the_role, be_disabled])
async def test_whoever_loses_the_right_mid_takeover_loses_the_keys_at_once(server, change):
    desk = await a_desk()
    viewer, cookie = await a_staff()
    async with server.sit(desk) as mine:
        trainee = await Page(mine).until(lambda page: page.shown)
        async with server.connect(look_path(desk), cookie=cookie) as theirs:
            instructor = Page(theirs)
            await instructor.say(type="keys", hands="over")
            await trainee.until(lambda page: any("over" in str(c) for c in page.controls))
            await sync_to_async(change)(viewer)
            assert await instructor.until_closed() == Close.REVOKED
        await trainee.until(lambda page: page.controls[-1] == {"type": "company", "people": []})
        await trainee.type(b"mine")
        await trainee.until_shown(b"mine")
    assert desk.terminal().typed == b"mine"


async def test_a_page_that_ignores_its_end_holds_no_keys(server):
    desk = await a_desk()
    viewer, cookie = await a_staff()
    async with server.sit(desk) as mine:
        trainee = await Page(mine).until(lambda page: page.shown)
        theirs = await websockets.connect(
            f"ws://127.0.0.1:{server.port}{look_path(desk)}",
            additional_headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}"},
            origin=f"http://127.0.0.1:{settings.RANGE_WEB_PORT}",
            max_queue=1,
            proxy=None,
        )
        await theirs.send('{"type":"keys","hands":"over"}')
        await trainee.until(lambda page: any("over" in str(c) for c in page.controls))
        # It reads nothing any more, and never answers that it is to close.
        theirs.transport.pause_reading()
        await sync_to_async(lose_the_role)(viewer)
        (relay,) = server.role.registry.relays()
        async with asyncio.timeout(30):
            while relay.company.people:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await trainee.type(b"mine")
        await trainee.until_shown(b"mine")
        theirs.transport.abort()
    assert desk.terminal().typed == b"mine"


@pytest.mark.parametrize("change", [sign_out, lose_the_role, be_disabled])
async def test_a_wall_ends_with_the_right_to_see_it(server, monkeypatch, change):
    monkeypatch.setattr("range.console.wall_consumer.ROSTER_SECONDS", 0.2)
    desk = await a_desk()
    viewer, cookie = await a_staff()
    async with server.sit(desk) as mine:
        await Page(mine).until(lambda page: page.shown)
        async with server.connect(wall_path(desk), cookie=cookie) as socket:
            wall = await Page(socket).until(lambda page: page.shown)
            await sync_to_async(change)(viewer)
            assert await wall.until_closed() == Close.REVOKED


async def test_a_trainee_who_left_the_school_is_taken_off_the_wall(server, monkeypatch):
    monkeypatch.setattr("range.console.wall_consumer.ROSTER_SECONDS", 0.2)
    desk, other = await a_desk(), await a_desk()
    _, cookie = await a_staff()
    async with server.sit(desk) as mine:
        trainee = await Page(mine).until(lambda page: page.shown)
        async with server.connect(wall_path(desk), cookie=cookie) as socket:
            wall = await Page(socket).until(lambda page: page.shown)
            await desk.trainee.memberships.all().adelete()
            await wall.until(lambda page: {"type": "tiles", "tiles": []} in page.controls)
            shown = wall.shown
            await trainee.until_closed()
            assert wall.shown == shown
    assert not await AccessRecord.objects.filter(subject=other.trainee).aexists()
