"""What befalls machines while a person works: an end, a reset, a pause, the end of the time."""

import secrets

import pytest

from tests.browser.conftest import keep
from tests.browser.journey import Person, choose, violations
from tests.support.waiting import until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("browser"),
]
KILL = """
from uuid import UUID
from range.runtime.driver import Handle
from range.runtime.registry import get_driver
from range.sandboxes.models import Sandbox
sandbox = Sandbox.objects.get(attempt=UUID(values["attempt"]), state="RUNNING")
get_driver(sandbox.driver).halt(Handle.from_json(sandbox.handle), "desk")
"""
CHANGE = """
from datetime import timedelta
from uuid import UUID
from django.utils import timezone
from range.sandboxes.models import Sandbox
from range.sandboxes.services import announce
moment = timezone.now() + timedelta(minutes=float(values["minutes"]))
fields = {name: moment for name in values["fields"].split(",")}
Sandbox.objects.filter(attempt=UUID(values["attempt"]), state="RUNNING").update(**fields)
announce(UUID(values["attempt"]))
"""
IS_PAUSED = """
from uuid import UUID
from range.sandboxes.models import Sandbox
sandbox = Sandbox.objects.get(attempt=UUID(values["attempt"]), state="RUNNING")
print(sandbox.paused_at is not None)
"""
CROWD = """
from datetime import timedelta
from django.utils import timezone
from range.accounts.models import Membership, User
from range.exercises.models import Exercise
from range.sandboxes.models import Sandbox
exercise = Exercise.objects.filter(version__scenario__slug="sudo-says", policy="PRACTICE").first()
late = User.objects.create_user("latecomer", password=values["password"])
Membership.objects.create(person=late, organisation=exercise.organisation, role="TRAINEE")
for number in range(12):
    person, _ = User.objects.get_or_create(username=f"crowd-{number}")
    attempt = exercise.attempts.create(trainee=person)
    until = timezone.now() + timedelta(hours=1)
    Sandbox.objects.create(attempt=attempt, expires_at=until)
"""
NOBODY_WAITS = """
from range.sandboxes.models import Sandbox
Sandbox.objects.filter(state="REQUESTED").delete()
"""
EVENTS = """
from uuid import UUID
from range.timeline.services import events_of
print(" ".join(event.kind for event in events_of(UUID(values["attempt"]))))
"""


@pytest.fixture(scope="module")
def worker(chromium, site):
    person = Person(chromium, site, "trainee2")
    person.attempt = person.launch("sudo-says")
    yield person
    person.close()


@pytest.fixture
def page(worker):
    worker.page.goto(f"/attempts/{worker.attempt}/")
    worker.wait_for_text(r"[$#] ?$")
    yield worker.page
    worker.troubles.clear()


def test_a_machine_that_ended_is_told_and_reset_from_its_notice(page, worker, site):
    worker.type_line("touch ~/gone-after-the-reset; echo made-$((40+2))")
    worker.wait_for_text("made-42")
    site.ask(KILL, attempt=worker.attempt)
    notice = page.locator(".sandbox-notice")
    notice.get_by_text("The machine desk ended unexpectedly.").wait_for()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        keep(page, f"machine-ended-{theme}")
        assert violations(page) == []
    notice.get_by_role("button", name="Reset desk").click()
    notice.wait_for(state="detached")
    page.reload()
    worker.wait_for_text(r"[$#] ?$")
    worker.type_line("ls ~/gone-after-the-reset; echo asked-$((40+3))")
    worker.wait_for_text("No such file")
    assert "sandbox.machine_reset" in site.ask(EVENTS, attempt=worker.attempt)


def test_an_instructor_sees_whose_machine_ended_and_is_led_to_the_moment(chromium, site, worker):
    person = Person(chromium, site, "instructor")
    person.page.goto("/under-way/")
    attempts = person.page.get_by_role("group", name="Attempts")
    attempts.locator(f"a[href*='{worker.attempt}']").first.wait_for()
    troubles = person.page.get_by_role("group", name="Troubles in the last 24 hours")
    row = troubles.get_by_role("row", name="desk A machine ended unexpectedly")
    keep(person.page, "under-way")
    assert violations(person.page) == []
    row.get_by_role("link").click()
    person.page.get_by_text("A machine ended unexpectedly").first.wait_for()
    assert f"/attempts/{worker.attempt}/replay/?at=" in person.page.url
    person.close()


