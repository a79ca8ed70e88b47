"""Attacks on the console's sockets; each asserts that no terminal was opened or touched."""

import asyncio
import uuid
from datetime import timedelta

import pytest
import websockets
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from range.accounts.models import Membership
from range.console.models import Recording
from range.console.origins import is_own, parse
from range.console.protocol import Close
from range.exercises.models import Attempt
from range.lib.notify import notify
from range.sandboxes.models import Sandbox
from tests.console.live import Page, a_desk, person, sandbox_of, serving, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def server(console_role):
    async with serving() as running:
        yield running


async def refused(server, path, **options):
    """Assert that a handshake is refused before it is accepted."""
    with pytest.raises(websockets.InvalidStatus) as answer:
        async with server.connect(path, **options):
            pass
    return answer.value.response.status_code


async def nothing_happened(desk):
    assert desk.driver.calls.count("open_console") == 0
    assert await Recording.objects.acount() == 0


FOREIGN = [
    None,
    "null",
    "",
    "http://evil.example",
    "http://127.0.0.1.evil.example:8000",
    "http://evil-127.0.0.1:8000",
    "http://127.0.0.1:8001",
    "http://127.0.0.1",
    "https://127.0.0.1:8000",
    "http://localhost:8000",
    "http://127.0.0.1:8000/",
    "http://127.0.0.1:8000@evil.example",
    "http://evil@127.0.0.1:8000",
    "HTTP://127.0.0.1:8000",
    "file://",
    "http://127.0.0.1:08000",
    "http://127.0.0.1:8000 http://evil.example",
]


async def test_a_foreign_origin_is_refused_before_anything_is_opened(server):
    desk = await a_desk()
    for origin in FOREIGN:
        status = await refused(server, desk.path(), cookie=desk.cookie, origin=origin)
        assert status == 403, origin
    await nothing_happened(desk)


async def test_two_origins_at_once_are_refused(server):
    desk = await a_desk()
    own = f"http://127.0.0.1:{settings.RANGE_WEB_PORT}"
    with pytest.raises(websockets.InvalidStatus):
        async with websockets.connect(
            f"ws://127.0.0.1:{server.port}{desk.path()}",
            additional_headers=[
                ("Cookie", f"{settings.SESSION_COOKIE_NAME}={desk.cookie}"),
                ("Origin", own),
                ("Origin", "http://evil.example"),
            ],
            proxy=None,
        ):
            pass
    await nothing_happened(desk)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000"])
async def test_a_name_that_is_not_ours_is_refused_although_origin_and_host_agree(server, host):
    desk = await a_desk()
    port = settings.RANGE_WEB_PORT
    with pytest.raises(websockets.InvalidStatus):
        async with websockets.connect(
            f"ws://{host.partition(':')[0]}:{server.port}{desk.path()}",
            host="127.0.0.1",
            port=server.port,
            origin=f"http://evil.example:{port}",
            additional_headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={desk.cookie}"},
            proxy=None,
        ):
            pass
    await nothing_happened(desk)


def test_configured_origins_take_the_place_of_the_rule():
    configured = ["https://range.example"]
    options = {"host": "range.example", "web_port": 8000, "secure": True, "configured": configured}
    assert is_own(["https://range.example"], **options)
    assert is_own(["https://range.example:443"], **options)
    assert not is_own(["https://range.example:8000"], **options)
    assert not is_own(["https://sub.range.example"], **options)
    assert not is_own(["https://range.example.evil.example"], **options)


def test_a_misspelt_configured_origin_admits_nobody():
    options = {"host": "range.example", "web_port": 8000, "secure": False}
    assert not is_own(["null"], configured=["range.example"], **options)
    assert not is_own([""], configured=[""], **options)
    assert parse("range.example") is None


async def test_without_a_sign_in_there_is_no_console(server):
    desk = await a_desk()
    for cookie in ("", "nonsense", "a" * 32, "'; DROP TABLE x; --"):
        assert await refused(server, desk.path(), cookie=cookie) == 403, cookie
    await nothing_happened(desk)


async def test_another_trainees_console_is_refused_and_no_terminal_opened(server):
    desk = await a_desk()
    stranger = await sync_to_async(lambda: sign_in(person()))()
    assert await refused(server, desk.path(), cookie=stranger) == 403
    await nothing_happened(desk)


async def test_no_other_role_types_in_a_trainees_console(server):
    desk = await a_desk()
    for role in (Membership.Role.INSTRUCTOR, Membership.Role.ADMIN, Membership.Role.ASSESSOR):
        cookie = await sync_to_async(lambda role=role: sign_in(person(role)))()
        assert await refused(server, desk.path(), cookie=cookie) == 403, role
    await nothing_happened(desk)


async def test_a_disabled_person_has_no_console(server):
    desk = await a_desk()
    desk.trainee.is_active = False
    await desk.trainee.asave()
    assert await refused(server, desk.path(), cookie=desk.cookie) == 403
    await nothing_happened(desk)


