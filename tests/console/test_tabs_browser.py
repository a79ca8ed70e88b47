"""Several terminals in Chromium: tabs, splits, full screen, keys, touch, reloads."""

import pytest

from range.console.extra_consoles import close_extra
from range.console.models import ExtraConsole
from tests.console.test_browser import AXE, chromium_place, shot
from tests.support.looks import looks

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
KEYS = "Control+Shift+"


@pytest.fixture
def place(console_role, settings, monkeypatch):
    with chromium_place(settings, monkeypatch) as made:
        yield made


@pytest.fixture
def page(place):
    place.workspace()
    place.focus("web")
    return place.page


def tabs(page):
    return page.get_by_role("tablist", name="Machines").get_by_role("tab").all_inner_texts()


def shown(page):
    """Return the labels of the terminals that can be seen, first the one to the left or above."""
    boxes = [
        (terminal.bounding_box(), terminal.get_attribute("data-label"))
        for terminal in page.locator(".terminal[data-label]").all()
        if terminal.is_visible()
    ]
    return [label for _, label in sorted(boxes, key=lambda each: (each[0]["x"], each[0]["y"]))]


def open_second(place):
    place.page.get_by_role("button", name="New terminal on web").click()
    place.opens("web 2")


def width(page, label):
    return page.locator(f'.terminal[data-label="{label}"]').bounding_box()["width"]


def height(page, label):
    return page.locator(f'.terminal[data-label="{label}"]').bounding_box()["height"]


# --- tabs -------------------------------------------------------------------------------------


def test_a_second_terminal_is_a_shell_of_its_own_and_has_the_keys(place, page):
    open_second(place)
    assert tabs(page) == ["web", "web 2"]
    page.keyboard.type("in the second")
    place.until(lambda: place.sitting.terminal(console="2").typed == b"in the second")
    assert place.sitting.terminal().typed == b""
    page.get_by_role("tab", name="web", exact=True).click()
    page.keyboard.type("in the first")
    place.until(lambda: place.sitting.terminal().typed == b"in the first")
    assert place.problems == []


def test_a_reload_brings_the_same_tabs_and_screens(place, page):
    open_second(place)
    page.keyboard.type("kept words")
    place.shows("kept words", "web 2")
    page.reload()
    place.opens("web 2")
    assert tabs(page) == ["web", "web 2"]
    assert shown(page) == ["web 2"]
    place.shows("kept words", "web 2")


def test_another_browser_of_the_same_person_has_the_tabs_too(place, page):
    open_second(place)
    other = place.page.context.browser.new_context(storage_state=page.context.storage_state())
    elsewhere = other.new_page()
    elsewhere.goto(page.url)
    elsewhere.get_by_role("tab", name="web 2").wait_for()
    assert tabs(elsewhere) == ["web", "web 2"]
    other.close()


def another_window(page):
    """The same workspace in a window that has its own storage, as in another browser."""
    context = page.context.browser.new_context()
    context.add_cookies(page.context.cookies())
    other = context.new_page()
    other.goto(page.url)
    other.locator('.terminal[data-label="web"][data-state=open]').wait_for()
    return other


def test_what_is_opened_elsewhere_comes_by_itself_and_takes_nothing(place, page):
    other = another_window(page)
    place.focus("web")
    other.get_by_role("button", name="New terminal on web").click()
    other.locator('.terminal[data-label="web 2"][data-state=open]').wait_for()
    page.get_by_role("tab", name="web 2").wait_for()
    assert shown(page) == ["web"]
    assert "web 2 was opened" in page.locator("[data-console-said]").inner_text()
    page.keyboard.type("goes on here")
    place.until(lambda: place.sitting.terminal().typed == b"goes on here")
    page.get_by_role("tab", name="web 2").click()
    place.opens("web 2")
    assert (tabs(page), tabs(other)) == (["web", "web 2"], ["web", "web 2"])
    assert place.problems == []


