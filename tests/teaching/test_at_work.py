"""A class at work: who stands where, what an instructor does to them, and what they read."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from range.accounts.models import AccessRecord, Membership
from range.assessment.models import Evidence
from range.exercises.models import Attempt
from range.sandboxes.models import MachineState, Sandbox
from range.teaching import steering
from range.teaching.at_work import STUCK_AFTER, class_at_work
from range.timeline.services import broken_at, events_of, record
from range.workspace.presenters.messages import messages_of

pytestmark = pytest.mark.django_db
State = Sandbox.State


@pytest.fixture
def at_work(given):
    """Give somebody an attempt at the exercise with a sandbox that runs."""

    def make(person, *, running=True):
        attempt = Attempt.objects.create(trainee=person, exercise=given)
        if running:
            Sandbox.objects.create(
                attempt=attempt,
                state=State.RUNNING,
                driver="fake",
                started_at=timezone.now(),
                expires_at=timezone.now() + timedelta(minutes=20),
            )
        return attempt

    return make


def line_of(exercise, person):
    (line,) = [each for each in class_at_work(exercise).lines if each.person == person]
    return line


def meet(attempt, version, *, ago=timedelta()):
    Evidence.objects.create(
        attempt=attempt,
        objective=version.objectives.get(key="mend"),
        check_id="gone",
        kind="file",
        outcome="MET",
        score=1.0,
        reason="test",
        observed_at=timezone.now() - ago,
        grader_version="test",
        sha256="0" * 64,
    )


def test_everybody_of_the_cohort_is_there_begun_or_not(given, trainee, other_trainee, at_work):
    at_work(trainee)
    shown = class_at_work(given)
    assert {line.person for line in shown.lines} == {trainee, other_trainee}
    assert shown.working == 1
    assert line_of(given, other_trainee).sandbox == "not begun"
    assert [cell.state for cell in line_of(given, trainee).cells] == ["open"] * 3


def test_what_is_met_counts_for_its_objective(given, trainee, version, at_work):
    meet(at_work(trainee), version)
    goals = {goal.key: (goal.met, goal.working) for goal in class_at_work(given).goals}
    assert goals == {"enter": (0, 1), "mend": (1, 1), "report": (0, 1)}


def test_machines_that_need_somebody_say_so(given, trainee, at_work):
    box = at_work(trainee).sandboxes.get()
    MachineState.objects.create(sandbox=box, machine="box", ended_at=timezone.now())
    assert (line_of(given, trainee).sandbox, line_of(given, trainee).tone) == (
        "box ended",
        "danger",
    )


def test_whoever_makes_no_progress_is_told_and_whoever_does_is_not(
    given, trainee, version, at_work
):
    attempt = at_work(trainee)
    assert line_of(given, trainee).stuck_for is None
    began = timezone.now() - STUCK_AFTER * 2
    Attempt.objects.update(started_at=began)
    assert line_of(given, trainee).stuck_for >= STUCK_AFTER
    meet(attempt, version, ago=timedelta(minutes=1))
    assert line_of(given, trainee).stuck_for is None


def test_activity_is_the_trainees_own(given, trainee, at_work):
    attempt = at_work(trainee)
    record(attempt.pk, kind="sandbox.paused", actor="range")
    assert line_of(given, trainee).active_at is None
    event = record(attempt.pk, kind="console.command", actor=f"trainee:{trainee.pk}")
    assert line_of(given, trainee).active_at == event.at


def test_whoever_left_the_cohort_is_shown_while_at_work(given, trainee, at_work, school):
    attempt = at_work(trainee)
    trainee.memberships.update(cohort=None)
    assert line_of(given, trainee).working
    Attempt.objects.filter(pk=attempt.pk).update(state="GRADED")
    assert trainee not in {line.person for line in class_at_work(given).lines}


def test_many_trainees_take_no_more_queries(
    teach, given, cohort, school, person, at_work, django_assert_max_num_queries
):
    for number in range(15):
        at_work(person(f"many-{number}", school, Membership.Role.TRAINEE, cohort))
    with django_assert_max_num_queries(14):
        teach.get("exercise-panel", given.pk)


def test_the_panel_is_what_its_page_replaces(teach, given, trainee):
    text = teach.get("exercise-panel", given.pk).content.decode().strip()
    assert text.startswith('<section class="panel" id="exercise-panel"')


def test_a_link_to_the_wall_is_there_where_a_wall_is(teach, given):
    from range.workspace.presenters.attempt import url_or_nothing

    wall = url_or_nothing("exercise-wall", given.pk)
    assert ("Watch terminals" in teach.words(teach.get("exercise", given.pk))) == bool(wall)


def test_the_trainee_sees_who_looked(teach, given, trainee, instructor):
    teach.get("exercise-trainee", given.pk, trainee.pk)
    seen = AccessRecord.objects.get()
    assert (seen.viewer, seen.subject) == (instructor, trainee)


# --- steering ------------------------------------------------------------------------------------


def test_extending_is_done_at_once_and_the_trainee_reads_who_did(
    teach, given, trainee, instructor, at_work
):
    attempt = at_work(trainee)
    before = attempt.sandboxes.get().expires_at
    teach.post("steer-one", given.pk, trainee.pk, "extend")
    assert attempt.sandboxes.get().expires_at > before
    event = events_of(attempt.pk).get(kind="sandbox.extended")
    assert event.actor == f"instructor:{instructor.pk}"
    (told,) = messages_of(attempt).shown
    assert told.title == "Your instructor extended your time"
    assert (told.who, told.until) == (
        "ivy",
        attempt.sandboxes.get().expires_at.replace(microsecond=0),
    )


@pytest.mark.parametrize("action", ["reset", "stop", "finish"])
def test_what_loses_something_is_asked_first(teach, given, trainee, at_work, action):
    attempt = at_work(trainee)
    for whom, arguments in (("all", ()), ("one", (trainee.pk,))):
        words = teach.words(teach.get(f"steer-{whom}", given.pk, *arguments, action))
        assert "cannot be" in words
        assert "Go back" in words
    attempt.refresh_from_db()
    assert attempt.state == "ACTIVE"
    assert attempt.sandboxes.get().wanted == "RUNNING"


@pytest.mark.parametrize(
    ("action", "kind", "told"),
    [
        ("reset", "sandbox.reset", "reset your machines"),
        ("stop", "sandbox.stop", "stopped your machines"),
        ("finish", "attempt.finished", "finished this attempt"),
    ],
)
def test_it_is_done_to_everybody_at_work(
    teach, given, trainee, other_trainee, instructor, at_work, action, kind, told
):
    attempts = [at_work(trainee), at_work(other_trainee)]
    teach.post("steer-all", given.pk, action)
    for attempt in attempts:
        assert events_of(attempt.pk).get(kind=kind).actor == f"instructor:{instructor.pk}"
        assert told in messages_of(attempt).shown[0].title
        assert broken_at(attempt.pk) is None
    assert Sandbox.objects.get(attempt=attempts[0]).relaunch == (action == "reset")


def test_what_one_refuses_does_not_keep_it_from_the_others(
    given, trainee, other_trainee, instructor, at_work
):
    attempts = [at_work(trainee, running=False), at_work(other_trainee)]
    report = steering.steer(attempts, steering.ACTIONS["extend"], viewer=instructor)
    assert (report.done, list(report.refused.values())) == (1, [1])
    assert "1 trainee got more time" in report.sentence
    assert "Not for 1" in report.sentence


def test_resetting_for_all_starts_nothing_for_whoever_has_nothing(
    given, trainee, instructor, at_work
):
    attempt = at_work(trainee, running=False)
    report = steering.steer([attempt], steering.ACTIONS["reset"], viewer=instructor)
    assert report.done == 0
    assert not attempt.sandboxes.exists()


def test_nobody_at_work_is_told(teach, given, client):
    answer = client.post(reverse("steer-all", args=[given.pk, "stop"]), follow=True)
    assert "Nobody is at work" in answer.content.decode()


def test_an_unknown_action_is_none(teach, given, trainee):
    assert teach.post("steer-all", given.pk, "delete").status_code == 404
    assert teach.post("steer-one", given.pk, trainee.pk, "delete").status_code == 404


def test_nobody_outside_of_the_exercise_is_steered_through_it(
    teach, given, person, far_school, exercise
):
    fred = person("fred", far_school, "TRAINEE")
    Attempt.objects.create(trainee=fred, exercise=exercise)
    assert teach.post("steer-one", given.pk, fred.pk, "finish").status_code == 404
    assert teach.get("exercise-trainee", given.pk, fred.pk).status_code == 404
    assert Attempt.objects.get().state == "ACTIVE"


# --- messages ------------------------------------------------------------------------------------


def test_a_message_reaches_everybody_at_work_and_nobody_else(
    teach, given, trainee, other_trainee, person, school, cohort, at_work
):
    third = at_work(person("third", school, "TRAINEE", cohort))
    Attempt.objects.filter(pk=third.pk).update(state="GRADED")
    attempts = [at_work(trainee), at_work(other_trainee)]
    teach.post("send-message", given.pk, text="Break until\r\nten.")
    for attempt in attempts:
        (told,) = messages_of(attempt).shown
        assert (told.title, told.text) == (
            "Your instructor wrote to everybody",
            "Break until\nten.",
        )
    assert not messages_of(third).shown
    assert "Break until" in teach.words(teach.get("exercise", given.pk))


def test_a_message_to_one_reaches_one(teach, given, trainee, other_trainee, at_work):
    mine, other = at_work(trainee), at_work(other_trainee)
    teach.post("send-message", given.pk, text="Look again.", trainee=trainee.pk)
    assert messages_of(mine).shown[0].title == "Your instructor wrote to you"
    assert not messages_of(other).shown


@pytest.mark.parametrize("text", ["", "  \n ", "\0\x1b", "x" * 501])
def test_what_cannot_be_shown_is_not_sent(teach, client, given, trainee, at_work, text):
    attempt = at_work(trainee)
    answer = client.post(reverse("send-message", args=[given.pk]), {"text": text}, follow=True)
    assert "toast--error" in answer.content.decode()
    assert not events_of(attempt.pk).exists()


def test_control_characters_never_reach_a_trainee(given, trainee, instructor, at_work):
    attempt = at_work(trainee)
    text = "a\x1b[31mb\0c\u202ed"
    steering.say(given, [attempt], text, viewer=instructor, to_all=True)
    assert messages_of(attempt).shown[0].text == "a[31mbcd"


def test_the_workspace_shows_a_message_as_text_until_it_is_put_away(
    client, given, trainee, instructor, at_work
):
    attempt = at_work(trainee)
    steering.say(given, [attempt], "<b>Ten</b> minutes", viewer=instructor, to_all=True)
    client.force_login(trainee)
    panel = reverse("messages-panel", args=[attempt.pk])
    page = client.get(panel).content.decode()
    assert "&lt;b&gt;Ten&lt;/b&gt; minutes" in page
    (told,) = messages_of(attempt).shown
    assert client.get(panel, {"seen": str(told.number)}).status_code == 204
    put_away = reverse("dismiss-message", args=[attempt.pk])
    answer = client.post(put_away, {"number": told.number}, headers={"HX-Request": "true"})
    assert "minutes" not in answer.content.decode()
    assert "minutes" not in client.get(panel).content.decode()
    # It stays in the time line.
    assert events_of(attempt.pk).filter(kind="message.sent").exists()


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 30])
def test_a_number_that_is_none_puts_nothing_away(client, trainee, at_work, number):
    attempt = at_work(trainee)
    client.force_login(trainee)
    url = reverse("dismiss-message", args=[attempt.pk])
    assert client.post(url, {"number": number}).status_code == 302
    assert f"put-away-{attempt.pk}" not in client.session


def test_only_instructors_words_are_told(trainee, at_work):
    attempt = at_work(trainee)
    for actor in (f"trainee:{trainee.pk}", "range"):
        record(attempt.pk, kind="message.sent", actor=actor, payload={"text": "fake"})
    assert not messages_of(attempt).shown


def test_the_open_page_is_woken(given, trainee, instructor, at_work, monkeypatch):
    heard = []
    monkeypatch.setattr(steering, "notify", lambda *words: heard.append(words))
    attempt = at_work(trainee)
    steering.say(given, [attempt], "Hello", viewer=instructor, to_all=True)
    assert heard == [("attempt_changed", f"{attempt.pk} messages")]
