"""An author proves a draft in the browser: verified live, stopped, failed with reasons, tried."""

import re
import time

import pytest

from tests.browser.journey import Person
from tests.browser.writing import look
from tests.support.waiting import until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("browser"),
]
PEOPLE = """
from range.accounts.models import User
author = User.objects.get(username="instructor")
school = author.memberships.get(role="INSTRUCTOR").organisation
"""
BEGIN = (
    PEOPLE
    + """
from range.authoring.draft_opening import from_skeleton
print(from_skeleton(values["slug"], kind="attack", author=author, organisation=school).pk)
"""
)
SAVE = (
    PEOPLE
    + """
from uuid import UUID
from range.authoring import drafts
from range.catalog.source import File
draft = drafts.draft_of(author, UUID(values["draft"]))
old = drafts.files_of(draft)["scenario.yaml"]
text = old.text.replace(values["before"], values["after"])
assert text != old.text
change = drafts.Change(file=File(data=text.encode()), base=old.sha256)
drafts.change(
    draft.pk, {"scenario.yaml": change}, author=author
)
"""
)
ASK = (
    PEOPLE
    + """
from uuid import UUID
from range.authoring.verifications import ask_for_draft
print(ask_for_draft(UUID(values["draft"]), author=author).pk)
"""
)
LEFT = """
import json
from dataclasses import replace
from range.runtime import options
from range.runtime.engine_client import Engine
present = options.current()
with Engine(present.engine_url).client() as client:
    found = client.containers(all=True)
mine = [each for each in found if f"{present.installation}-try" in json.dumps(each["Labels"])]
print(len(mine))
"""
SLOW = "  - {name: fresh, expect: {objectives: unmet}}"


@pytest.fixture(scope="module")
def author(chromium, site):
    site.begin("workshop")
    person = Person(chromium, site, "instructor")
    yield person
    assert person.troubles == []
    person.close()


@pytest.fixture
def page(author):
    return author.page


def drafted(site, slug):
    return site.ask(BEGIN, slug=slug)


def state(page):
    return page.locator("#state-title")


def ends(page, words, *, seconds=300):
    state(page).get_by_text(words, exact=True).wait_for(timeout=seconds * 1000)


def test_a_draft_is_verified_live_to_its_end(author, page, site):
    draft = drafted(site, "proved-desk")
    page.goto(f"/workshop/verifications/{site.ask(ASK, draft=draft)}/")
    ends(page, "Running")
    page.locator(".proving__run").first.wait_for()
    look(page, "verification-running")
    ends(page, "Passed")
    page.get_by_text("5 of 5 runs").wait_for()
    assert page.locator(".proving__mark--as-expected").count() == 5
    page.locator("summary", has_text="wrong-guess").click()
    page.locator("details[open] th", has_text="look").wait_for()
    look(page, "verification-passed")
    assert site.ask(LEFT) == "0"


def test_what_differs_stands_first_with_expected_and_found(author, page, site):
    draft = drafted(site, "differing-desk")
    site.ask(SAVE, draft=draft, before='mode: "0644"', after='mode: "0600"')
    page.goto(f"/workshop/verifications/{site.ask(ASK, draft=draft)}/")
    ends(page, "Differs")
    first = page.locator(".proving__run").first
    assert "reference" in first.inner_text()
    told = first.locator(".proving__differences").inner_text()
    assert "reference.look, step 1: ended with 1 as trainee on desk" in told
    look(page, "verification-differs")


def test_a_mistake_is_told_with_its_line(author, page, site):
    draft = drafted(site, "mistaken-desk")
    site.ask(SAVE, draft=draft, before="difficulty: 1 ", after="difficulty: 9 ")
    page.goto(f"/workshop/verifications/{site.ask(ASK, draft=draft)}/")
    ends(page, "Differs")
    assert re.search(r"scenario\.yaml:\d+: .*difficulty", page.locator("pre").inner_text())
    look(page, "verification-mistake")


def test_it_stops_when_its_author_says_so(author, page, site):
    draft = drafted(site, "slow-desk")
    slow = SLOW.replace("fresh,", "fresh, wait_seconds: 600,")
    site.ask(SAVE, draft=draft, before=SLOW, after=slow)
    page.goto(f"/workshop/verifications/{site.ask(ASK, draft=draft)}/")
    page.locator(".proving__mark .spinner").first.wait_for()
    page.get_by_role("button", name="Stop").click()
    ends(page, "Stopped")
    assert site.ask(LEFT) == "0"


def test_a_killed_role_begins_it_anew_and_leaves_nothing(author, page, site):
    draft = drafted(site, "killed-desk")
    page.goto(f"/workshop/verifications/{site.ask(ASK, draft=draft)}/")
    page.locator(".proving__mark .spinner").first.wait_for()
    site.kill("workshop")
    site.begin("workshop")
    ends(page, "Passed")
    assert site.ask(LEFT) == "0"


