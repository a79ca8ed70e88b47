"""Whatever is killed at any moment: nothing is orphaned, no evidence is lost, work goes on.

Each seed names a victim (a role, the database or the engine) and a moment of a launch, of work or
of a stop. `bin/test` tries every victim once; `bin/test --full` each of them at every moment.
"""

import json
import os
import random
import secrets
import time

import httpx
import pytest

from benchmarks._launching import Visitor
from tests.browser.site import ROLES, running
from tests.chaos.fragile import FragileSite
from tests.chaos.terminal import say

pytestmark = [
    pytest.mark.docker,
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("chaos"),
    pytest.mark.skipif(os.geteuid() != 0, reason="an engine of the test's own needs root"),
]
VICTIMS = ("engine", "postgres", *ROLES)
MOMENTS = ("launch", "work", "stop")
# Three turns are every victim at every moment.
TURNS = 5 if os.environ.get("MUSTER_TEST_FULL") else 1
DRAWS = [
    (victim, MOMENTS[(number + turn) % len(MOMENTS)])
    for turn in range(TURNS)
    for number, victim in enumerate(VICTIMS)
]
WITHIN_SECONDS = 90

# What must be true once everybody is back: rows and engine agree, and every chain is whole.
LOOK = """
import json
from uuid import UUID
from django.conf import settings
from range.assessment.models import Evidence, Submission
from range.catalog.services import spec_of, values_for
from range.exercises.models import Attempt
from range.runtime.registry import get_driver
from range.sandboxes.models import Sandbox, Spare
from range.timeline.services import broken_at
driver = get_driver(settings.RANGE_DRIVER)
there = [handle for handle in driver.running() if handle.machines or handle.networks]
running = {str(handle.sandbox_id) for handle in there}
rows = {str(pk) for pk in Sandbox.objects.filter(state="RUNNING").values_list("pk", flat=True)}
moving = Sandbox.objects.filter(state__in=["REQUESTED", "STARTING", "STOPPING"]).count()
spares = {str(pk) for pk in Spare.objects.values_list("pk", flat=True)}
attempt = Attempt.objects.get(pk=UUID(values["attempt"]))
sandbox = attempt.sandboxes.order_by("-requested_at")[0]
handle = sandbox.handle or {"machines": {}}
version = attempt.exercise.version
escalate = next(each for each in spec_of(version).objectives if each.key == "escalate")
print(json.dumps({
    "settled": not moving,
    "orphans": sorted(running - rows - spares),
    "lost": sorted(rows - running),
    "state": sandbox.state,
    "message": sandbox.message,
    "containers": sorted(each["container_id"] for each in handle["machines"].values()),
    "check": escalate.checks.id,
    "flag": values_for(version, attempt.pk, sandbox.epoch)["flag_root"],
    "checked": str(attempt.checks_run_at),
    "live": attempt.sandboxes.exclude(state__in=["STOPPED", "FAILED"]).count(),
    "broken": broken_at(attempt.pk),
    "accepted": Submission.objects.filter(attempt=attempt, accepted=True).count(),
    "evidence": Evidence.objects.filter(attempt=attempt, outcome="MET").count(),
}))
"""


@pytest.fixture(scope="module")
def site():
    """A range of which everything is killed; nobody else's."""
    with running("chaos", FragileSite) as made:
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


@pytest.mark.parametrize(
    ("seed", "victim", "moment"),
    [(seed, *draw) for seed, draw in enumerate(DRAWS)],
    ids=[f"{seed}-{victim}-{moment}" for seed, (victim, moment) in enumerate(DRAWS)],
)
def test_whoever_is_killed_everything_comes_to_rest_as_it_should(
    site, trainee, seed, victim, moment
):
    wait = random.Random(seed).uniform(0.0, 0.7)
    said = f"seed {seed}: {victim} killed {wait:.2f} s into the {moment}"
    attempt = patiently(lambda: trainee.press_launch("sudo-says"))
    if moment == "launch":
        strike(site, victim, wait)
    begun = started(site, attempt, said)
    word = keep_a_word(trainee, attempt)
    if moment == "work":
        strike(site, victim, wait)
        work_goes_on(site, trainee, attempt, word, begun)
    patiently(lambda: answer(trainee, attempt, begun))
    before = look(site, attempt)
    assert before["accepted"] >= 1
    assert before["evidence"] >= 1
    patiently(lambda: trainee.post(f"/attempts/{attempt}/stop/"))
    if moment == "stop":
        strike(site, victim, wait)
    after = stopped(site, attempt, said)
    assert after["lost"] == [], said
    assert after["broken"] is None, said
    assert after["accepted"] >= before["accepted"], said
    assert after["evidence"] >= before["evidence"], said


def started(site, attempt, said):
    """Wait until the one sandbox of the attempt runs, and return what was seen then."""
    seen = {}

    def runs():
        seen.update(look(site, attempt))
        assert seen["state"] != "FAILED", f"{said}: {seen['message']}"
        return seen["state"] == "RUNNING"

    until(runs, f"{said}: the sandbox did not start")
    assert seen["live"] == 1, said
    return seen


def keep_a_word(trainee, attempt):
    """Leave a word in the memory of the shell that the console shows; return it."""
    word = secrets.token_hex(4)
    typed = f"kept={word}; echo kept-$(( 40 + 2 ))"
    say(trainee, attempt, typed, "(kept-42)", within=WITHIN_SECONDS)
    return word


def work_goes_on(site, trainee, attempt, word, begun):
    """Assert that machines and shells are the ones from before, and that they are judged."""
    remembered = say(trainee, attempt, "echo =$kept=", "=([0-9a-f]{8})=", within=WITHIN_SECONDS)
    assert remembered == word
    before = look(site, attempt)
    assert before["containers"] == begun["containers"]

    def judged():
        patiently(lambda: trainee.post(f"/attempts/{attempt}/check/"))
        return look(site, attempt)["checked"] != before["checked"]

    until(judged, "nobody judged the work")


def stopped(site, attempt, said):
    """Wait until nothing of the sandbox is left, and return what was seen then."""
    seen = {}

    def rests():
        seen.update(look(site, attempt), strays=sorted(site.engine.strays()))
        at_rest = seen["settled"] and seen["state"] == "STOPPED"
        return at_rest and not seen["orphans"] and not seen["strays"]

    # What was seen last is worth more than that it took too long.
    try:
        until(rests, said)
    except AssertionError as error:
        raise AssertionError(f"{said}: {seen}") from error
    return seen


def strike(site, victim, wait):
    time.sleep(wait)
    site.kill(victim)
    time.sleep(0.3)
    site.begin(victim)


def answer(trainee, attempt, begun):
    given = {"check": begun["check"], "value": begun["flag"]}
    trainee.post(f"/attempts/{attempt}/answer/", objective="escalate", **given)