def test_one_machine_is_reset_from_the_menu_after_a_question(page, worker, site):
    choose(page, "Reset desk…")
    dialog = page.get_by_role("dialog", name="Reset the machine desk?")
    dialog.get_by_role("button", name="Keep it").click()
    before = site.ask(EVENTS, attempt=worker.attempt).count("sandbox.machine_reset_asked")
    choose(page, "Reset desk…")
    dialog.get_by_role("button", name="Reset desk").click()
    page.get_by_text("The machine desk is being reset.").wait_for()
    page.locator(".sandbox-notice").wait_for(state="detached")
    after = site.ask(EVENTS, attempt=worker.attempt).count("sandbox.machine_reset_asked")
    assert after == before + 1


def test_the_menu_stays_open_and_focused_through_refreshes(page, worker, site):
    page.locator("#sandbox-menu-title").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    extend = page.get_by_role("button", name="Extend the time").first
    extend.evaluate("button => (button.isTheOne = true)")
    for fields, same in (("seen_at", True), ("expires_at", None)):
        with page.expect_response("**/sandbox/"):
            site.ask(CHANGE, attempt=worker.attempt, minutes="50", fields=fields)
        # A refresh that changes nothing leaves the button; one that moves the clock brings another.
        page.wait_for_function("same => document.activeElement.isTheOne == same", arg=same)
        assert extend.is_visible()
        assert page.evaluate("document.activeElement.id") == "sandbox-menu-extend"
    page.keyboard.press("Enter")
    extend.wait_for(state="hidden")
    page.keyboard.press("Escape")


def test_a_dialog_that_was_left_gives_focus_back_to_the_menu(page, worker):
    choose(page, "Reset desk…")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "sandbox-menu-title"
    assert not page.get_by_role("button", name="Stop the machines…").is_visible()


def test_the_end_of_the_time_is_warned_of_and_moved(page, worker, site):
    site.ask(CHANGE, attempt=worker.attempt, minutes="8", fields="expires_at")
    page.get_by_text("The machines end in 8 min.").wait_for()
    assert violations(page) == []
    keep(page, "time-ends")
    # The page sees the near end by itself; the reconciler's warning may come later, and would not
    # come at all once the end has moved.
    until(
        lambda: "sandbox.expiring" in site.ask(EVENTS, attempt=worker.attempt),
        "the end was not warned of",
        seconds=120,
    )
    page.locator(".sandbox-notice").get_by_role("button", name="Extend the time").click()
    page.locator(".sandbox-notice").wait_for(state="detached")


def test_machines_that_nobody_is_at_stand_still_and_go_on_at_once(page, worker, site):
    worker.type_line("counted=7")
    page.goto("/catalogue/")
    # The last check of what was typed, and the page's stream, may still be ending.
    page.wait_for_timeout(20_000)

    def paused():
        # A check that was asked for before may note anew that somebody is there.
        site.ask(CHANGE, attempt=worker.attempt, minutes="-60", fields="seen_at,started_at")
        return site.ask(IS_PAUSED, attempt=worker.attempt) == "True"

    until(paused, "it was not paused", seconds=120)
    page.goto(f"/attempts/{worker.attempt}/")
    worker.wait_for_text(r"[$#] ?$")
    worker.type_line("echo still-$counted")
    worker.wait_for_text("still-7")
    told = site.ask(EVENTS, attempt=worker.attempt).split()
    moves = [kind for kind in told if kind in ("sandbox.paused", "sandbox.resumed")]
    # Such a check may have woken it once more in between.
    assert moves[-2:] == ["sandbox.paused", "sandbox.resumed"]


def test_whoever_stands_in_line_is_told_at_once_and_led_to_the_workspace(chromium, site):
    site.accounts["latecomer"] = secrets.token_urlsafe()
    site.kill("reconciler")
    site.ask(CROWD, password=site.accounts["latecomer"])
    person = Person(chromium, site, "latecomer")
    try:
        page = person.page
        page.goto("/scenarios/sudo-says/")
        # The page leads on by itself after a moment, in which a busy machine cannot judge it.
        led_on = []
        page.route("**/attempts/*/", lambda route: (led_on.append(route), route.abort("aborted")))
        page.get_by_role("button", name="Launch").click()
        page.get_by_role("heading", name="You are in line").wait_for()
        assert page.get_by_role("status").get_by_text("12 launches before yours").is_visible()
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            keep(page, f"in-line-{theme}")
        assert violations(page) == []
        until(lambda: page.wait_for_timeout(100) or led_on, "it did not lead on by itself")
        page.unroute("**/attempts/*/")
        # As if it had come anew, so that it leads on once more.
        page.evaluate("() => { document.dispatchEvent(new Event('DOMContentLoaded')) }")
        page.wait_for_url("**/attempts/*/")
        page.get_by_text("12 launches before yours").wait_for()
        # What was posted is not in the way of whoever goes back.
        page.go_back()
        assert page.url.endswith("/scenarios/sudo-says/")
        assert person.troubles == []
    finally:
        site.ask(NOBODY_WAITS)
        site.begin("reconciler")
        person.close()
