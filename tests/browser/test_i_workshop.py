"""An instructor writes a scenario in the browser, from the skeleton to its retirement."""

import re

import pytest

from tests.browser.conftest import keep
from tests.browser.journey import Person
from tests.browser.writing import begin, line, look, number_of, open_file, state, write_at_end

pytestmark = [
    pytest.mark.browser,
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("browser"),
]
# Chromium tells of every request that a lost network cost.
LOST = ("net::ERR_INTERNET_DISCONNECTED", "Failed to fetch")


@pytest.fixture(scope="module")
def instructor(chromium, site):
    person = Person(chromium, site, "instructor")
    yield person
    person.close()


def test_from_skeleton_to_retirement(instructor):
    page = instructor.page
    page.get_by_role("link", name="Workshop").click()
    page.get_by_role("heading", name="Workshop").wait_for()
    look(page, "desk")
    begin(page, "lost-ledger")

    # An error stands at its line, in the list, in the gutter and for readers.
    write_at_end(page, "networks: [office]", "")
    page.keyboard.press("Backspace")
    page.keyboard.type("x]")
    problem = page.locator("[data-problem]", has_text="officex").first
    problem.wait_for()
    assert problem.get_attribute("data-line") == str(number_of(page, "networks: [officex]"))
    page.locator(".cm-lint-marker-error").first.wait_for()
    look(page, "problem")
    page.keyboard.press("Control+Home")
    problem.click()
    assert page.locator(".cm-activeLine").inner_text().strip() == "networks: [officex]"

    # Names that the file declares, keys and values of the format complete.
    page.keyboard.press("End")
    for _ in "officex]":
        page.keyboard.press("Backspace")
    page.keyboard.type("of")
    page.locator(".cm-tooltip-autocomplete li", has_text="office").first.wait_for()
    look(page, "completion")
    page.wait_for_timeout(150)
    page.keyboard.press("Enter")
    page.keyboard.type("]")
    line(page, "networks: [office]").wait_for()
    write_at_end(page, "estimated_minutes: 10", "\nsec")
    page.locator(".cm-tooltip-autocomplete li", has_text="sector").first.wait_for()
    page.wait_for_timeout(150)
    page.keyboard.press("Enter")
    page.keyboard.type("hos")
    page.locator(".cm-tooltip-autocomplete li", has_text="hospital").first.wait_for()
    page.wait_for_timeout(150)
    page.keyboard.press("Enter")
    line(page, "sector: hospital").wait_for()
    page.locator("[data-problem][data-severity='error']").first.wait_for(state="detached")
    state(page, "Saved")
    look(page, "draft")

    open_file(page, "brief.md")
    page.keyboard.press("Control+End")
    page.keyboard.type("\nLook into the **ledger**, not the {{ drawer }}.\n")
    brief = page.locator(".bench__brief")
    brief.get_by_text("ledger", exact=True).wait_for()
    assert "{{" not in brief.inner_text()
    state(page, "Saved")

    page.get_by_role("link", name="Publish…").click()
    look(page, "publish")
    page.get_by_role("button", name="Publish 0.1.0").click()
    page.get_by_role("heading", name="Versions").wait_for()
    page.goto("/catalogue/")
    page.get_by_role("link", name="Lost ledger").first.wait_for()

    # A second version says what changed.
    page.goto("/workshop/")
    page.get_by_role("link", name="Lost ledger").first.click()
    state(page, "Saved")
    write_at_end(page, "version: 0.1.0", "")
    page.keyboard.press("Backspace")
    page.keyboard.type("1")
    state(page, "Saved")
    page.get_by_role("link", name="History").click()
    page.get_by_role("heading", name="Revisions").wait_for()
    look(page, "history")
    page.go_back()
    state(page, "Saved")
    page.get_by_role("link", name="Publish…").click()
    page.get_by_role("heading", name="What changes since 0.1.0").wait_for()
    look(page, "publish-again")
    page.get_by_role("button", name="Publish 0.1.1").click()
    page.get_by_role("heading", name="Versions").wait_for()
    look(page, "versions")
    page.get_by_role("link", name="Changes from 0.1.0 to 0.1.1").click()
    page.get_by_text("version: 0.1.1").wait_for()
    look(page, "compare")
    page.go_back()
    page.get_by_role("link", name="Retire…").click()
    look(page, "retire")
    page.get_by_role("button", name="Retire it").click()
    page.get_by_role("button", name="Offer it again").wait_for()
    page.goto("/catalogue/")
    page.get_by_role("heading", name="Catalogue").wait_for()
    assert page.get_by_role("link", name="Lost ledger").count() == 0
    page.goto("/workshop/import/")
    look(page, "import")
    assert instructor.troubles == []


