"""The workspace under a person's hands: panes, keys, half-typed answers, reloads."""

import contextlib
import re

import pytest
from playwright.sync_api import Error, expect

from tests.browser.journey import TERMINAL_TEXT, Person, choose

pytestmark = [
    pytest.mark.browser,
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("browser"),
]
POKE = """
from uuid import UUID
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_notify('attempt_changed', %s)", [values["attempt"] + " objectives"])
"""


@pytest.fixture(scope="module")
def worker(chromium, site):
    person = Person(chromium, site, "trainee2")
    person.attempt = person.launch("sudo-says")
    yield person
    person.close()


@pytest.fixture
def page(worker):
    """The workspace as on a first visit."""
    worker.page.set_viewport_size({"width": 1280, "height": 800})
    worker.page.evaluate("localStorage.clear()")
    worker.page.goto(f"/attempts/{worker.attempt}/")
    worker.wait_for_text(r"[$#] ?$")
    worker.troubles.clear()
    yield worker.page
    assert worker.troubles == []


def width_of(page, pane: str) -> float:
    return page.locator(f"#pane-{pane}").bounding_box()["width"]


def test_a_pane_is_widened_by_keys_and_stays_so(page):
    before = width_of(page, "brief")
    page.get_by_role("separator", name="Width of the brief").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert width_of(page, "brief") == before + 72
    page.reload()
    assert width_of(page, "brief") == before + 72


def test_a_pane_is_widened_by_the_mouse(page):
    before = width_of(page, "tutor")
    box = page.get_by_role("separator", name="Width of the tutor").bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] - 56, box["y"] + 200, steps=4)
    page.mouse.up()
    assert width_of(page, "tutor") == before + 60


def test_a_pane_never_grows_over_the_terminal(page):
    page.get_by_role("separator", name="Width of the brief").focus()
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    assert width_of(page, "brief") == 560
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_pane_folds_and_opens(page):
    button = page.get_by_role("button", name="Tutor", exact=True)
    button.click()
    assert width_of(page, "tutor") < 60
    assert button.get_attribute("aria-expanded") == "false"
    page.reload()
    assert width_of(page, "tutor") < 60
    button.click()
    assert width_of(page, "tutor") > 300


def test_a_story_that_was_read_stays_closed(page):
    story = page.locator("[data-story]")
    story.locator("summary").click()
    page.reload()
    assert story.get_attribute("open") is None


def test_f6_leads_out_of_the_terminal_and_around(page):
    page.locator(".xterm textarea").first.focus()
    visited = []
    for _ in range(3):
        page.keyboard.press("F6")
        visited.append(page.evaluate("document.activeElement.closest('.pane').id"))
    assert visited == ["pane-tutor", "pane-brief", "pane-consoles"]


def test_a_half_typed_answer_survives_a_refresh(page, site, worker):
    field = page.get_by_role("textbox", name="Flag").first
    field.click()
    field.press_sequentially("FLAG{half")
    page.evaluate("document.getElementById('objectives-panel').dataset.old = '1'")
    site.ask(POKE, attempt=worker.attempt)
    page.wait_for_selector("#objectives-panel:not([data-old])")
    assert field.input_value() == "FLAG{half"
    assert page.evaluate("document.activeElement.value") == "FLAG{half"


def test_a_wrong_flag_is_told_at_its_field(page):
    field = page.get_by_role("textbox", name="Flag").first
    field.fill("FLAG{WRONG}")
    field.press("Enter")
    page.get_by_text("That is no flag of this range").wait_for()
    expect(field).to_have_attribute("aria-invalid", "true")


def test_a_press_is_not_lost_to_a_refresh(page, site, worker):
    page.get_by_role("textbox", name="Flag").first.fill("FLAG{PRESSED}")
    button = page.get_by_role("button", name="Hand in").first
    button.evaluate("button => (button.isTheOne = true)")
    button.hover()
    page.mouse.down()
    with page.expect_response("**/objectives/"):
        site.ask(POKE, attempt=worker.attempt)
    page.wait_for_timeout(200)
    assert button.evaluate("button => button.isTheOne")
    page.mouse.up()
    page.get_by_text("That is no flag of this range").wait_for()
    # What waited for a press comes once it has ended; an answer under way would look like it.
    page.wait_for_timeout(500)
    page.wait_for_function("() => !document.querySelector('.htmx-request, .htmx-swapping')")
    page.locator("#objectives-title").hover()
    page.mouse.down()
    assert page.evaluate("() => Boolean(document.querySelector('#objectives-panel :active'))")
    page.evaluate("document.getElementById('objectives-panel').dataset.old = '1'")
    with page.expect_response("**/objectives/"):
        site.ask(POKE, attempt=worker.attempt)
    page.wait_for_timeout(200)
    assert page.locator("#objectives-panel[data-old]").count()
    page.mouse.up()
    page.wait_for_selector("#objectives-panel:not([data-old])")


