"""Every page, light and dark, wide and narrow: a screenshot, no violation, not too heavy."""

import json

import pytest

from tests.browser.conftest import keep
from tests.browser.journey import Person, violations, weight
from tests.support.looks import looks

pytestmark = [
    pytest.mark.browser,
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("browser"),
]
WEIGHT_LIMIT = 200_000
# Terminals are what the limit of weight leaves out.
TERMINALS = {"replay", "replay-nothing", "workspace-ended", "wall", "look-not-open"}
PAGES = {
    "trainee": {
        "catalogue": "/catalogue/",
        "catalogue-empty": "/catalogue/?q=zebra",
        "catalogue-towards": "/catalogue/?role=PD-WRL-007",
        "scenario": "/scenarios/sudo-says/",
        "debrief": "/attempts/{finished}/debrief/",
        "replay": "/attempts/{finished}/replay/",
        "skills": "/skills/",
        "consent": "/skills/consent/",
        "evidence": "/evidence/{evidence}/",
        "tutor": "/attempts/{finished}/tutor/",
        "not-found": "/no/such/page/",
    },
    "trainee2": {"skills-first-visit": "/skills/"},
    "instructor": {
        "under-way": "/under-way/",
        "review-queue": "/review/",
        "catalogue-first-visit": "/catalogue/",
        "workspace-ended": "/attempts/{ended}/",
        "teaching": "/teaching/",
        "cohort": "/teaching/cohorts/{cohort}/",
        "add-people": "/teaching/cohorts/{cohort}/people/",
        "assign": "/teaching/exercises/assign/",
        "exercise": "/teaching/exercises/{exercise}/",
        "exercise-trainee": "/teaching/exercises/{exercise}/trainees/{learner}/",
        "wall": "/exercises/{exercise}/wall/",
        "look-not-open": "/attempts/{learning}/look/",
        "replay-nothing": "/attempts/{learning}/replay/",
    },
    "assessor": {
        "people": "/people/",
        "people-ready": "/people/?role=PD-WRL-007",
        "person": "/people/{trainee}/",
        "person-evidence": "/evidence/{evidence}/",
    },
    "admin": {"capacity": "/operations/capacity/"},
}
# What pages speak of: a piece of evidence, its trainee, and an attempt whose machines are gone.
KNOWN = """
import json
from uuid import UUID
from range.accounts.models import Cohort, Membership, User
from range.assessment.models import Evidence
from range.exercises.models import Attempt, Exercise
attempt = Attempt.objects.get(pk=UUID(values["finished"]))
exercise = Exercise.objects.get(version__scenario__slug="clinic-portal", cohort=None)
owner = User.objects.get(username="instructor")
ended, _ = Attempt.objects.get_or_create(
    exercise=exercise, trainee=owner, state="ACTIVE"
)
proof = Evidence.objects.filter(attempt=attempt, outcome="MET").order_by("observed_at").last()
cohort, _ = Cohort.objects.get_or_create(
    organisation=exercise.organisation, name="Evening class of the county hospital's own people"
)
taught, _ = Exercise.objects.get_or_create(
    version=exercise.version, organisation=exercise.organisation, cohort=cohort
)
for number, name in enumerate(["Wilhelmina Featherstonehaugh-Okonkwo", "Bo", "Cy Lind"]):
    person, _ = User.objects.get_or_create(username=f"evening{number}", display_name=name)
    Membership.objects.get_or_create(
        person=person, organisation=exercise.organisation, role="TRAINEE", cohort=cohort
    )
    if number < 2:
        learning, _ = Attempt.objects.get_or_create(
            exercise=taught, trainee=person, state="ACTIVE"
        )
print(json.dumps({
    "cohort": str(cohort.pk),
    "exercise": str(taught.pk),
    "learner": str(learning.trainee_id),
    "learning": str(learning.pk),
    "finished": str(attempt.pk),
    "trainee": str(attempt.trainee_id),
    "evidence": str(proof.pk),
    "ended": str(ended.pk),
}))
"""

BREACH = """
from django.conf import settings
from range.runtime.containment.verdict import Outcome, Verdict
from range.sandboxes import probe_record
found = Verdict(probe="host-tcp", outcome=Outcome.OPEN, detail="it arrived", critical=True)
probe_record.remember(settings.RANGE_STATE_DIR, [found], cause="doctor")
"""


@pytest.fixture(scope="module")
def known(site, finished):
    return json.loads(site.ask(KNOWN, finished=finished))


@pytest.mark.parametrize(("theme", "width"), looks())
@pytest.mark.parametrize("who", PAGES)
def test_every_page_is_accessible_and_light(chromium, site, known, who, theme, width):
    person = Person(
        chromium, site, who, color_scheme=theme, viewport={"width": width, "height": 800}
    )
    for name, path in PAGES[who].items():
        person.page.goto(path.format(**known))
        person.page.wait_for_load_state("networkidle")
        keep(person.page, f"{name}-{theme}-{width}")
        audit(person.page, name)
    person.close()


def test_the_first_page_is_accessible_and_light(chromium, site):
    for theme, width in looks():
        context = chromium.new_context(
            base_url=site.url, color_scheme=theme, viewport={"width": width, "height": 800}
        )
        page = context.new_page()
        page.goto("/sign-in/")
        keep(page, f"sign-in-{theme}-{width}")
        assert violations(page) == []
        assert weight(page) < WEIGHT_LIMIT
        context.close()


def test_what_is_urgent_is_told_accessibly(chromium, site):
    file = site.state_dir / "probes.json"
    before = file.read_bytes() if file.exists() else None
    site.ask(BREACH)
    try:
        for theme, width in (("light", 1280), ("dark", 800)):
            person = Person(
                chromium,
                site,
                "admin",
                color_scheme=theme,
                viewport={"width": width, "height": 800},
            )
            person.page.goto("/operations/capacity/")
            first = person.page.get_by_label("What to look at").get_by_role("listitem").first
            assert "Urgent A probe got out of a sandbox: host-tcp" in first.inner_text()
            keep(person.page, f"capacity-urgent-{theme}-{width}")
            audit(person.page, "capacity-urgent")
            # Seven links are the most there are; none may be cut off.
            nav = person.page.get_by_role("navigation", name="Main")
            assert nav.evaluate("nav => nav.scrollWidth <= nav.clientWidth")
            person.close()
    finally:
        file.unlink()
        if before is not None:
            file.write_bytes(before)


def test_whoever_is_signed_out_by_now_is_led_to_sign_in_and_back(chromium, site):
    person = Person(chromium, site, "admin")
    person.page.goto("/operations/capacity/")
    # The page asks for itself every five seconds; the answer is then the sign-in page.
    person.context.clear_cookies()
    person.page.wait_for_url("**/sign-in/?next=/operations/capacity/")
    assert person.page.locator("h1").all_inner_texts() == ["Sign in"]
    person.close()


@pytest.mark.parametrize(("theme", "width"), looks())
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
    if name not in TERMINALS:
        assert weight(page) < WEIGHT_LIMIT, name