async def test_an_expired_sign_in_has_no_console(server):
    desk = await a_desk()
    await Session.objects.aupdate(expire_date=timezone.now())
    assert await refused(server, desk.path(), cookie=desk.cookie) == 403
    await nothing_happened(desk)


async def test_an_attempt_that_does_not_exist_looks_like_anothers(server):
    desk = await a_desk()
    path = f"/ws/attempts/{uuid.uuid4()}/consoles/web/main"
    assert await refused(server, path, cookie=desk.cookie) == 403


ODD = [
    "",
    "/../../x",
    "/consoles/web",
    "/consoles/web/main/more",
    "/consoles/WEB/main",
    "/consoles/web;id/main",
    "/consoles/web/$(id)",
    "/consoles/%2e%2e/main",
    "/consoles/web/..%2f..%2fetc",
    "/consoles/web/" + "a" * 33,
    "/consoles/web/main%00",
]


async def test_odd_addresses_reach_nothing(server):
    desk = await a_desk()
    for tail in ODD:
        path = f"/ws/attempts/{desk.attempt.pk}{tail}"
        assert await refused(server, path, cookie=desk.cookie) == 403, tail
    await nothing_happened(desk)


@pytest.mark.parametrize("machine", ["hidden", "nowhere"])
async def test_a_machine_without_a_console_is_refused(server, machine):
    desk = await a_desk()
    async with server.sit(desk, machine) as socket:
        assert await Page(socket).until_closed() == Close.NOT_FOUND
    await nothing_happened(desk)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_the_port_serves_no_pages(server, method):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(
        f"{method} /admin/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    )
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 404")


# --- revocation: five seconds at most; the sweep of these tests runs every fifth of a second ----


async def closes(server, desk, change):
    async with server.sit(desk) as socket:
        page = await Page(socket).until(lambda p: p.shown)
        await sync_to_async(change)()
        code = await page.until_closed()
    typed = desk.terminal().typed
    return code, typed


async def test_signing_out_closes_the_console(server):
    desk = await a_desk()
    code, _ = await closes(server, desk, lambda: Session.objects.all().delete())
    assert code == Close.REVOKED


async def test_a_changed_password_closes_the_console(server):
    desk = await a_desk()

    def change():
        desk.trainee.set_password("another")
        desk.trainee.save()

    assert (await closes(server, desk, change))[0] == Close.REVOKED


async def test_losing_every_role_closes_the_console(server):
    desk = await a_desk()
    code, _ = await closes(server, desk, lambda: desk.trainee.memberships.all().delete())
    assert code == Close.REVOKED


async def test_being_disabled_closes_the_console(server):
    desk = await a_desk()

    def disable():
        desk.trainee.is_active = False
        desk.trainee.save()

    assert (await closes(server, desk, disable))[0] == Close.REVOKED


async def test_the_end_of_the_attempt_closes_the_console(server):
    desk = await a_desk()
    finish = Attempt.objects.filter(pk=desk.attempt.pk).update
    code, _ = await closes(server, desk, lambda: finish(state=Attempt.State.FINISHING))
    assert code == Close.NOT_RUNNING


async def test_the_stop_of_the_sandbox_closes_the_console_and_lets_go_of_the_terminal(server):
    desk = await a_desk()
    stop = Sandbox.objects.filter(pk=desk.sandbox.pk).update
    code, _ = await closes(server, desk, lambda: stop(wanted=Sandbox.Wanted.STOPPED))
    assert code == Close.NOT_RUNNING
    assert desk.terminal().console is None
    assert server.role.registry.relays() == ()


async def test_a_notification_closes_without_waiting_for_the_sweep(server, monkeypatch):
    monkeypatch.setattr("range.console.role.SWEEP", timedelta(minutes=5))
    desk = await a_desk()
    # The wait that is under way still has the old length.
    await asyncio.sleep(0.3)

    def stop():
        Sandbox.objects.filter(pk=desk.sandbox.pk).update(state=Sandbox.State.STOPPING)
        notify("revocations", f"sandbox {desk.sandbox.pk}", connection=connection)

    assert (await closes(server, desk, stop))[0] == Close.NOT_RUNNING


async def test_one_persons_end_leaves_the_others_typing(server):
    desk, other = await a_desk(), await a_desk()
    async with server.sit(other) as socket:
        await closes(server, desk, lambda: desk.trainee.memberships.all().delete())
        page = Page(socket)
        await page.type(b"still here")
        await page.until_shown(b"still here")


async def test_a_fresh_sandbox_of_the_attempt_is_another_console(server):
    desk = await a_desk()
    async with server.sit(desk) as socket:
        await Page(socket).type(b"in the old one")
        await Page(socket).until_shown(b"in the old one")
        await Sandbox.objects.filter(pk=desk.sandbox.pk).aupdate(state=Sandbox.State.STOPPED)
        assert await Page(socket).until_closed() == Close.NOT_RUNNING
    desk.sandbox = await sync_to_async(sandbox_of)(desk.attempt, epoch=2)
    async with server.sit(desk) as socket:
        page = await Page(socket).until(lambda p: p.shown)
        assert b"in the old one" not in page.shown