def test_what_is_closed_elsewhere_goes_even_if_it_was_never_looked_at(place, page):
    open_second(place)
    other = another_window(page)
    other.get_by_role("tab", name="web 2").wait_for()
    assert shown(other) == ["web"]
    page.keyboard.press(KEYS + "X")
    page.get_by_role("dialog").get_by_role("button", name="Close web 2").click()
    other.get_by_role("tab", name="web 2").wait_for(state="detached")
    assert other.locator(".terminal[data-label]").count() == 1


def test_news_of_what_is_opened_here_brings_no_second_tab(place, page):
    """The answer to a click is held back until the news of it came."""
    held = []
    page.route("**/open-console/", lambda route: held.append((route, route.fetch())))
    page.get_by_role("button", name="New terminal on web").click()
    page.get_by_role("tab", name="web 2").wait_for()
    assert shown(page) == ["web"]
    (route, answer), *more = held
    route.fulfill(response=answer)
    place.opens("web 2")
    assert more == []
    assert tabs(page) == ["web", "web 2"]
    assert page.locator(".console-panel").count() == 2
    page.keyboard.type("typed in it")
    place.until(lambda: place.sitting.terminal(console="2").typed == b"typed in it")


def test_a_number_that_is_used_again_still_goes_when_it_is_closed_elsewhere(place, page):
    open_second(place)
    page.keyboard.press(KEYS + "X")
    page.get_by_role("dialog").get_by_role("button", name="Close web 2").click()
    page.get_by_role("tab", name="web 2").wait_for(state="detached")
    place.until(lambda: place.terminals() == ["main"])
    place.until(lambda: not ExtraConsole.objects.filter(ended_at=None).exists())
    open_second(place)
    sitting = place.sitting
    close_extra(sitting.attempt, machine="web", console="2", actor="instructor:1")
    page.get_by_role("tab", name="web 2").wait_for(state="detached")
    page.get_by_text("web 2 was closed.").wait_for()


def test_what_waits_at_its_prompt_is_closed_at_once(place, page):
    open_second(place)
    place.sitting.terminal(console="2").console.print(
        b"\r\n\x1b]133;A\x07$ \x1b]133;B\x07 at the prompt"
    )
    place.shows("at the prompt", "web 2")
    page.keyboard.press(KEYS + "X")
    page.get_by_role("tab", name="web 2").wait_for(state="detached")
    assert shown(page) == ["web"]
    place.until(lambda: place.terminals() == ["main"])
    assert place.focused().startswith("Terminal on web.")
    page.reload()
    place.opens("web")
    assert tabs(page) == ["web"]


def test_what_runs_is_asked_about_and_may_be_kept(place, page):
    open_second(place)
    place.sitting.terminal(console="2").console.print(
        b"\x1b]133;B\x07top\r\n\x1b]133;C\x07 it runs"
    )
    place.shows("it runs", "web 2")
    page.get_by_role("tab", name="web 2").focus()
    page.keyboard.press("Delete")
    dialog = page.get_by_role("dialog", name="Close web 2?")
    assert "with whatever runs in it" in dialog.inner_text()
    shot(page, "close-terminal")
    dialog.get_by_role("button", name="Keep it").click()
    assert place.terminals() == ["main", "2"]
    page.locator("[data-tab-close]").click()
    dialog.get_by_role("button", name="Close web 2").click()
    page.get_by_role("tab", name="web 2").wait_for(state="detached")
    place.until(lambda: place.terminals() == ["main"])


def test_closed_in_one_window_it_leaves_the_other(place, page):
    open_second(place)
    other = page.context.new_page()
    other.goto(page.url)
    other.locator('.terminal[data-label="web 2"][data-state=open]').wait_for()
    page.keyboard.press(KEYS + "X")
    page.get_by_role("dialog").get_by_role("button", name="Close web 2").click()
    other.get_by_role("tab", name="web 2").wait_for(state="detached")
    other.get_by_text("web 2 was closed.").wait_for()
    assert shown(other) == ["web"]


def test_the_first_terminal_stays(place, page):
    page.keyboard.press(KEYS + "X")
    page.get_by_text("The first terminal of a machine stays open.").wait_for()
    page.get_by_label("More for terminals").click()
    assert page.get_by_role("button", name="Close this terminal…").is_disabled()


