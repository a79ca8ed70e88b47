"""A machine's web page in the workspace: opened, used, kept apart from the site, and ended."""

import copy
import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import keep
from tests.browser.journey import Person, choose, violations

pytestmark = [
    pytest.mark.browser,
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("browser"),
]
PREPARE = ("publish_scenarios", "clinic-portal"), ("run_builder", "--once", "clinic-portal")
ACCOUNT = """
from uuid import UUID
from range.runtime.driver import Handle
from range.runtime.registry import get_driver
from range.sandboxes.models import Sandbox
sandbox = Sandbox.objects.get(attempt=UUID(values["attempt"]), state="RUNNING")
read = get_driver(sandbox.driver).read_file
print(read(Handle.from_json(sandbox.handle), "desk", "/home/trainee/account.txt").decode())
"""
EVENTS = """
from uuid import UUID
from range.timeline.services import events_of
print(" ".join(event.kind for event in events_of(UUID(values["attempt"]))))
"""
STOP = """
from uuid import UUID
from range.exercises.models import Attempt
from range.sandboxes.services import stop
stop(Attempt.objects.get(pk=UUID(values["attempt"])), actor="range")
"""
# A page of the machine's own, for attacks that only a machine's author could write.
HOSTILE = """
from uuid import UUID
from range.runtime.driver import Handle
from range.runtime.registry import get_driver
from range.sandboxes.models import Sandbox
sandbox = Sandbox.objects.get(attempt=UUID(values["attempt"]), state="RUNNING")
driver, handle = get_driver(sandbox.driver), Handle.from_json(sandbox.handle)
driver.put_file(handle, "desk", "/srv/portal/page.html", values["page"].encode(), uid=1000)
"""


@pytest.fixture(scope="module")
def worker(chromium, site):
    for command in PREPARE:
        site.manage(*command)
    # The name that bin/up prints, and that every view's name ends with.
    local = copy.copy(site)
    local.url = f"http://localhost:{site.port}"
    person = Person(chromium, local, "trainee2")
    person.attempt = person.launch("clinic-portal")
    yield person
    # After a test that failed its machines still run, and would count against the next launch.
    site.ask(STOP, attempt=person.attempt)
    person.close()


@pytest.fixture
def page(worker):
    worker.page.goto(f"/attempts/{worker.attempt}/")
    yield worker.page
    worker.troubles.clear()


def open_tab(page, title):
    page.get_by_role("tab", name=f"Web: {title}").click()
    return page.frame_locator(f'iframe[title="{title}"]')


def account_of(worker):
    text = worker.site.ask(ACCOUNT, attempt=worker.attempt)
    return dict(line.split(None, 1) for line in text.splitlines() if " " in line.strip())


def bar(page):
    return page.locator(".console-panel:not([hidden]) [data-view-path]")


def test_a_trainee_signs_in_to_the_portal_and_reads_a_document(page, worker):
    portal = open_tab(page, "Patient portal")
    expect(portal.get_by_role("heading", name="Riverside Clinic")).to_be_visible()
    account = account_of(worker)
    portal.get_by_label("E-mail").fill(account["email"].strip())
    portal.get_by_label("Password").fill(account["password"].strip())
    portal.get_by_role("button", name="Sign in").click()
    expect(portal.get_by_text("Signed in as")).to_be_visible()
    portal.get_by_role("listitem").first.get_by_role("button").click()
    expect(portal.locator("#text")).to_be_visible()
    assert violations(page) == []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        keep(page, f"web-view-{theme}")
    page.set_viewport_size({"width": 800, "height": 700})
    keep(page, "web-view-narrow")
    page.set_viewport_size({"width": 1280, "height": 800})
    assert "view.opened" in worker.site.ask(EVENTS, attempt=worker.attempt)


def test_who_signed_in_stays_so_through_a_reload_of_the_workspace(page, worker):
    portal = open_tab(page, "Patient portal")
    expect(portal.get_by_text("Signed in as")).to_be_visible()


def test_the_bar_follows_the_frame_and_leads_it(page, worker):
    portal = open_tab(page, "Patient portal")
    expect(portal.get_by_role("heading", name="Riverside Clinic")).to_be_visible()
    expect(bar(page)).to_have_value("/")
    bar(page).fill("/api/health")
    bar(page).press("Enter")
    expect(portal.get_by_text("reachable")).to_be_visible()
    back = page.get_by_role("button", name="Back", exact=True).locator("visible=true")
    back.click()
    expect(portal.get_by_role("heading", name="Riverside Clinic")).to_be_visible()
    expect(bar(page)).to_have_value("/")
    page.get_by_role("button", name="Forward", exact=True).locator("visible=true").click()
    expect(portal.get_by_text("reachable")).to_be_visible()
    page.get_by_role("button", name="Reload", exact=True).locator("visible=true").click()
    expect(portal.get_by_text("reachable")).to_be_visible()


