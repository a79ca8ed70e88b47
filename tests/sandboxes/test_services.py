"""What a trainee may ask of a sandbox, and what is refused with a sentence."""

from datetime import timedelta

import pytest
from django.utils import timezone

from range.catalog.models import ScenarioVersion
from range.exercises.models import Attempt, Exercise
from range.exercises.services import AttemptClosed, finish
from range.sandboxes import services
from range.sandboxes.models import Sandbox
from range.timeline.services import events_of

State, Wanted = Sandbox.State, Sandbox.Wanted
ImageState = ScenarioVersion.ImageState


def launched(trainee, exercise):
    return services.launch(trainee, exercise)


def test_a_launch_asks_for_one_sandbox(trainee, exercise):
    sandbox = launched(trainee, exercise)
    assert (sandbox.state, sandbox.wanted, sandbox.epoch) == (State.REQUESTED, Wanted.RUNNING, 1)
    kinds = [event.kind for event in events_of(sandbox.attempt_id)]
    assert kinds == ["attempt.begun", "sandbox.requested"]


def test_a_sandbox_lives_as_long_as_its_scenario_says(trainee, exercise):
    sandbox = launched(trainee, exercise)
    left = sandbox.expires_at - timezone.now()
    assert timedelta(minutes=59) < left <= timedelta(minutes=60)


def test_launching_twice_gives_the_same_sandbox(trainee, exercise):
    assert launched(trainee, exercise) == launched(trainee, exercise)
    assert Sandbox.objects.count() == 1


def refusal(trainee, exercise):
    with pytest.raises(services.LaunchRefused) as refused:
        services.launch(trainee, exercise)
    assert Sandbox.objects.count() == 0
    assert Attempt.objects.count() == 0
    return refused.value


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (ImageState.PENDING, "image-pending"),
        (ImageState.BUILDING, "image-pending"),
        (ImageState.FAILED, "image-failed"),
    ],
)
def test_it_refuses_a_scenario_whose_images_are_not_there(trainee, exercise, state, reason):
    ScenarioVersion.objects.update(image_state=state)
    exercise.version.refresh_from_db()
    assert refusal(trainee, exercise).reason == reason


def test_it_refuses_who_is_no_trainee(assessor, exercise):
    assert refusal(assessor, exercise).status == 403


def test_it_refuses_without_memory_and_says_how_much(trainee, exercise, monkeypatch, settings):
    settings.RANGE_MEMORY_RESERVE_MB = 500
    monkeypatch.setattr(services, "available_mb", lambda: 540)
    refused = refusal(trainee, exercise)
    assert (refused.reason, refused.retryable) == ("capacity", True)
    assert "64 MB" in refused.message
    assert "40 MB are left" in refused.message


def test_it_refuses_more_sandboxes_than_the_quota(trainee, exercise, school, settings):
    settings.RANGE_SANDBOXES_PER_TRAINEE = 1
    services.launch(trainee, exercise)
    second = Exercise.objects.create(
        version=exercise.version, organisation=school, policy=Exercise.Policy.ASSESSED
    )
    with pytest.raises(services.LaunchRefused) as refused:
        services.launch(trainee, second)
    assert refused.value.reason == "quota"
    assert Attempt.objects.count() == 1


def test_an_ended_sandbox_does_not_count_against_the_quota(trainee, exercise, settings):
    settings.RANGE_SANDBOXES_PER_TRAINEE = 1
    Sandbox.objects.filter(pk=services.launch(trainee, exercise).pk).update(state=State.FAILED)
    assert services.launch(trainee, exercise).epoch == 2


def test_a_finished_attempt_gets_no_sandbox(attempt):
    finish(attempt.pk, reason="finished", actor="range")
    with pytest.raises(AttemptClosed):
        services.request_sandbox(attempt)
    assert Sandbox.objects.count() == 0


def test_a_stop_is_wanted_once(attempt, sandbox):
    assert services.stop(attempt, actor="trainee:x")
    assert not services.stop(attempt, actor="trainee:x")
    sandbox.refresh_from_db()
    assert (sandbox.wanted, sandbox.state) == (Wanted.STOPPED, State.RUNNING)
    assert events_of(attempt.pk, kinds=["sandbox.stop"]).count() == 1


def test_a_reset_asks_for_an_end_and_a_fresh_start(attempt, sandbox):
    services.reset(attempt, actor="trainee:x")
    sandbox.refresh_from_db()
    assert (sandbox.wanted, sandbox.relaunch) == (Wanted.STOPPED, True)


def test_a_reset_without_a_sandbox_asks_for_one(attempt):
    services.reset(attempt, actor="trainee:x")
    assert Sandbox.objects.get().wanted == Wanted.RUNNING


def test_a_finished_attempt_cannot_be_reset(attempt, sandbox):
    attempt.state = Attempt.State.FINISHING
    with pytest.raises(AttemptClosed):
        services.reset(attempt, actor="trainee:x")
    sandbox.refresh_from_db()
    assert sandbox.wanted == Wanted.RUNNING


@pytest.mark.parametrize("lifecycle", [{}, {"extend_minutes": 10, "extensions": 3}])
def test_time_can_be_extended_as_far_as_the_scenario_says(attempt, sandbox, version, lifecycle):
    rules = {"extend_minutes": 30, "extensions": 2} | lifecycle
    spec = version.spec | {"lifecycle": {"limit_minutes": 60} | lifecycle}
    ScenarioVersion.objects.update(spec=spec)
    attempt = Attempt.objects.get()
    length = timedelta(minutes=rules["extend_minutes"])
    before = sandbox.expires_at
    assert services.extend(attempt, actor="trainee:x") == before + length
    longest = sandbox.requested_at + timedelta(hours=1) + rules["extensions"] * length
    for _ in range(rules["extensions"]):
        services.extend(attempt, actor="trainee:x")
    with pytest.raises(services.LaunchRefused) as refused:
        services.extend(attempt, actor="trainee:x")
    assert refused.value.reason == "longest-time"
    sandbox.refresh_from_db()
    assert sandbox.expires_at == longest


def test_nothing_runs_nothing_is_extended(attempt):
    with pytest.raises(services.LaunchRefused) as refused:
        services.extend(attempt, actor="trainee:x")
    assert refused.value.reason == "not-running"


def test_memory_promised_to_others_is_not_promised_twice(
    trainee, other_trainee, exercise, monkeypatch, settings
):
    need = services.memory_needed_mb(exercise.version)
    room = settings.RANGE_MEMORY_RESERVE_MB + need + need // 2
    monkeypatch.setattr(services, "available_mb", lambda: room)
    services.launch(trainee, exercise)
    with pytest.raises(services.LaunchRefused) as refused:
        services.launch(other_trainee, exercise)
    assert refused.value.reason == "capacity"


def test_a_full_range_says_when_room_comes(trainee, other_trainee, exercise, monkeypatch):
    sandbox = services.launch(trainee, exercise)
    Sandbox.objects.filter(pk=sandbox.pk).update(
        state=Sandbox.State.RUNNING, expires_at=timezone.now() + timedelta(minutes=11, seconds=30)
    )
    monkeypatch.setattr(services, "available_mb", lambda: 1)
    with pytest.raises(services.LaunchRefused) as refused:
        services.launch(other_trainee, exercise)
    assert "ends in 12 min at the latest" in refused.value.message