PLACES = [
    ("", {"verify", "tutor"}, {"schema", "networks"}),
    ("modes: [", {"attack", "fix"}, {"modes"}),
    ("machines:\n  web:\n    ", {"build", "console", "image"}, {"title: "}),
    ("machines:\n  web:\n    networks: [", {"office", "lan"}, set()),
    ("machines:\n  web:\n    networks:\n      - ", {"office", "lan"}, set()),
    ("machines:\n  web:\n    image: ", {"web-server"}, set()),
    ("  - key: b\n    checks: {kind: ", {"flag", "file", "http"}, {"key"}),
    ("          ", {"role", "open"}, {"id", "kind", "path"}),
    ("          machine: ", {"desk"}, set()),
    ("variables:\n  x: {type: ", {"choice", "flag"}, set()),
    ("verify:\n  - {name: a, ", {"expect", "run"}, {"name"}),
    ("a: " + "[{b: " * 20_000, set(), {"schema"}),
]
BEGUN = """schema: 1
networks:
  office: {}
  # not: a name
  lan: {}
machines:
  desk: {networks: [office]}
objectives:
  - key: look
    checks:
      all_of:
        - {id: a, kind: file, machine: desk, path: /x}
        - id: b
          kind: port
"""
COMPLETED = """async ([schemaUrl, text]) => {
  const { completionsAt } = await import("/static/js/workshop/completion.js");
  const { schema } = await (await fetch(schemaUrl)).json();
  const images = [{ name: "web-server", description: "" }];
  return completionsAt(schema, text, text.length, images).map((each) => each.label);
}"""


def test_what_is_offered_follows_from_the_place_of_the_cursor(instructor):
    page = instructor.page
    begin(page, "by-place")
    for text, wanted, unwanted in PLACES:
        offered = set(page.evaluate(COMPLETED, ["/workshop/schema/", BEGUN + text]))
        assert wanted <= offered, text[:80]
        assert not unwanted & offered, text[:80]


def test_two_tabs_conflict_and_neither_text_is_lost(instructor):
    first = instructor.page
    address = begin(first, "two-tabs")
    second = instructor.context.new_page()
    second.goto(address)
    state(second, "Saved")
    write_at_end(first, "estimated_minutes: 10", "  # mine")
    state(first, "Saved")
    write_at_end(second, "difficulty: 1", "  theirs")
    state(second, "Not saved: changed elsewhere")
    box = second.get_by_role("alertdialog")
    there = box.get_by_label("On the range now").input_value()
    here = box.get_by_label("Yours").input_value()
    assert "# mine" in there
    assert "theirs" in here
    pairs = zip(there.splitlines(), here.splitlines(), strict=True)
    differs = next(number for number, (left, right) in enumerate(pairs, start=1) if left != right)
    box.get_by_text(f"They begin to differ at line {differs}.").wait_for()
    # What the bar covers in part cannot be pressed there; nobody reads it there either.
    second.evaluate("scrollTo(0, 0)")
    look(second, "conflict")
    box.get_by_role("button", name="Take what is on the range").click()
    line(second, "estimated_minutes: 10  # mine").wait_for()
    state(second, "Saved")

    write_at_end(second, "estimated_minutes: 10", " and yours")
    state(second, "Saved")
    write_at_end(first, "difficulty: 1", "  # kept")
    box = first.get_by_role("alertdialog")
    box.get_by_role("button", name="Keep mine").click()
    state(first, "Saved")
    first.reload()
    state(first, "Saved")
    line(first, "# kept").wait_for()
    first.get_by_role("link", name="History").click()
    first.get_by_role("heading", name="Revisions").wait_for()
    assert first.get_by_role("button", name=re.compile("Restore")).count() >= 3
    second.close()