def test_a_tab_of_its_own_has_a_way_in_of_its_own(page, worker):
    open_tab(page, "Patient portal")
    with page.context.expect_page() as opening:
        page.get_by_role("button", name="New tab").locator("visible=true").click()
    own = opening.value
    own.get_by_role("heading", name="Riverside Clinic").wait_for()
    assert re.fullmatch(r"http://[a-z2-7]{32}\.view\.localhost:\d+/", own.url)
    assert own.evaluate("window.opener") is None
    assert own.evaluate("document.referrer") == ""
    # The address alone serves no other browser.
    stranger = worker.context.browser.new_context().new_page()
    answer = stranger.goto(own.url)
    assert answer.status == 403
    stranger.get_by_text("Open it from the workspace.").wait_for()
    keep(stranger, "web-view-refused")
    stranger.context.close()
    own.close()


def test_cookies_of_both_sides_are_apart(page, worker):
    open_tab(page, "Patient portal")
    expect(bar(page)).to_have_value("/")
    ours = {c["name"] for c in worker.context.cookies(worker.site.url)}
    assert "muster_session" in ours
    assert not {"muster-view", "session"} & ours
    of_views = [c for c in worker.context.cookies() if "view.localhost" in c["domain"]]
    assert {c["name"] for c in of_views} >= {"muster-view"}
    for cookie in of_views:
        assert not cookie["domain"].startswith("."), cookie
        assert cookie["name"] not in ("muster_session", "csrftoken")


ATTACKS = """<!doctype html><title>Evil</title><h1>Riverside Clinic</h1><pre id="out"></pre>
<script>
const site = SITE;
const tried = {};
async function attempt(name, work) {
  try { tried[name] = await work(); } catch (error) { tried[name] = "refused " + error.name; }
}
(async () => {
  await attempt("own", async () => (await fetch("/api/health")).status);
  await attempt("cookies", () => document.cookie);
  await attempt("parent", () => parent.document.title);
  await attempt("top", () => { top.location = "about:blank"; return "moved"; });
  await attempt("read", async () => (await fetch(site + "/", { credentials: "include" })).status);
  await attempt("blind", async () => {
    const answer = await fetch(site + "/sign-out/", {
      method: "POST", mode: "no-cors", credentials: "include" });
    return answer.type;
  });
  await attempt("worker", async () => {
    await navigator.serviceWorker.register("/worker.js"); return "registered"; });
  await attempt("toss", () => {
    for (const domain of ["localhost", ".localhost", "view.localhost"])
      document.cookie = "muster_session=evil; Domain=" + domain + "; SameSite=None; Secure; Path=/";
    document.cookie = "csrftoken=evil; Domain=localhost";
    return "set";
  });
  await attempt("frame", () => new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.src = site + "/sign-in/";
    frame.onload = () => {
      try { done(String(frame.contentDocument?.title ?? "sealed")); } catch { done("sealed"); }
    };
    document.body.append(frame);
    setTimeout(() => done("never"), 3000);
  }));
  await attempt("popup", () => (window.open(site) === null ? "none" : "opened"));
  await attempt("socket", () => new Promise((done) => {
    const socket = new WebSocket(CONSOLE);
    socket.onopen = () => done("opened");
    socket.onclose = () => done("closed");
  }));
  document.getElementById("out").textContent = JSON.stringify(tried);
})();
</script>"""


def test_a_hostile_page_reaches_nothing_of_ours(page, worker):
    site, console = worker.site.url, worker.site.port + 1
    socket = f"ws://localhost:{console}/ws/attempts/{worker.attempt}/consoles/desk/main"
    written = ATTACKS.replace("SITE", repr(site)).replace("CONSOLE", repr(socket))
    worker.site.ask(HOSTILE, attempt=worker.attempt, page=written)
    evil = open_tab(page, "Next version")
    out = evil.locator("#out")
    expect(out).not_to_be_empty()
    tried = json.loads(out.inner_text())
    print(tried)
    # It runs, and reaches its own machine: the rest was tried in earnest.
    assert tried["own"] == 200
    assert tried["toss"] == "set"
    assert "muster" not in tried["cookies"]
    assert tried["parent"].startswith("refused")
    assert tried["top"].startswith("refused")
    assert tried["read"].startswith("refused")
    assert tried["worker"].startswith("refused")
    assert tried["frame"] in ("sealed", "never")
    assert tried["popup"] == "none"
    assert tried["socket"] == "closed"
    assert page.url == f"{site}/attempts/{worker.attempt}/"
    # Still signed in, under the same cookie, whatever it sent and set.
    ours = {c["name"]: c["value"] for c in worker.context.cookies(site)}
    assert ours["muster_session"] != "evil"
    assert ours.get("csrftoken") != "evil"
    page.goto("/catalogue/")
    page.get_by_role("heading", level=1).wait_for()
    assert "/sign-in/" not in page.url


def test_a_page_ends_with_the_machines(page, worker):
    portal = open_tab(page, "Patient portal")
    expect(portal.get_by_role("heading", name="Riverside Clinic")).to_be_visible()
    with page.context.expect_page() as opening:
        page.get_by_role("button", name="New tab").locator("visible=true").click()
    own = opening.value
    own.get_by_role("heading", name="Riverside Clinic").wait_for()
    choose(page, "Stop the machines…")
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.locator('iframe[title="Patient portal"]')).to_be_hidden()
    page.wait_for_timeout(5_000)
    assert own.reload().status == 410
    own.get_by_text("The machines of this page have ended.").wait_for()
    own.close()