def test_more_than_allowed_is_refused_in_words(place, page, settings):
    settings.RANGE_CONSOLES_PER_TRAINEE = 1
    page.get_by_role("button", name="New terminal on web").click()
    page.get_by_text("You have 1 terminals").wait_for()
    assert tabs(page) == ["web"]
    place.problems.clear()


# --- splits -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "button"), [("E", "Split right"), ("O", "Split down")])
def test_a_split_opens_a_terminal_beside_and_is_remembered(place, page, key, button):
    page.keyboard.press(KEYS + key)
    place.opens("web 2")
    assert shown(page) == ["web", "web 2"]
    page.keyboard.type("in the new half")
    place.until(lambda: place.sitting.terminal(console="2").typed == b"in the new half")
    assert page.get_by_role("button", name=button).get_attribute("aria-pressed") == "true"
    across = width(page, "web") + width(page, "web 2")
    assert (across < page.locator("#pane-consoles").bounding_box()["width"]) == (key == "E")
    page.reload()
    place.opens("web")
    place.opens("web 2")
    assert shown(page) == ["web", "web 2"]
    place.focus("web 2")
    page.get_by_role("button", name=button).click()
    assert shown(page) == ["web 2"]
    assert tabs(page) == ["web", "web 2"]
    assert place.problems == []


def test_a_split_takes_a_tab_there_is_and_tabs_go_to_the_half_with_the_keys(place, page):
    open_second(place)
    page.get_by_role("button", name="New terminal on web").click()
    place.opens("web 3")
    page.get_by_role("button", name="Split right").click()
    assert shown(page) == ["web 3", "web"]
    place.focus("web")
    page.get_by_role("tab", name="web 2").click()
    assert shown(page) == ["web 3", "web 2"]
    chosen = page.locator("[data-console-tab][aria-selected=true]").all_inner_texts()
    assert chosen == ["web 2", "web 3"]


def test_closing_one_half_leaves_the_other(place, page):
    page.keyboard.press(KEYS + "E")
    place.opens("web 2")
    page.keyboard.press(KEYS + "X")
    page.get_by_role("dialog").get_by_role("button", name="Close web 2").click()
    page.get_by_role("tab", name="web 2").wait_for(state="detached")
    assert shown(page) == ["web"]
    assert page.get_by_role("button", name="Split right").get_attribute("aria-pressed") == "false"


def test_the_line_between_moves_by_keys_and_by_mouse_and_stays(place, page):
    page.keyboard.press(KEYS + "E")
    place.opens("web 2")
    line = page.get_by_role("separator", name="Share of the first terminal")
    before = width(page, "web")
    columns = place.columns("web")
    line.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert line.get_attribute("aria-valuenow") == "65"
    assert width(page, "web") > before
    place.until(lambda: place.columns("web") > columns)
    box = line.bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] - 150, box["y"] + 100, steps=4)
    page.mouse.up()
    share = line.get_attribute("aria-valuenow")
    assert 20 <= int(share) < 65
    page.reload()
    place.opens("web 2")
    assert line.get_attribute("aria-valuenow") == share


def test_a_line_that_lies_moves_up_and_down(place, page):
    page.keyboard.press(KEYS + "O")
    place.opens("web 2")
    line = page.get_by_role("separator", name="Share of the first terminal")
    assert line.get_attribute("aria-orientation") == "horizontal"
    before = height(page, "web")
    line.focus()
    page.keyboard.press("ArrowDown")
    assert height(page, "web") > before
    page.keyboard.press("Home")
    assert line.get_attribute("aria-valuenow") == "20"


# --- full screen, keys, readers ---------------------------------------------------------------


