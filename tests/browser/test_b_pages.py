"""Every page, light and dark, wide and narrow: a screenshot, no violation, not too heavy."""

import pytest

from tests.browser.conftest import keep
from tests.browser.journey import Person, violations, weight

pytestmark = [
    pytest.mark.browser,
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("browser"),
]
WEIGHT_LIMIT = 200_000
# Both themes and both widths are audited, which two of the four combinations do.
AUDITED = {("light", 1280), ("dark", 800)}
PAGES = {
    "trainee": {
        "catalogue": "/catalogue/",
        "catalogue-empty": "/catalogue/?q=zebra",
        "scenario": "/scenarios/sudo-says/",
        "debrief": "/attempts/{finished}/debrief/",
        "replay": "/attempts/{finished}/replay/",
        "skills": "/skills/",
        "consent": "/skills/consent/",
        "not-found": "/no/such/page/",
    },
    "instructor": {"review-queue": "/review/", "catalogue-first-visit": "/catalogue/"},
    "assessor": {"people": "/people/"},
}


@pytest.mark.parametrize("width", [1280, 800])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("who", PAGES)
def test_every_page_is_accessible_and_light(chromium, site, finished, who, theme, width):
    person = Person(
        chromium, site, who, color_scheme=theme, viewport={"width": width, "height": 800}
    )
    for name, path in PAGES[who].items():
        person.page.goto(path.format(finished=finished))
        person.page.wait_for_load_state("networkidle")
        keep(person.page, f"{name}-{theme}-{width}")
        if (theme, width) in AUDITED:
            audit(person.page, name)
    person.close()


def test_the_first_page_is_accessible_and_light(chromium, site):
    for theme in ("light", "dark"):
        for width in (1280, 800):
            context = chromium.new_context(
                base_url=site.url, color_scheme=theme, viewport={"width": width, "height": 800}
            )
            page = context.new_page()
            page.goto("/sign-in/")
            keep(page, f"sign-in-{theme}-{width}")
            assert violations(page) == []
            assert weight(page) < WEIGHT_LIMIT
            context.close()


@pytest.mark.parametrize("width", [1280, 800])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_workspace_is_accessible(chromium, site, theme, width):
    person = Person(
        chromium, site, "trainee2", color_scheme=theme, viewport={"width": width, "height": 800}
    )
    person.launch("sudo-says")
    person.page.locator("#tutor-panel form").first.wait_for(state="attached")
    for pane in ("consoles", "brief", "tutor") if width == 800 else ("consoles",):
        if width == 800:
            person.page.locator(f"[data-pane-tab={pane}]").click()
        keep(person.page, f"workspace-{pane}-{theme}-{width}")
        assert violations(person.page) == []
    assert person.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    person.close()


def audit(page, name: str) -> None:
    assert violations(page) == [], name
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    # The terminal of the replay is what the limit leaves out.
    if name != "replay":
        assert weight(page) < WEIGHT_LIMIT, name
