"""What an author does in the editor, in words that the tests can be read in."""

import re

from tests.browser.conftest import keep
from tests.browser.journey import violations
from tests.support.looks import looks


def look(page, name, *, phone=False):
    """Keep a picture of a page in each theme and width, and have it audited."""
    for theme, width in [*looks(), *([("light", 390)] if phone else ())]:
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 900})
        # Colours take a moment to follow the theme.
        page.wait_for_timeout(200)
        keep(page, f"workshop-{name}-{theme}-{width}")
        assert violations(page) == [], (name, theme, width)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, width)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 800})


def begin(page, slug):
    page.goto("/workshop/")
    page.get_by_label("Id of a new scenario").fill(slug)
    page.get_by_role("button", name="Begin").click()
    state(page, "Saved")
    page.locator("#problems-title").wait_for()
    return page.url


def state(page, text):
    page.locator("[data-save-state]", has_text=re.compile(f"^{text}")).wait_for()


def line(page, text):
    return page.locator(".cm-line", has_text=text).first


def write_at_end(page, text, words):
    """Put words at the end of the line that holds a text."""
    line(page, text).click()
    page.keyboard.press("End")
    page.keyboard.type(words)


def open_file(page, path):
    page.locator(f"[data-open='{path}']").click()
    page.locator("[data-open-name]", has_text=path).wait_for()
    state(page, "Saved")


def number_of(page, text):
    shown = line(page, text).bounding_box()
    for each in page.locator(".cm-lineNumbers .cm-gutterElement").all():
        box = each.bounding_box()
        if box and abs(box["y"] - shown["y"]) < 4 and box["height"] > 5:
            return int(each.inner_text())
    raise AssertionError("the line has no number")


def take_out(page, text, count):
    """Remove so many characters from the end of the line that holds a text."""
    line(page, text).click()
    page.keyboard.press("End")
    for _ in range(count):
        page.keyboard.press("Backspace")
