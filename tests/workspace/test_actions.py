"""What a trainee does to an attempt, and what nobody else can do to it."""

from copy import deepcopy

import pytest
from django.urls import reverse
from django.utils import timezone

from range.assessment.models import Submission
from range.catalog.services import values_for
from range.exercises.models import Attempt
from range.sandboxes.models import Sandbox
from range.timeline.models import Event

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
ACTIONS = (
    "submit-answer",
    "run-checks",
    "stop-sandbox",
    "reset-sandbox",
    "reset-machine",
    "extend-sandbox",
    "finish-attempt",
)


@pytest.fixture
def press(client, trainee, attempt):
    client.force_login(trainee)

    def post(name, *, part=True, **data):
        headers = HTMX if part else {}
        return client.post(reverse(name, args=[attempt.pk]), data, headers=headers)

    return post


def hand_in(press, value, check="flag", **extra):
    return press("submit-answer", objective="enter", check=check, value=value, **extra)


@pytest.mark.parametrize("who", ["other_trainee", "instructor", "assessor"])
@pytest.mark.parametrize("name", ACTIONS)
def test_nobody_else_can_do_anything_to_it(client, request, attempt, sandbox, name, who):
    client.force_login(request.getfixturevalue(who))
    before = Event.objects.count()
    answer = client.post(reverse(name, args=[attempt.pk]), {"value": "x"})
    assert answer.status_code == 404
    attempt.refresh_from_db()
    sandbox.refresh_from_db()
    assert attempt.state == Attempt.State.ACTIVE
    assert attempt.checks_wanted_at is None
    assert sandbox.wanted == Sandbox.Wanted.RUNNING
    assert not Submission.objects.exists()
    assert Event.objects.count() == before


@pytest.mark.parametrize("name", ACTIONS)
def test_nothing_happens_by_looking(client, trainee, attempt, name):
    client.force_login(trainee)
    assert client.get(reverse(name, args=[attempt.pk])).status_code == 405


@pytest.mark.parametrize("name", [name for name in ACTIONS if name != "finish-attempt"])
def test_a_finished_attempt_takes_no_more(press, attempt, sandbox, name):
    Attempt.objects.update(state="GRADED")
    answer = press(name, objective="enter", check="flag", value="x")
    assert answer.status_code == 409
    assert "finished" in answer.content.decode()
    assert not Submission.objects.exists()


def test_the_right_flag_is_accepted_in_place(press, attempt, version, sandbox):
    flag = values_for(version, attempt.pk, 1)["flag_enter"]
    answer = hand_in(press, flag)
    assert answer.content.decode().lstrip().startswith('<section id="objectives-panel"')
    assert "Flag accepted" in answer.content.decode()
    assert flag not in answer.content.decode()


def test_a_wrong_flag_gets_a_sentence_at_its_field(press, sandbox):
    text = hand_in(press, "FLAG{nonsense}").content.decode()
    assert "That is no flag of this range" in text
    assert 'aria-describedby="problem-enter-flag"' in text


def test_what_was_refused_can_be_mended_in_its_field(press, sandbox):
    text = hand_in(press, 'FLAG{"><b>half').content.decode()
    assert 'value="FLAG{&quot;&gt;&lt;b&gt;half"' in text
    assert text.count("hx-preserve") == 1  # the other field keeps what it holds


def test_what_was_refused_is_still_told_after_a_reload(press, client, attempt, sandbox):
    hand_in(press, "blue", check="colour")
    panel = client.get(reverse("objectives-panel", args=[attempt.pk])).content.decode()
    assert "That is not right." in panel
    assert "2 tries left" in panel


def test_used_up_tries_are_told_and_not_counted_further(press, sandbox):
    for _ in range(3):
        hand_in(press, "blue", check="colour")
    assert "All 3 tries" in hand_in(press, "red", check="colour").content.decode()
    assert Submission.objects.count() == 3


def test_an_unknown_check_is_refused_and_keeps_the_page(press, sandbox):
    answer = press("submit-answer", objective="enter", check="nope", value="x")
    assert answer.status_code == 200
    assert not Submission.objects.exists()


def test_it_works_without_script(press, attempt, sandbox):
    answer = hand_in(press, "FLAG{nonsense}", part=False)
    assert answer["Location"] == reverse("workspace", args=[attempt.pk])


def test_check_now_asks_the_checker(press, attempt, sandbox):
    assert "Checking your machines" in press("run-checks").content.decode()
    attempt.refresh_from_db()
    assert attempt.checks_wanted_at is not None


def test_what_an_author_says_is_kept_until_the_trainee_asks(press, client, version, sandbox):
    spec = deepcopy(version.spec)
    spec["objectives"][1]["checks"]["feedback"] = "The hole is still open."
    type(version).objects.filter(pk=version.pk).update(spec=spec, digest="d" * 64)
    Attempt.objects.update(checks_run_at=timezone.now())
    panel = reverse("objectives-panel", args=[sandbox.attempt_id])
    assert "The hole is still open." not in client.get(panel).content.decode()
    press("run-checks")
    assert "The hole is still open." in client.get(panel).content.decode()


def test_stopping_keeps_the_attempt_open(press, attempt, sandbox):
    assert "Stopping the machines" in press("stop-sandbox").content.decode()
    sandbox.refresh_from_db()
    attempt.refresh_from_db()
    assert sandbox.wanted == Sandbox.Wanted.STOPPED
    assert attempt.state == Attempt.State.ACTIVE


def test_resetting_asks_for_fresh_machines(press, sandbox):
    press("reset-sandbox")
    sandbox.refresh_from_db()
    assert (sandbox.wanted, sandbox.relaunch) == (Sandbox.Wanted.STOPPED, True)


def test_trying_again_after_a_failure_asks_for_a_new_sandbox(press, attempt, sandbox):
    Sandbox.objects.update(state="FAILED", stopped_at=timezone.now())
    assert "Starting your machines" in press("reset-sandbox").content.decode()
    assert attempt.sandboxes.filter(state="REQUESTED").count() == 1


def test_extending_moves_the_clock(press, sandbox):
    before = sandbox.expires_at
    press("extend-sandbox")
    sandbox.refresh_from_db()
    assert sandbox.expires_at > before


def test_the_longest_time_is_told_as_a_notice(press, sandbox):
    for _ in range(10):
        answer = press("extend-sandbox")
    assert answer.status_code == 409
    assert answer.headers["HX-Retarget"] == "#toasts"


def test_finishing_opens_the_debrief(press, attempt, sandbox):
    answer = press("finish-attempt", part=False)
    assert answer["Location"] == reverse("debrief", args=[attempt.pk])
    attempt.refresh_from_db()
    assert attempt.state == Attempt.State.FINISHING


def test_a_second_press_of_finish_breaks_nothing(press, attempt, sandbox):
    press("finish-attempt", part=False)
    answer = press("finish-attempt", part=False)
    assert answer["Location"] == reverse("debrief", args=[attempt.pk])
    assert Event.objects.filter(attempt_id=attempt.pk, kind="attempt.finished").count() == 1