def test_full_screen_covers_the_page_and_escape_leaves_it(place, page):
    page.keyboard.press(KEYS + "Enter")
    pane = page.locator("#pane-consoles")
    assert pane.bounding_box() == {"x": 0, "y": 0, "width": 1280, "height": 800}
    assert "Full screen" in page.locator("[data-console-said]").inner_text()
    assert page.locator("#pane-brief").evaluate("pane => pane.inert")
    shot(page, "full-screen")
    page.keyboard.press("Escape")
    page.wait_for_function("() => !document.querySelector('.is-full')")
    assert pane.bounding_box()["width"] < 1280
    assert place.sitting.terminal().typed == b""
    place.focus("web")
    page.keyboard.press("Escape")
    place.until(lambda: place.sitting.terminal().typed == b"\x1b")


def test_in_an_editor_escape_belongs_to_the_editor(place, page):
    place.sitting.terminal().console.print(b"\x1b[?1049h\x1b[H an editor")
    place.shows("an editor")
    page.keyboard.press(KEYS + "Enter")
    page.keyboard.press("Escape")
    place.until(lambda: place.sitting.terminal().typed == b"\x1b")
    assert page.locator(".is-full").count() == 1
    page.keyboard.press(KEYS + "Enter")
    page.wait_for_function("() => !document.querySelector('.is-full')")


def test_where_the_browser_refuses_full_screen_the_page_is_covered(place, page):
    page.evaluate(
        "() => { Element.prototype.requestFullscreen = () => Promise.reject(new TypeError()); }"
    )
    page.get_by_role("button", name="Full screen").click()
    box = page.locator("#pane-consoles").bounding_box()
    assert (box["width"], box["height"]) == (1280, 800)
    place.focus("web")
    page.keyboard.press("Escape")
    page.wait_for_function("() => !document.querySelector('.is-full')")


def test_f6_leaves_full_screen_and_moves_on(place, page):
    page.keyboard.press(KEYS + "Enter")
    page.keyboard.press("F6")
    assert page.evaluate("document.activeElement.id") == "tutor-body"
    assert page.locator(".is-full").count() == 0


def test_every_action_is_done_by_keys_and_none_is_typed(place, page):
    page.keyboard.press(KEYS + "A")
    place.opens("web 2")
    page.keyboard.press(KEYS + "ArrowLeft")
    assert shown(page) == ["web"]
    page.keyboard.press(KEYS + "ArrowRight")
    assert shown(page) == ["web 2"]
    page.keyboard.press(KEYS + "F")
    page.keyboard.type("nothing like it")
    page.keyboard.press("Enter")
    page.get_by_text("is not on this terminal").wait_for()
    page.keyboard.press("Escape")
    size = "document.querySelector('.terminal').live.term.options.fontSize"
    before = page.evaluate(size)
    page.keyboard.press(KEYS + "+")
    page.keyboard.press(KEYS + "+")
    page.keyboard.press(KEYS + "_")
    assert page.evaluate(size) == before + 1
    page.keyboard.press(KEYS + "H")
    dialog = page.get_by_role("dialog", name="Terminals by keyboard")
    assert dialog.get_by_role("row").count() > 10
    shot(page, "keys")
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert place.focused().startswith("Terminal on web 2.")
    assert place.sitting.terminal().typed == place.sitting.terminal(console="2").typed == b""


def test_tabs_are_moved_along_by_arrows_and_entered(place, page):
    open_second(place)
    page.get_by_role("tab", name="web 2").focus()
    page.keyboard.press("ArrowLeft")
    assert shown(page) == ["web"]
    assert page.evaluate("document.activeElement.id") == "console-tab-web-main"
    page.keyboard.press("Enter")
    assert place.focused().startswith("Terminal on web.")


def test_output_is_there_for_a_screen_reader_in_every_terminal(place, page):
    page.keyboard.press(KEYS + "E")
    place.opens("web 2")
    page.keyboard.press(KEYS + "S")
    page.get_by_text("Output is read aloud.").wait_for(state="attached")
    place.sitting.terminal(console="2").console.print(b"read this out\r\n")
    tree = page.locator('.terminal[data-label="web 2"] .xterm-accessibility')
    tree.get_by_text("read this out").first.wait_for(state="attached")
    page.reload()
    place.opens("web")
    assert page.locator(".xterm-accessibility").count() == 2