def test_a_draft_is_tried_changed_broken_and_ended(author, page, site):
    draft = drafted(site, "tried-desk")
    page.goto(f"/workshop/verifications/{site.ask(ASK, draft=draft)}/")
    page.get_by_role("button", name="Try it").click()
    page.wait_for_url(re.compile(r"/workshop/trials/"))
    began = time.monotonic()
    author.wait_for_text(r"[$#] ?$")
    print(f"a prompt after {time.monotonic() - began:.1f} s")
    author.type_line("ls /srv && id -un")
    author.wait_for_text(r"(invoices|letters|payroll)\.txt[\s\S]*trainee")

    page.get_by_role("button", name="Run the checks").click()
    page.get_by_text("The checks were run.").wait_for()
    page.locator(".proving__objectives [aria-label='Not met']").first.wait_for()
    flag = re.search(r"FLAG\{[A-Z0-9]+\}", page.locator("#trial-values").text_content())[0]
    page.get_by_label("Hand in a flag or an answer").fill(flag)
    page.get_by_role("button", name="Hand in").click()
    page.get_by_text("Right for look.").wait_for()
    page.locator(".proving__objectives [aria-label='Met']").first.wait_for()
    page.locator("summary", has_text="What was drawn").click()
    page.wait_for_timeout(2500)
    assert page.locator("#trial-values").evaluate("(each) => each.open")
    look(page, "trial")

    # From the save to the new content in the terminal.
    saved = time.monotonic()
    site.ask(
        SAVE,
        draft=draft,
        before='text: "{{ flag_look }}\\n"',
        after='text: "anew {{ flag_look }}\\n"',
    )
    asked = time.monotonic()
    page.get_by_text("Revision 2 runs").wait_for()
    up = time.monotonic()
    author.wait_for_text(r"[$#] ?$")
    author.type_line("cat /srv/*.txt")
    author.wait_for_text("anew FLAG")
    print(
        f"save {asked - saved:.1f} s, up {up - asked:.1f} s later, "
        f"seen in the terminal {time.monotonic() - asked:.1f} s after the save"
    )

    site.ask(SAVE, draft=draft, before="difficulty: 1 ", after="difficulty: 9 ")
    page.get_by_text(re.compile(r"scenario\.yaml:\d+.*difficulty")).wait_for()
    author.type_line("echo still $((40 + 2))")
    author.wait_for_text("still 42")
    look(page, "trial-broken")

    page.get_by_role("button", name="End").click()
    page.get_by_text("You ended it.").wait_for()
    look(page, "trial-ended")
    # The verification that was asked for above may still run machines of its own.
    until(lambda: site.ask(LEFT) == "0", "something was left", seconds=300)


def test_nobody_else_gets_into_a_trial(chromium, author, page, site):
    draft = drafted(site, "private-desk")
    page.goto(f"/workshop/verifications/{site.ask(ASK, draft=draft)}/")
    page.get_by_role("button", name="Try it").click()
    page.wait_for_url(re.compile(r"/workshop/trials/"))
    trial = re.search(r"/trials/([0-9a-f-]+)/", page.url)[1]
    author.wait_for_text(r"[$#] ?$")
    trainee = Person(chromium, site, "trainee2")
    assert trainee.page.goto(f"/workshop/trials/{trial}/").status == 404
    socket = f"ws://127.0.0.1:{site.port + 1}/ws/trials/{trial}/consoles/desk/main"
    opened = trainee.page.evaluate(
        """(url) => new Promise((resolve) => {
            const socket = new WebSocket(url);
            socket.onopen = () => resolve("open");
            socket.onclose = (event) => resolve(`closed ${event.code}`);
        })""",
        socket,
    )
    assert opened.startswith("closed")
    trainee.close()
    page.get_by_role("button", name="End").click()
    page.get_by_text("You ended it.").wait_for()


def test_the_catalogue_of_images_reads_for_authors_and_operators(chromium, author, page, site):
    page.goto("/workshop/images/")
    page.get_by_text("No image is on offer").wait_for()
    operator = Person(chromium, site, "admin" if "admin" in site.accounts else "operator")
    operator.page.goto("/workshop/images/")
    operator.page.get_by_label("Build folder").select_option("sudo-says/machines/desk")
    operator.page.get_by_label("Name", exact=True).fill("practice-desk")
    operator.page.get_by_label("What it is for").fill("A desk with cron, sudo and editors")
    operator.page.get_by_role("button", name="Allow it").click()
    operator.page.locator("th", has_text="practice-desk").wait_for()
    look(operator.page, "images-operator")
    page.reload()
    page.locator("th", has_text="practice-desk").wait_for()
    assert page.get_by_role("button", name="Withdraw").count() == 0
    look(page, "images-author")
    operator.page.get_by_role("button", name="Withdraw practice-desk").click()
    operator.page.get_by_role("button", name=re.compile("^Offer practice-desk again")).click()
    operator.page.locator("th", has_text="practice-desk").wait_for()
    operator.close()