def test_a_lost_network_loses_nothing(instructor):
    page, context = instructor.page, instructor.context
    address = begin(page, "no-network")
    context.set_offline(True)
    write_at_end(page, "estimated_minutes: 10", "  # typed in a tunnel")
    state(page, "Not saved: the range cannot be reached")
    keep(page, "workshop-offline-light-1280")
    context.set_offline(False)
    state(page, "Saved")

    # The page goes away before the network comes back.
    context.set_offline(True)
    write_at_end(page, "difficulty: 1", "  # and then the lid closed")
    state(page, "Not saved")
    page.close()
    context.set_offline(False)
    page = instructor.page = context.new_page()
    page.goto(address)
    line(page, "and then the lid closed").wait_for()
    state(page, "Saved")
    page.reload()
    line(page, "and then the lid closed").wait_for()
    line(page, "typed in a tunnel").wait_for()
    others = [each for each in instructor.troubles if not any(lost in each for lost in LOST)]
    # A conflict that is told is answered with a status of its own.
    assert [each for each in others if "409" not in each] == []


def test_files_by_the_tree_and_everything_by_keyboard(instructor):
    page = instructor.page
    begin(page, "by-keyboard")
    tree = page.locator("#draft-files")
    tree.get_by_label("New file").fill("seed/notes.txt")
    page.keyboard.press("Enter")
    page.locator("[data-open-name]", has_text="seed/notes.txt").wait_for()
    page.locator(".cm-content").focus()
    page.keyboard.type("Hello\n")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('[data-editor]')")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert not page.evaluate("document.activeElement.matches('[data-editor]')")
    state(page, "Saved")

    tree.get_by_label("More about seed/notes.txt").click()
    tree.get_by_label("New path of seed/notes.txt").fill("seed/words.txt")
    page.keyboard.press("Enter")
    page.locator("[data-open-name]", has_text="seed/words.txt").wait_for()
    tree.get_by_label("More about seed/words.txt").click()
    keep(page, "workshop-tree-menu-light-1280")
    tree.get_by_role("button", name="Delete").first.click()
    tree.get_by_text("seed/words.txt is deleted.").wait_for()
    look(page, "deleted")
    tree.get_by_role("button", name="Undo").click()
    tree.locator("[data-open='seed/words.txt']").wait_for()
    open_file(page, "seed/words.txt")
    line(page, "Hello").wait_for()

    tree.get_by_text("Upload files").click()
    file = {"name": "blob.bin", "mimeType": "application/x", "buffer": bytes(range(256))}
    tree.get_by_label("Files, at most 2 MiB each").set_input_files(file)
    tree.get_by_role("button", name="Upload", exact=True).click()
    tree.get_by_text("Uploaded 1 file.").wait_for()
    tree.get_by_text("blob.bin").wait_for()
    open_file_locked(page)


def open_file_locked(page):
    """What builds images can be read, and says who changes it."""
    page.locator("[data-open='machines/desk/Dockerfile']").click()
    page.get_by_text("an administrator changes it", exact=True).wait_for()
    page.locator(".cm-content").focus()
    page.keyboard.type("RUN evil")
    assert "evil" not in page.locator(".cm-content").inner_text()
    look(page, "locked")