def test_colours_follow_the_page_until_chosen(place, page):
    back = "document.querySelector('.terminal').live.term.options.theme.background"
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"() => {back} === '#fbfcfe'")
    shot(page, "terminal-light")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"() => {back} === '#0b0f14'")
    page.keyboard.press(KEYS + "D")
    page.wait_for_function(f"() => {back} === '#fbfcfe'")
    page.get_by_text("Colours of terminals: light.").wait_for(state="attached")
    page.reload()
    place.opens("web")
    assert page.evaluate(back) == "#fbfcfe"


def test_the_connection_comes_back_in_both_halves(place, page):
    page.keyboard.press(KEYS + "E")
    place.opens("web 2")
    page.keyboard.type("unsaved")
    place.shows("unsaved", "web 2")
    place.lose()
    for label in ("web", "web 2"):
        place.opens(label)
    place.shows("unsaved", "web 2")


# --- what it looks like -----------------------------------------------------------------------


@pytest.mark.parametrize(("theme", "width"), looks())
def test_two_terminals_side_by_side_are_accessible(place, page, theme, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=theme)
    page.keyboard.press(KEYS + "E")
    place.opens("web 2")
    for console in ("main", "2"):
        place.sitting.terminal(console=console).console.print(SAMPLE)
    place.shows("sixteen colours", "web 2")
    shot(page, f"split-{theme}-{width}")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


SAMPLE = (
    "".join(f"\x1b[{code}mcolour {code}\x1b[0m  " for code in (*range(30, 38), *range(90, 98)))
    + "\r\n\x1b[1;32mtrainee@web\x1b[0m:\x1b[1;34m~\x1b[0m$ ls --color # sixteen colours\r\n"
).encode()


def violations(page):
    page.context.new_cdp_session(page).send("Page.setBypassCSP", {"enabled": True})
    page.evaluate(AXE.read_text() + ";0")
    found = page.evaluate("axe.run(document)")["violations"]
    return [(each["id"], node["html"][:200]) for each in found for node in each["nodes"]]


@pytest.mark.parametrize("size", [(390, 844), (820, 1180)])
def test_a_phone_and_a_tablet_read_and_type_short_commands(place, size):
    page = place.on_touch(*size)
    place.workspace()
    page.get_by_role("tab", name="Terminal", exact=True).click()
    place.sitting.terminal().console.print(SAMPLE)
    place.shows("sixteen colours")
    shot(page, f"touch-{size[0]}")
    for name in ("Esc", "Up", "Tab", "Pipe"):
        page.get_by_role("button", name=name, exact=True).tap()
    page.get_by_role("button", name="Ctrl", exact=True).tap()
    place.focus("web")
    page.keyboard.type("cd")
    place.until(lambda: place.sitting.terminal().typed.endswith(b"d"))
    assert place.sitting.terminal().typed == b"\x1b\x1b[A\t|\x03d"
    page.get_by_role("button", name="New terminal on web").tap()
    place.opens("web 2")
    page.get_by_label("More for terminals").tap()
    shot(page, f"touch-menu-{size[0]}")
    page.get_by_role("button", name="Larger text").tap()
    for tab in ("Brief", "Tutor", "Terminal"):
        page.get_by_role("tab", name=tab, exact=True).tap()
        shot(page, f"touch-{tab.lower()}-{size[0]}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), tab
    finish = page.get_by_role("button", name="Finish").bounding_box()
    assert finish["x"] + finish["width"] <= size[0]
    assert violations(page) == []
    assert place.problems == []


def test_a_narrow_pane_shows_the_half_that_has_the_keys(place, page):
    page.keyboard.press(KEYS + "E")
    place.opens("web 2")
    page.set_viewport_size({"width": 480, "height": 800})
    assert shown(page) == ["web 2"]
    page.get_by_role("tab", name="web", exact=True).click()
    assert shown(page) == ["web"]
    page.set_viewport_size({"width": 1280, "height": 800})
    assert shown(page) == ["web", "web 2"]
