"""Frameworks and skills in the browser: an instructor reviews, a trainee finds their way."""

import json
import os
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import keep
from tests.browser.journey import Person, violations, weight
from tests.browser.site import Site, running
from tests.browser.test_b_pages import WEIGHT_LIMIT
from tests.support import browser
from tests.support.looks import looks

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("browser"),
]
PREPARATION = (
    ("migrate", "--no-input", "--verbosity", "0"),
    ("load_starter_frameworks",),
    ("publish_scenarios",),
)
KINDS = {"T": "task", "K": "knowledge", "S": "skill"}
ROLE = "PD-WRL-007"
# Two releases in miniature: one id goes, one comes, one is worded anew.
RELEASES = {
    "2.1.0": {
        "T1118": "Identify vulnerabilities of systems",
        "S0544": "Skill in recognising vulnerabilities",
        "K0001": "Knowledge of doors, " + "and of windows, " * 12 + "and of roofs",
    },
    "2.2.0": {
        "T9118": "Identify and record vulnerabilities of systems",
        "S0544": "Skill in recognising and naming vulnerabilities",
        "K0001": "Knowledge of doors, " + "and of windows, " * 12 + "and of roofs",
    },
}
SKILL = "triage-vulnerability"
# Where one alignment is found by its skill and id.
ALIGNMENT = """
from range.competencies.models import Alignment
print(Alignment.objects.get(skill__key=values["skill"], code=values["statement"]).pk)
"""
PAGES = {
    "frameworks": "/frameworks/",
    "framework": "/frameworks/nice/2.2.0/",
    "framework-search": "/frameworks/nice/2.2.0/?q=vulnerabilities",
    "framework-nothing": "/frameworks/nice/2.2.0/?q=zebra",
    "framework-slice": "/frameworks/nice/2.1.0-starter/",
    "framework-dcwf": "/frameworks/dcwf/5.1-starter/",
    "framework-changes": "/frameworks/nice/2.2.0/changes/",
    "role": f"/frameworks/nice/2.2.0/{ROLE}/",
    "role-slice": f"/frameworks/nice/2.1.0-starter/{ROLE}/",
    "statement": "/frameworks/nice/2.2.0/S0544/",
    "statement-gone": "/frameworks/nice/2.2.0/T1118/",
    "observable-skills": "/observable-skills/",
    "observable-skill": f"/observable-skills/{SKILL}/",
    "coverage": "/coverage/",
    "coverage-role": f"/coverage/?role={ROLE}",
    "alignments": "/alignments/",
    "alignments-astray": "/alignments/?show=astray",
    "alignments-rejected": "/alignments/?show=rejected",
    "alignment": "/alignments/{lost}/",
}


class Pages(Site):
    """A range of pages alone: nothing is launched, so that no engine is needed."""

    def start(self) -> None:
        self._create_database()
        for command in PREPARATION:
            self.manage(*command)
        for version, texts in RELEASES.items():
            file = self.state_dir / f"{version}.json"
            file.write_bytes(components(version, texts))
            self.manage("import_framework", "nice", str(file))
        self.open(["web"])

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"RANGE_DRIVER": "fake"}


def components(version, texts):
    elements = [
        {"element_type": "category", "element_identifier": "PD", "title": "PROTECTION",
         "text": "Guards."},
        {"element_type": "category", "element_identifier": "IN", "title": "INVESTIGATION",
         "text": "Collects intelligence on foreign actors' doings."},
        {"element_type": "work_role", "element_identifier": ROLE, "title": "Vulnerability Analysis",
         "text": "Finds weaknesses."},
        *(
            {"element_type": KINDS[code[0]], "element_identifier": code, "text": text}
            for code, text in texts.items()
        ),
    ]  # fmt: skip
    relations = [
        {"source_element_identifier": ROLE, "dest_element_identifier": code} for code in texts
    ]
    documents = [{"doc_identifier": "D", "name": "NICE Framework", "version": version}]
    body = {"documents": documents, "elements": elements, "relationships": relations}
    return json.dumps({"response": {"elements": body}}).encode()


