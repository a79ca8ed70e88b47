"""What the engine notices becomes rows, events and notices, each once."""

import threading
import time
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from range.console.event_words import label, note
from range.console.models import Recording
from range.sandboxes import troubles
from range.sandboxes.models import MachineState, Sandbox
from range.sandboxes.watch import Watch
from range.timeline.services import events_of

pytestmark = pytest.mark.django_db
DIED, STARVED = "sandbox.machine_died", "sandbox.out_of_memory"


@pytest.fixture
def follow(driver):
    def once():
        Watch(lambda: driver).follow(timezone.now() - timedelta(hours=1), until=timezone.now())

    return once


@pytest.fixture
def panel(client, trainee, attempt):
    client.force_login(trainee)

    def look():
        return client.get(reverse("sandbox-panel", args=[attempt.pk])).content.decode()

    return look


def test_a_machine_that_ended_is_told_with_its_exit_code(running, driver, handle_of, follow, told):
    driver.exit_machine(handle_of, "web", exit_code=3)
    follow()
    ((_, payload),) = told(DIED)
    assert (payload["machine"], payload["exit_code"], payload["reason"]) == ("web", 3, "ended")
    state = running.machine_states.get()
    assert (state.machine, state.exit_code) == ("web", 3)
    assert state.ended_at is not None


def test_the_same_event_twice_is_one(driver, handle_of, follow, told):
    driver.exit_machine(handle_of, "web", exit_code=3)
    driver.record("out-of-memory", handle_of, "box")
    for _ in range(3):
        follow()
    assert len(told(DIED)) == len(told(STARVED)) == 1


def test_an_end_that_memory_caused_says_so(happens, told):
    assert troubles.note(happens("out-of-memory"))
    assert troubles.note(happens("exited", after=timedelta(seconds=1), exit_code=137))
    ((_, payload),) = told(DIED)
    assert (payload["exit_code"], payload["reason"]) == (137, "out-of-memory")


def test_an_end_that_memory_caused_says_so_in_the_other_order_too(running, happens):
    end = happens("exited", exit_code=137)
    memory = happens("out-of-memory", after=timedelta(seconds=-1))
    assert troubles.note(end)
    assert troubles.note(memory)
    assert running.machine_states.get().end_reason == "out-of-memory"


def test_an_old_want_of_memory_did_not_cause_a_later_end(running, happens):
    troubles.note(happens("out-of-memory", after=timedelta(minutes=-5)))
    troubles.note(happens("exited", exit_code=0))
    assert running.machine_states.get().end_reason == ""


def test_a_machine_that_starves_again_and_again_is_told_of_now_and_then(happens, told):
    spread = [timedelta(minutes=m) for m in (-30, -29, -25, -15)]
    assert [troubles.note(happens("out-of-memory", after=at)) for at in spread] == [
        True,
        False,
        False,
        True,
    ]
    # What an engine tells again after a break is old news.
    assert not troubles.note(happens("out-of-memory", after=timedelta(minutes=-30)))
    assert len(told(STARVED)) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"wanted": Sandbox.Wanted.STOPPED},
        {"state": Sandbox.State.STOPPING},
        {"state": Sandbox.State.STOPPED},
        {"handle": None},
    ],
)
def test_an_end_that_we_brought_about_is_no_news(running, happens, told, change):
    Sandbox.objects.filter(pk=running.pk).update(**change)
    assert not troubles.note(happens("exited", exit_code=137))
    assert told(DIED) == []
    assert not MachineState.objects.exists()


def test_the_end_of_a_container_that_was_replaced_is_no_news(happens, told):
    assert not troubles.note(happens("exited", container="the one before", exit_code=137))
    assert told(DIED) == []


@pytest.mark.parametrize("kind", ["started", "paused", "resumed"])
def test_what_is_no_trouble_leaves_no_row(happens, kind):
    assert not troubles.note(happens(kind))
    assert not MachineState.objects.exists()


