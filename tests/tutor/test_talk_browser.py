"""Talking to the tutor in Chromium: ask, mark and ask, stream, source, unlock, rate, degrade."""

import contextlib

import pytest

from range.timeline.services import record
from tests.console.test_browser import AXE, chromium_place, shot
from tutor.models import Hint
from tutor.providers import registry
from tutor.providers.scripted import ScriptedChat

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DENIED = "cat: /root/flag.txt: Permission denied"
ANSWER = "A pager shows a long text one screen at a time. The program less is a pager."


@pytest.fixture
def place(console_role, settings, monkeypatch, knowledge):
    with chromium_place(settings, monkeypatch) as made:
        yield made


@pytest.fixture
def tutor(place):
    """Open the workspace with a model, and return the tutor's pane."""
    with contextlib.ExitStack() as stack:

        def opened(model=None):
            stack.enter_context(registry.using(model))
            place.workspace()
            pane = place.page.locator("#tutor-panel")
            pane.get_by_label("Your question").wait_for(state="attached")
            return pane

        yield opened


def violations(page):
    page.context.new_cdp_session(page).send("Page.setBypassCSP", {"enabled": True})
    page.evaluate(AXE.read_text() + ";0")
    found = page.evaluate("axe.run(document)")["violations"]
    return [(each["id"], node["html"][:200]) for each in found for node in each["nodes"]]


def mark(place, text):
    """Have a text on the terminal and draw the mouse over its line."""
    place.sitting.terminal().console.print(f"{text}\r\n".encode())
    place.shows(text)
    place.page.evaluate(
        "document.querySelector('.terminal[data-label]').live.term.selectLines(0, 0)"
    )


def failed(place, times):
    for number in range(1, times + 1):
        record(
            place.sitting.attempt.pk,
            kind="console.command",
            actor=f"trainee:{place.sitting.trainee.pk}",
            payload={
                "number": number,
                "machine": "web",
                "text": "cat /root/flag.txt",
                "exit": 1,
                "error_class": "denied",
            },
        )


def test_a_question_is_answered_by_a_question_and_may_be_rated(place, tutor):
    pane = tutor()
    pane.get_by_label("Your question").fill("Where do I begin?")
    pane.get_by_role("button", name="Ask", exact=True).click()
    hint = pane.get_by_role("article", name="Hint on rung 0")
    hint.get_by_text("Where do I begin?").wait_for()
    assert hint.locator(".hint__answer").inner_text().count("?") == 1
    shot(place.page, "tutor-asked")
    hint.get_by_role("button", name="Not helpful").click()
    hint.get_by_text("Your instructor sees that this did not help.").wait_for()
    assert Hint.objects.get().rating == Hint.Rating.NOT_HELPFUL
    assert violations(place.page) == []
    assert place.problems == []


def test_what_is_marked_on_the_terminal_goes_with_the_question(place, tutor):
    pane = tutor()
    button = place.page.get_by_role("button", name="Ask about this")
    assert not button.is_visible()
    mark(place, DENIED)
    button.click()
    pane.get_by_text("About what you marked").wait_for()
    assert place.page.evaluate("document.activeElement.id") == "tutor-question"
    shot(place.page, "tutor-marked")
    assert violations(place.page) == []
    pane.get_by_role("button", name="Ask", exact=True).click()
    hint = pane.get_by_role("article", name="Hint on rung 0")
    hint.get_by_text("Which account would have been allowed").wait_for()
    assert DENIED in hint.get_by_label("What you marked").inner_text()
    assert not pane.get_by_text("About what you marked").is_visible()
    shot(place.page, "tutor-marked-answer")
    assert Hint.objects.get().marked.endswith(DENIED)
    assert place.problems == []


def test_keys_bring_the_last_lines_and_a_mark_may_be_left_out(place, tutor):
    pane = tutor()
    place.sitting.terminal().console.print(f"{DENIED}\r\n".encode())
    place.shows(DENIED)
    place.focus("web")
    place.page.keyboard.press("Control+Shift+L")
    box = pane.get_by_label("What you marked")
    box.wait_for()
    assert DENIED in box.inner_text()
    pane.get_by_role("button", name="Leave it out").click()
    assert not box.is_visible()
    pane.get_by_label("Your question").fill("And now?")
    pane.get_by_role("button", name="Ask", exact=True).click()
    pane.get_by_role("article").get_by_text("And now?").wait_for()
    assert Hint.objects.get().marked == ""