@pytest.fixture(scope="module")
def pages():
    with running(f"frameworks-{os.getpid()}", made=Pages) as made:
        yield made


@pytest.fixture(scope="module")
def chromium(pages):
    with browser.chromium(pages.port) as opened:
        yield opened


def test_an_instructor_browses_and_reviews_an_alignment_by_keyboard(chromium, pages):
    person = Person(chromium, pages, "instructor")
    page = person.page
    page.locator(".bar .menu summary").click()
    page.get_by_role("link", name="Frameworks and skills").click()
    page.get_by_role("link", name="NICE 2.2.0").click()
    page.get_by_label("Id or words").fill("naming")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="S0544").click()
    page.get_by_role("link", name="Triage vulnerabilities").click()
    page.get_by_role("link", name="Review of S0544").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Triage vulnerabilities and S0544"
    here = page.url
    page.get_by_role("radio", name="part of").focus()
    page.keyboard.press("ArrowDown")
    assert page.get_by_role("radio", name="related to").is_checked()
    page.keyboard.press("Tab")
    page.keyboard.type("They touch, no more")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("Approved: Triage vulnerabilities and nice:S0544 are related to.").wait_for()
    assert page.url != here
    # The next one is reached with what is to be judged in focus, three steps before the answer.
    expect(page.locator("#both")).to_be_focused()
    following = page.get_by_role("heading", level=1).inner_text()
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "relation"
    page.keyboard.press("Enter")
    page.get_by_text(f"Approved: {following.replace(' and ', ' and nice:')} are").wait_for()
    page.get_by_role("link", name="Previous").focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Next").focus()
    page.keyboard.press("Enter")
    page.get_by_text(re.compile(r"\d+ of \d+ unreviewed")).wait_for()
    page.goto(here)
    assert "reviewed" in page.locator(".page-head").inner_text()
    assert "part of → related to" in page.locator(".history").inner_text()
    page.get_by_role("button", name="Undo the last decision").click()
    page.get_by_text("stand as before, unreviewed").wait_for()
    assert "taken back" in page.locator(".history").inner_text()
    page.get_by_role("button", name="Reject").click()
    page.get_by_text("Say why it is rejected").wait_for()
    person.close()


def test_a_trainee_goes_from_a_scenario_to_the_skill_its_role_and_back(chromium, pages):
    person = Person(chromium, pages, "trainee")
    page = person.page
    page.goto("/scenarios/cve-desk/")
    page.get_by_role("link", name="Triage vulnerabilities").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Triage vulnerabilities"
    assert page.get_by_role("link", name="Review").count() == 0
    page.get_by_role("link", name="Vulnerability Analysis").click()
    assert "DCWF 541" in page.locator(".page-head").inner_text()
    page.get_by_role("link", name="Coverage of this role").click()
    page.get_by_role("table", name="Skills that the role asks for").wait_for()
    assert page.get_by_role("link", name="Review alignments").count() == 0
    page.get_by_role("table", name="For each scenario").get_by_role("link", name="CVE desk").click()
    page.wait_for_url("**/scenarios/cve-desk/")
    assert person.troubles == []
    person.close()


@pytest.mark.parametrize(("theme", "width"), looks(narrow=390))
def test_every_page_is_accessible_light_and_no_wider_than_the_screen(chromium, pages, theme, width):
    known = {"lost": pages.ask(ALIGNMENT, skill=SKILL, statement="T1118")}
    person = Person(
        chromium, pages, "instructor", color_scheme=theme, viewport={"width": width, "height": 800}
    )
    for name, path in PAGES.items():
        person.page.goto(path.format(**known))
        person.page.wait_for_load_state("networkidle")
        keep(person.page, f"{name}-{theme}-{width}")
        assert violations(person.page) == [], name
        assert weight(person.page) < WEIGHT_LIMIT, name
        assert person.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    person.close()