def test_a_machine_that_ended_while_nobody_followed_is_found(running, driver, handle_of, told):
    driver.machine(handle_of, "web").exited = True
    driver.sandboxes[running.pk].machines.pop("box")
    watch = Watch(lambda: driver)
    for _ in range(2):
        watch.follow(timezone.now(), until=timezone.now())
    found = told(DIED)
    assert {payload["machine"] for _, payload in found} == {"web", "box"}
    assert all(payload["exit_code"] is None for _, payload in found)
    assert len(found) == 2


def test_a_sandbox_that_is_gone_as_a_whole_is_left_to_the_reaper(driver, running, told):
    driver.sandboxes.clear()
    Watch(lambda: driver).follow(timezone.now(), until=timezone.now())
    assert told(DIED) == []


@pytest.mark.django_db(transaction=True)
def test_following_goes_on_after_the_engine_was_away(running, driver, handle_of, told, monkeypatch):
    monkeypatch.setattr("range.sandboxes.watch.PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("range.sandboxes.watch.SPAN", timedelta(seconds=0.05))
    driver.fail_next("survey")
    driver.fail_next("survey", "sandbox-gone")
    ended = threading.Event()
    thread = threading.Thread(target=Watch(lambda: driver).run, args=[ended])
    thread.start()
    driver.exit_machine(handle_of, "web", exit_code=1)
    deadline = time.monotonic() + 60
    while not told(DIED) and time.monotonic() < deadline:
        time.sleep(0.02)
    ended.set()
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert [payload["machine"] for _, payload in told(DIED)] == ["web"]


def test_following_begins_with_the_oldest_sandbox_that_runs(running, driver, handle_of, told):
    from range.sandboxes import watch

    driver.exit_machine(handle_of, "web", exit_code=1)
    assert watch._oldest_start() == running.started_at
    Sandbox.objects.update(state=Sandbox.State.STOPPED)
    assert watch._oldest_start() > running.started_at


# --- what people read -----------------------------------------------------------------------------


def test_the_workspace_tells_which_machine_ended(panel, happens):
    assert "ended unexpectedly" not in panel()
    troubles.note(happens("exited", exit_code=1))
    text = panel()
    assert "The machine web ended unexpectedly." in text
    assert "your evidence is kept" in text
    assert "sandbox-panel--quiet" not in text


def test_want_of_memory_is_told_for_a_while(panel, happens):
    troubles.note(happens("out-of-memory"))
    assert "The machine web ran out of memory." in panel()
    MachineState.objects.update(out_of_memory_at=timezone.now() - timedelta(hours=1))
    assert "ran out of memory" not in panel()


def test_a_notice_does_not_tell_that_a_hidden_machine_exists(panel, happens, attempt):
    troubles.note(happens("exited", "cave", exit_code=1))
    assert "A part of this scenario ended unexpectedly." in panel()
    assert "cave" not in panel()
    event = events_of(attempt.pk, kinds=[DIED]).get()
    assert note(event, {}) == "a part of the scenario, exit code 1"


def test_the_replay_tells_it_in_words(happens, attempt):
    troubles.note(happens("exited", exit_code=137))
    event = events_of(attempt.pk, kinds=[DIED]).get()
    assert label(event) == "A machine ended unexpectedly"
    assert note(event, {}) == "web, exit code 137"


def test_stopping_machines_show_no_notice(panel, running, happens):
    troubles.note(happens("exited", exit_code=1))
    Sandbox.objects.filter(pk=running.pk).update(wanted=Sandbox.Wanted.STOPPED)
    assert "ended unexpectedly" not in panel()


def test_an_instructor_reads_it_in_the_replay(client, instructor, running, attempt, happens):
    Recording.objects.create(
        sandbox=running, machine="web", opened_by=attempt.trainee, path="none.cast"
    )
    troubles.note(happens("exited", exit_code=137))
    client.force_login(instructor)
    text = client.get(reverse("replay", args=[attempt.pk])).content.decode()
    assert "A machine ended unexpectedly" in text
    assert "web, exit code 137" in text