def test_an_answer_given_while_the_objectives_refresh_keeps_its_field(page, site, worker):
    held = []
    page.route("**/objectives/", lambda route: held.append(route))
    site.ask(POKE, attempt=worker.attempt)
    while not held:
        page.wait_for_timeout(50)
    field = page.get_by_role("textbox", name="Flag").first
    field.fill("FLAG{EARLY}")
    field.press("Enter")
    page.get_by_text("That is no flag of this range").wait_for()
    for route in held:
        with contextlib.suppress(Error):
            route.continue_()
    page.unroute("**/objectives/")
    page.wait_for_timeout(500)
    assert field.input_value() == "FLAG{EARLY}"
    page.reload()


def test_a_reload_loses_nothing_on_the_terminal(page, worker):
    worker.type_line("echo remembered-$((40+2))")
    worker.wait_for_text("^remembered-42$")
    page.reload()
    worker.wait_for_text("^remembered-42$")


def test_at_800_pixels_panes_are_tabs(page):
    page.set_viewport_size({"width": 800, "height": 700})
    tabs = page.get_by_role("tablist", name="Parts of the workspace")
    assert page.locator("#pane-consoles").is_visible()
    assert not page.locator("#pane-brief").is_visible()
    tabs.get_by_role("tab", name="Terminal").focus()
    page.keyboard.press("ArrowLeft")
    assert page.locator("#pane-brief").is_visible()
    assert not page.locator("#pane-consoles").is_visible()
    assert page.get_by_role("heading", name="Objectives", exact=True).is_visible()


def test_the_theme_is_remembered(page):
    page.get_by_role("button", name="Dark theme").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.goto("/catalogue/")
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_filters_are_instant_and_in_the_address(page):
    page.goto("/catalogue/")
    page.get_by_label("Search").fill("zebra")
    page.get_by_text("No scenario matches").wait_for()
    page.wait_for_url(re.compile("q=zebra"))
    page.go_back()
    page.locator("#scenario-card-sudo-says").wait_for()


def test_resetting_asks_first_and_brings_a_fresh_machine(page, worker):
    worker.type_line("touch /tmp/mine && echo kept-$((1+1))")
    worker.wait_for_text("^kept-2$")
    choose(page, "Reset the machines")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Keep them").click()
    assert not dialog.is_visible()
    choose(page, "Reset the machines")
    page.get_by_role("dialog").get_by_role("button", name="Reset").click()
    page.get_by_text(re.compile("Stopping the machines|Starting your machines")).first.wait_for()
    page.locator("#sandbox-panel[data-state=RUNNING]").wait_for(state="attached")
    # The old screen stays until the new machine's shell has drawn its own.
    page.wait_for_function(f"() => !({TERMINAL_TEXT})().includes('kept-2')")
    worker.wait_for_text(r"[$#] ?$")
    worker.type_line("ls /tmp/mine; echo looked-$((1+1))")
    assert "No such file" in worker.wait_for_text("^looked-2$")
    # While the machines are away, the browser rightly says that a socket was closed.
    worker.troubles.clear()


@pytest.mark.parametrize("part", ["**/js/console.js", "**/js/terminal.js", "**/css/console.css"])
def test_a_page_that_lost_a_part_loads_once_more(page, worker, part):
    lost = []

    def lose_the_first(route):
        lost.append(route.request.url)
        if len(lost) == 1:
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(part, lose_the_first)
    # Long enough ago that another loss is an accident.
    page.evaluate("sessionStorage.clear()")
    page.reload()
    page.wait_for_function("() => performance.getEntriesByType('navigation')[0].type === 'reload'")
    worker.wait_for_text(r"[$#] ?$")
    assert len(lost) == 2
    page.unroute(part)
    worker.troubles.clear()


def test_a_page_whose_part_is_never_there_does_not_load_for_ever(page, worker):
    asked = []
    page.route("**/css/tutor.css", lambda route: (asked.append(1), route.abort("connectionreset")))
    page.evaluate("sessionStorage.clear()")
    page.reload()
    worker.wait_for_text(r"[$#] ?$")
    page.wait_for_timeout(1000)
    assert len(asked) == 2
    page.unroute("**/css/tutor.css")
    worker.troubles.clear()
