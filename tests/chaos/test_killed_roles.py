"""Any role may be killed at any moment: nothing is orphaned, no evidence is lost, work goes on.

Each seed chooses a role, and a moment of a launch, of work or of a stop. `bin/test` tries some of
them, `bin/test --full` thirty.
"""

import json
import os
import random
import time

import httpx
import pytest

from benchmarks._launching import Visitor
from tests.browser.site import ROLES, running

pytestmark = [
    pytest.mark.docker,
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("chaos"),
]
SEEDS = range(30) if os.environ.get("MUSTER_TEST_FULL") else range(6)
MOMENTS = ("launch", "work", "stop")
WITHIN_SECONDS = 30

# What must be true once everybody is back: rows and engine agree, and every chain is whole.
LOOK = """
import json
from uuid import UUID
from django.conf import settings
from range.assessment.models import Evidence, Submission
from range.exercises.models import Attempt
from range.runtime.registry import get_driver
from range.sandboxes.models import Sandbox, Spare
from range.timeline.services import broken_at
driver = get_driver(settings.RANGE_DRIVER)
running = {str(handle.sandbox_id) for handle in driver.running()}
rows = {str(pk) for pk in Sandbox.objects.filter(state="RUNNING").values_list("pk", flat=True)}
moving = Sandbox.objects.filter(state__in=["REQUESTED", "STARTING", "STOPPING"]).count()
spares = {str(pk) for pk in Spare.objects.values_list("pk", flat=True)}
with driver.engine.client() as client:
    labels = [f"range.installation={settings.RANGE_INSTALLATION}"]
    networks = client.networks(filters={"label": labels})
    known = {net["Labels"]["range.sandbox"] for net in networks}
attempt = Attempt.objects.get(pk=UUID(values["attempt"]))
print(json.dumps({
    "settled": not moving,
    "orphans": sorted((running | known) - rows - spares),
    "lost": sorted(rows - running),
    "state": attempt.sandboxes.order_by("-requested_at").values_list("state", flat=True)[0],
    "live": attempt.sandboxes.exclude(state__in=["STOPPED", "FAILED"]).count(),
    "broken": broken_at(attempt.pk),
    "accepted": Submission.objects.filter(attempt=attempt, accepted=True).count(),
    "evidence": Evidence.objects.filter(attempt=attempt, outcome="MET").count(),
}))
"""
FLAG_OF = """
from uuid import UUID
from range.catalog.services import spec_of, values_for
from range.exercises.models import Attempt
attempt = Attempt.objects.get(pk=UUID(values["attempt"]))
version, epoch = attempt.exercise.version, attempt.sandboxes.count()
check = next(each for each in spec_of(version).objectives if each.key == "escalate").checks.id
print(check, values_for(version, attempt.pk, epoch)["flag_root"])
"""


@pytest.fixture(scope="module")
def site():
    """A range whose roles are killed; nobody else's."""
    with running("chaos") as made:
        yield made


@pytest.fixture(scope="module")
def trainee(site):
    """Somebody signed in through the page."""
    with httpx.Client(base_url=site.url, timeout=30) as client:
        client.get("/sign-in/").raise_for_status()
        client.post(
            "/sign-in/",
            data={
                "username": "trainee",
                "password": site.accounts["trainee"],
                "csrfmiddlewaretoken": client.cookies["csrftoken"],
            },
            headers={"Referer": site.url},
        )
        cookies = {name: value for name, value in client.cookies.items() if name != "csrftoken"}
    visitor = Visitor(site.url, cookies)
    yield visitor
    visitor.client.close()


def look(site, attempt):
    return json.loads(site.ask(LOOK, attempt=attempt).splitlines()[-1])


def until(condition, what):
    deadline = time.monotonic() + WITHIN_SECONDS
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, what
        time.sleep(0.3)


def patiently(act):
    """Press again where nobody answered, as a person does."""

    def pressed():
        try:
            return act() or True
        except (httpx.TransportError, SystemExit):
            return None

    return until(pressed, "nobody answered")


@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_is_killed_everything_comes_to_rest_as_it_should(site, trainee, seed):
    chance = random.Random(seed)
    role, moment = chance.choice(ROLES), MOMENTS[seed % len(MOMENTS)]
    wait = chance.uniform(0.0, 0.7)
    attempt = patiently(lambda: trainee.press_launch("sudo-says"))
    if moment == "launch":
        strike(site, role, wait)
    begun = until(
        lambda: (found := look(site, attempt))["state"] == "RUNNING" and found,
        f"{role} killed {wait:.2f} s after the launch: the sandbox did not start",
    )
    assert begun["live"] == 1
    if moment == "work":
        strike(site, role, wait)
    check, flag = site.ask(FLAG_OF, attempt=attempt).split()
    patiently(lambda: answer(trainee, attempt, check, flag))
    before = look(site, attempt)
    assert before["accepted"] >= 1
    assert before["evidence"] >= 1
    patiently(lambda: trainee.post(f"/attempts/{attempt}/stop/"))
    if moment == "stop":
        strike(site, role, wait)
    said = f"seed {seed}: {role} killed {wait:.2f} s into the {moment}"
    after = until(
        lambda: (
            (found := look(site, attempt))["settled"]
            and found["state"] == "STOPPED"
            and not found["orphans"]
            and found
        ),
        f"{said}: {look(site, attempt)}",
    )
    assert after["lost"] == [], said
    assert after["broken"] is None, said
    assert after["accepted"] >= before["accepted"], said
    assert after["evidence"] >= before["evidence"], said


def strike(site, role, wait):
    time.sleep(wait)
    site.kill(role)
    time.sleep(0.3)
    site.begin(role)


def answer(trainee, attempt, check, flag):
    trainee.post(f"/attempts/{attempt}/answer/", objective="escalate", check=check, value=flag)
