"""The workspace page and its fragments, through every state of the sandbox."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from range.assessment.models import ReviewItem
from range.exercises.models import Attempt
from range.sandboxes.models import Sandbox

pytestmark = pytest.mark.django_db
State = Sandbox.State


@pytest.fixture
def look(client, trainee, attempt):
    client.force_login(trainee)

    def at(name="workspace"):
        return client.get(reverse(name, args=[attempt.pk]))

    return at


@pytest.fixture
def becomes(attempt, sandbox):
    def change(**fields):
        Sandbox.objects.filter(pk=sandbox.pk).update(**fields)

    return change


def steps_of(answer):
    return [(step.name, step.state) for step in answer.context["sandbox"].steps]


def test_it_shows_brief_objectives_clock_and_console(look, version, sandbox):
    type(version).objects.update(brief="The door is **{{ colour }}**.")
    text = look().content.decode()
    assert "The door is <strong>red</strong>." in text
    assert "Get in" in text
    assert "data-countdown" in text
    assert 'id="console-tab-box-main"' in text


@pytest.mark.parametrize(
    "name", ["workspace", "sandbox-panel", "consoles-panel", "objectives-panel"]
)
@pytest.mark.parametrize("who", ["other_trainee", "instructor", "assessor"])
def test_nobody_else_sees_it(client, request, attempt, name, who):
    client.force_login(request.getfixturevalue(who))
    answer = client.get(reverse(name, args=[attempt.pk]))
    assert answer.status_code == 404
    assert "Get in" not in answer.content.decode()


def test_a_queued_launch_tells_its_place(look, becomes, sandbox, other_trainee, exercise):
    before = Attempt.objects.create(trainee=other_trainee, exercise=exercise)
    Sandbox.objects.create(
        attempt=before,
        state=State.REQUESTED,
        requested_at=sandbox.requested_at - timedelta(seconds=5),
        expires_at=timezone.now() + timedelta(hours=1),
    )
    becomes(state=State.REQUESTED)
    answer = look("sandbox-panel")
    assert "1 launch before yours, about 2 s until" in answer.content.decode()
    assert steps_of(answer)[0] == ("In line", "now")
    assert all(state == "todo" for _, state in steps_of(answer)[1:])


def test_a_launch_shows_each_machine(look, becomes):
    done = [
        {"step": "network", "detail": "lan", "after_ms": 110},
        {"step": "machine", "detail": "box", "after_ms": 480},
    ]
    becomes(state=State.STARTING, claimed_at=timezone.now(), progress=done)
    answer = look("sandbox-panel")
    assert steps_of(answer) == [
        ("In line", "done"),
        ("Private network", "done"),
        ("Machine box", "done"),
        ("Everything answers", "now"),
    ]
    assert "0.5 s" in answer.content.decode()


def test_the_panel_asks_often_only_while_something_moves(look, becomes):
    becomes(state=State.STARTING, claimed_at=timezone.now())
    assert "every 2s" in look("sandbox-panel").content.decode()
    becomes(state=State.RUNNING)
    assert "every 30s" in look("sandbox-panel").content.decode()


@pytest.mark.parametrize("state", [State.STOPPING, State.STOPPED, State.FAILED])
def test_without_machines_to_come_there_are_no_consoles(look, becomes, state):
    becomes(state=state)
    assert "HX-Trigger-After-Settle" not in look("sandbox-panel").headers
    panel = look("consoles-panel").content.decode()
    assert "console-tab-box" not in panel
    assert "consoles-there from:body" in panel


@pytest.mark.parametrize("state", [State.REQUESTED, State.STARTING, State.RUNNING])
def test_consoles_may_connect_as_soon_as_machines_are_asked_for(look, becomes, state):
    becomes(state=state)
    assert look("sandbox-panel").headers["HX-Trigger-After-Settle"] == "consoles-there"
    panel = look("consoles-panel").content.decode()
    assert "console-tab-box" in panel
    # Terminals that wait already must not be made anew when the machines run.
    assert "consoles-there from:body" not in panel


def test_a_failure_says_why_and_offers_another_try(look, becomes, attempt):
    becomes(
        state=State.FAILED,
        claimed_at=timezone.now(),
        reason="capacity",
        message="The range is full <now>.",
    )
    answer = look("sandbox-panel")
    text = answer.content.decode()
    assert "The range is full &lt;now&gt;." in text
    assert reverse("reset-sandbox", args=[attempt.pk]) in text
    assert ("Private network", "failed") in steps_of(answer)


def test_a_sandbox_that_was_lost_shows_no_launch_steps(look, becomes):
    becomes(state=State.FAILED, reason="lost", message="It ended unexpectedly.")
    answer = look("sandbox-panel")
    assert steps_of(answer) == []
    assert "It ended unexpectedly." in answer.content.decode()


def test_a_stop_is_shown_from_the_press_on(look, becomes):
    becomes(wanted=Sandbox.Wanted.STOPPED)
    assert "Stopping the machines" in look("sandbox-panel").content.decode()


def test_stopped_machines_can_be_started_again(look, becomes):
    becomes(state=State.STOPPED)
    assert "Start the machines again" in look("sandbox-panel").content.decode()


def test_an_attempt_without_any_sandbox_can_start_one(look):
    assert "Start the machines again" in look("sandbox-panel").content.decode()


def test_the_panel_brings_clock_and_buttons_along(look, sandbox):
    text = look("sandbox-panel").content.decode()
    assert re.search(r'id="workspace-actions"[^>]+hx-swap-oob="true"', text)


def test_a_finished_attempt_leads_to_its_debrief(look, attempt, sandbox):
    Attempt.objects.update(state="GRADED")
    text = look().content.decode()
    assert reverse("debrief", args=[attempt.pk]) in text
    assert "sse-connect" not in text
    assert reverse("submit-answer", args=[attempt.pk]) not in text


def test_objectives_carry_their_forms(look, attempt, sandbox):
    text = look("objectives-panel").content.decode()
    assert text.count(reverse("submit-answer", args=[attempt.pk])) == 4  # two forms, twice each
    assert "Which colour is the door?" in text
    assert "0 of 3 met" in text


def test_half_of_an_objective_is_told_as_half(look, attempt, version, sandbox):
    attempt.evidence.create(
        objective=version.objectives.get(key="enter"),
        check_id="flag",
        kind="flag",
        outcome="MET",
        score=1,
        reason="flag-accepted",
        grader_version="1",
        sha256="0" * 64,
    )
    answer = look("objectives-panel")
    item = answer.context["objectives"].items[0]
    assert (item.state, item.note) == ("partial", "1 of 2 checks met")
    assert "Flag accepted" in answer.content.decode()


def test_what_waits_for_a_person_says_so(look, attempt, version, sandbox):
    ReviewItem.objects.create(
        attempt=attempt,
        objective=version.objectives.get(key="report"),
        check_id="report",
        criterion="cause",
    )
    items = {item.key: item for item in look("objectives-panel").context["objectives"].items}
    assert items["report"].state == "waiting"


def test_a_check_run_is_announced_until_it_is_back(look, attempt, sandbox):
    now = timezone.now()
    Attempt.objects.update(checks_wanted_at=now)
    assert "Checking your machines" in look("objectives-panel").content.decode()
    Attempt.objects.update(checks_run_at=now + timedelta(seconds=1))
    assert "Checking your machines" not in look("objectives-panel").content.decode()


def test_a_checker_that_never_comes_back_is_not_announced_for_ever(look, attempt, sandbox):
    Attempt.objects.update(checks_wanted_at=timezone.now() - timedelta(minutes=2))
    assert "Checking your machines" not in look("objectives-panel").content.decode()


def test_no_flag_and_no_answer_is_in_the_page(look, attempt, version, sandbox):
    from range.catalog.services import values_for

    secret = str(values_for(version, attempt.pk, 1)["flag_enter"])
    assert secret not in look().content.decode()