def test_an_answer_comes_sentence_by_sentence_and_its_source_opens_in_place(place, tutor):
    model = ScriptedChat(ANSWER, pause=0.6)
    pane = tutor(model)
    pane.get_by_text("I want it now").click()
    pane.get_by_role("button", name="Unlock rung 1 now").click()
    pane.get_by_role("article", name="Hint on rung 1").wait_for()
    pane.get_by_label("Your question").fill("what about a pager and a long text")
    pane.get_by_role("button", name="Ask", exact=True).click()
    newest = pane.get_by_role("region", name="Newest hint")
    newest.get_by_text("Look around.").wait_for()
    live = newest.locator(".hint__live")
    live.get_by_text("A pager shows a long text one screen at a time").wait_for()
    assert "The program less" not in live.inner_text()
    newest.locator(".hint__answer").get_by_text("The program less is a pager").wait_for()
    address = place.page.url
    newest.locator(".hint__answer a.citation").first.click()
    newest.locator("figure.passage mark").wait_for()
    assert place.page.url == address
    shot(place.page, "tutor-streamed")
    assert violations(place.page) == []
    assert place.problems == []


def test_a_rung_says_what_it_does_before_it_is_taken(place, tutor):
    pane = tutor()
    offer = pane.get_by_role("form", name="Rung 1: Orient")
    assert "Your grade stays as it is." in offer.inner_text()
    assert not Hint.objects.exists()
    offer.get_by_text("I want it now").click()
    offer.get_by_role("button", name="Unlock rung 1 now").click()
    pane.get_by_text("Look around.").wait_for()
    assert "Answered on rung 1" in pane.inner_text()


def test_a_model_that_dies_in_mid_answer_leaves_the_authors_words_and_says_so(place, tutor):
    pane = tutor(ScriptedChat(ANSWER, pause=0.05, breaks_after=12))
    pane.get_by_text("I want it now").click()
    pane.get_by_role("button", name="Unlock rung 1 now").click()
    pane.get_by_text("The model could not be reached.").wait_for()
    newest = pane.get_by_role("region", name="Newest hint")
    assert "Look around." in newest.locator(".hint__answer").inner_text()
    assert pane.get_by_role("button", name="Ask", exact=True).is_enabled()
    shot(place.page, "tutor-degraded")
    assert violations(place.page) == []


def test_help_is_offered_to_whoever_seems_stuck_without_a_reload(place, tutor, monkeypatch, later):
    pane = tutor()
    assert not pane.get_by_text("It looks as if this takes long.").is_visible()
    failed(place, 9)
    moment = later(hours=2)
    monkeypatch.setattr("tutor.situation.timezone.now", lambda: moment)
    pane.get_by_label("Your question").fill("half a quest")
    place.page.evaluate("htmx.ajax('GET', document.getElementById('tutor-offer').getAttribute("
                        "'hx-get'), {target: '#tutor-offer', swap: 'outerHTML'})")  # fmt: skip
    pane.get_by_text("It looks as if this takes long.").wait_for()
    assert pane.get_by_label("Your question").input_value() == "half a quest"
    assert not Hint.objects.exists()
    shot(place.page, "tutor-offers")


@pytest.mark.parametrize("size", [(390, 844), (820, 1180)])
def test_on_a_touch_screen_the_marked_words_lead_to_the_tutors_tab(place, tutor, size):
    page = place.on_touch(*size)
    tutor()
    page.get_by_role("tab", name="Terminal", exact=True).click()
    mark(place, DENIED)
    page.get_by_role("button", name="Ask about this").tap()
    place.page.locator("#tutor-panel").get_by_text("About what you marked").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shot(page, f"tutor-touch-{size[0]}")
    assert violations(page) == []
