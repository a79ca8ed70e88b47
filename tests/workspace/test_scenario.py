"""A scenario's page, and launching from it."""

from copy import deepcopy
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from range.catalog.models import Scenario, ScenarioVersion
from range.competencies.services import load_starter
from range.exercises.models import Attempt
from range.sandboxes.models import Sandbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client, trainee):
    client.force_login(trainee)
    return client


def page_of(client):
    return client.get(reverse("scenario", args=["small"]))


def launch(client):
    return client.post(reverse("launch", args=["small"]))


def test_it_tells_story_picture_goals_and_rules(signed_in, exercise):
    ScenarioVersion.objects.update(brief="# Story\n\nThe **door** is `open`.")
    text = page_of(signed_in).content.decode()
    assert "<strong>door</strong>" in text
    assert "Network lan joins box. You have a console on box." in text
    assert "Get in" in text
    assert "Another trainee&#x27;s flag is noticed" in text


def test_a_brief_can_hold_nothing_active(signed_in, exercise):
    ScenarioVersion.objects.update(
        brief="<script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=alert(1)>"
    )
    text = page_of(signed_in).content.decode()
    assert "<script>alert" not in text
    assert 'href="javascript' not in text
    assert "<img" not in text


def test_what_is_not_offered_is_not_there(signed_in, version):
    assert page_of(signed_in).status_code == 404
    assert launch(signed_in).status_code == 404
    assert not Attempt.objects.exists()


def test_a_hidden_machine_is_not_drawn(signed_in, exercise, version):
    spec = deepcopy(version.spec)
    spec["machines"]["watcher"] = {"build": "machines/box", "networks": ["lan"], "hidden": True}
    ScenarioVersion.objects.filter(pk=version.pk).update(spec=spec, digest="b" * 64)
    assert "watcher" not in page_of(signed_in).content.decode()


def test_launching_opens_the_workspace(signed_in, exercise):
    answer = launch(signed_in)
    attempt = Attempt.objects.get()
    assert answer["Location"] == reverse("workspace", args=[attempt.pk])
    assert Sandbox.objects.get().wanted == Sandbox.Wanted.RUNNING


def test_a_double_press_launches_once(signed_in, exercise):
    assert launch(signed_in)["Location"] == launch(signed_in)["Location"]
    assert Sandbox.objects.count() == 1


def test_launching_needs_a_post(signed_in, exercise):
    assert signed_in.get(reverse("launch", args=["small"])).status_code == 405
    assert not Sandbox.objects.exists()


def test_what_is_being_prepared_cannot_be_launched_and_says_so(signed_in, exercise):
    ScenarioVersion.objects.update(image_state="BUILDING")
    text = page_of(signed_in).content.decode()
    assert "Being prepared" in text
    assert reverse("launch", args=["small"]) not in text
    answer = launch(signed_in)
    assert answer.status_code == 409
    assert "still being prepared" in answer.content.decode()
    assert not Attempt.objects.exists()


def test_the_launch_box_stops_asking_once_it_is_settled(signed_in, exercise):
    box = reverse("launch-panel", args=["small"])
    ScenarioVersion.objects.update(image_state="BUILDING")
    assert "every 5s" in signed_in.get(box).content.decode()
    ScenarioVersion.objects.update(image_state="FAILED", image_detail="No such package.")
    text = signed_in.get(box).content.decode()
    assert "No such package." in text
    assert "every 5s" not in text


def test_an_open_attempt_is_resumed_in_place_of_launched(signed_in, attempt):
    text = page_of(signed_in).content.decode()
    assert reverse("workspace", args=[attempt.pk]) in text
    assert "Resume" in text


def test_earlier_attempts_link_to_their_debriefs(signed_in, attempt):
    Attempt.objects.update(state="GRADED")
    attempt.grades.create(share=0.625, passed=False, provisional=True, grader_version="1")
    text = page_of(signed_in).content.decode()
    assert reverse("debrief", args=[attempt.pk]) in text
    assert "62 %" in text
    assert "provisional" in text


def test_another_trainees_attempts_are_not_listed(client, other_trainee, attempt):
    client.force_login(other_trainee)
    text = page_of(client).content.decode()
    assert str(attempt.pk) not in text


def test_whoever_stands_behind_others_is_told_so_by_the_answer(
    signed_in, trainee, exercise, settings, django_user_model
):
    settings.RANGE_LAUNCH_CONCURRENCY = 2
    for number in range(3):
        other = django_user_model.objects.create_user(f"other-{number}", password="x")
        Sandbox.objects.create(
            attempt=exercise.attempts.create(trainee=other),
            expires_at=timezone.now() + timedelta(hours=1),
        )
    answer = launch(signed_in)
    mine = Attempt.objects.get(trainee=trainee)
    assert answer.status_code == 202
    text = answer.content.decode()
    assert "3 launches before yours, about 4 s until your machines run." in text
    assert f'href="{reverse("workspace", args=[mine.pk])}" data-opens-after=' in text
    # Pressing again changes nothing, and shows the same.
    assert "3 launches before yours" in launch(signed_in).content.decode()
    assert Sandbox.objects.filter(attempt=mine).count() == 1


def test_whoever_is_next_goes_to_the_workspace_at_once(signed_in, exercise):
    answer = launch(signed_in)
    assert answer.status_code == 302
    assert answer["Location"] == reverse("workspace", args=[Attempt.objects.get().pk])


@pytest.fixture
def retired(exercise):
    Scenario.objects.update(retired_at=timezone.now())


def test_what_is_retired_is_there_for_whoever_attempted_it_and_takes_nothing_new(
    signed_in, attempt, retired
):
    Attempt.objects.update(state="GRADED")
    text = page_of(signed_in).content.decode()
    assert "No longer offered" in text
    assert reverse("debrief", args=[attempt.pk]) in text
    assert reverse("launch", args=["small"]) not in text
    assert launch(signed_in).status_code == 404
    assert Attempt.objects.count() == 1
    assert signed_in.get(reverse("debrief", args=[attempt.pk])).status_code == 200


def test_an_attempt_under_way_goes_on_after_its_scenario_was_retired(signed_in, attempt, retired):
    text = page_of(signed_in).content.decode()
    assert reverse("workspace", args=[attempt.pk]) in text
    assert "No longer offered" not in text


def test_what_is_retired_is_not_there_for_others(client, other_trainee, attempt, retired):
    client.force_login(other_trainee)
    assert page_of(client).status_code == 404


def test_it_lists_versions_and_when_each_was_verified(signed_in, exercise, version):
    ScenarioVersion.objects.update(verified_at=timezone.now())
    ScenarioVersion.objects.create(
        scenario=version.scenario,
        version="0.9.0",
        digest="d" * 64,
        spec=version.spec,
        published_at=timezone.now() - timedelta(days=3),
    )
    answer = page_of(signed_in)
    assert [each.version for each in answer.context["scenario"].versions] == ["1.0.0", "0.9.0"]
    text = answer.content.decode()
    assert "Passed verification" in text
    assert "Not verified on this range." in text
    assert "d" * 12 not in text


def test_whoever_teaches_sees_digests_attempts_and_verifies(client, instructor, attempt, version):
    client.force_login(instructor)
    text = page_of(client).content.decode()
    assert "a" * 12 in text
    assert "1 attempt ·" in text
    assert f'action="{reverse("verify-version", args=[version.pk])}"' in text
    assert "Verify 1.0.0 now" in text


def test_a_trainee_is_offered_no_verification(signed_in, exercise):
    assert "Verify 1.0.0" not in page_of(signed_in).content.decode()


def test_work_roles_stand_by_their_titles_and_codes(signed_in, exercise, version):
    load_starter()
    spec = deepcopy(version.spec) | {
        "frameworks": {"nice": {"version": "2.1.0", "work_roles": ["PD-WRL-007", "XX-WRL-999"]}}
    }
    ScenarioVersion.objects.filter(pk=version.pk).update(spec=spec)
    text = page_of(signed_in).content.decode()
    assert "Vulnerability Analysis" in text
    assert "PD-WRL-007" in text
    assert "XX-WRL-999" in text


def test_the_difficulty_says_who_says_so(signed_in, exercise):
    assert "declared by its author" in page_of(signed_in).content.decode()
