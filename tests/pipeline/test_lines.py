"""Lists and pages at some size: a fixed number of questions, and links into the replay."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from range.accounts.models import Membership
from range.catalog.models import ScenarioVersion
from range.competencies.frameworks import demand_of, role_by_code
from range.console.models import Recording
from range.pipeline.evidence_lines import lines_by_id, moment_url
from range.pipeline.people import people_page
from range.pipeline.profile import Asked, profile
from range.pipeline.services import picture_of, readiness_for, refresh, suggestions_for
from range.sandboxes.models import Sandbox

pytestmark = pytest.mark.django_db


def questions(work) -> int:
    with CaptureQueriesContext(connection) as captured:
        work()
    return len(captured)


@pytest.fixture
def recording(trainee, publish, finished):
    attempt = finished(trainee, publish("recorded"))
    sandbox = Sandbox.objects.create(
        attempt=attempt, driver="fake", expires_at=timezone.now() + timedelta(hours=1)
    )
    return Recording.objects.create(
        sandbox=sandbox, machine="box", opened_by=trainee, path="x.cast"
    )


def test_evidence_made_while_recorded_leads_to_its_moment(client, trainee, recording, judged):
    attempt = recording.sandbox.attempt
    record = judged(attempt, "gain", "flag", recording=recording, recording_offset_ms=61_500)
    address = moment_url(record)
    assert address == (reverse("replay", args=[attempt.pk]) + f"?recording={recording.pk}&at=61500")
    client.force_login(trainee)
    html = client.get(reverse("evidence", args=[record.pk])).content.decode()
    assert address.replace("&", "&amp;") in html
    assert lines_by_id([str(record.pk)])[str(record.pk)].moment_url == address


def test_evidence_without_a_recording_has_no_link(trainee, publish, finished, judged):
    assert moment_url(judged(finished(trainee, publish()), "gain", "flag")) == ""


def test_a_list_of_many_asks_no_more_than_a_list_of_few(instructor, person, school, starter):
    person("first", school, Membership.Role.TRAINEE)
    few = questions(lambda: people_page(instructor))
    for number in range(12):
        person(f"more{number}", school, Membership.Role.TRAINEE)
    assert questions(lambda: people_page(instructor)) == few


def test_a_list_for_a_role_asks_once_more_a_person_for_the_look_alone(
    instructor, person, school, starter
):
    person("first", school, Membership.Role.TRAINEE)
    few = questions(lambda: people_page(instructor, role_code="IO-WRL-005"))
    for number in range(6):
        person(f"more{number}", school, Membership.Role.TRAINEE)
    many = questions(lambda: people_page(instructor, role_code="IO-WRL-005"))
    assert many - few <= 6 * 3


def test_a_page_of_a_long_log_asks_no_more_than_of_a_short_one(trainee, publish, solved, starter):
    solved(trainee, publish("first"))
    few = questions(lambda: profile(trainee, viewer=trainee, asked=Asked()))
    for number in range(5):
        solved(trainee, publish(f"more-{number}"))
    assert questions(lambda: profile(trainee, viewer=trainee, asked=Asked())) <= few


def test_a_version_that_cannot_be_read_is_not_suggested(trainee, publish, starter):
    publish("whole")
    broken = publish("broken")
    ScenarioVersion.objects.filter(pk=broken.version_id).update(spec={"objectives": "?"})
    picture = picture_of(trainee)
    ready = readiness_for(picture.standings, demand_of(role_by_code("PD-WRL-007")))
    assert [each.slug for each in suggestions_for(trainee, picture=picture, readiness=ready)] == [
        "whole"
    ]


def test_what_was_played_is_suggested_after_what_is_new(trainee, publish, solved, starter):
    solved(trainee, publish("played"))
    publish("new")
    page = profile(trainee, viewer=trainee, asked=Asked(role_code="PD-WRL-007"))
    assert [each.slug for each in page.suggestions] == ["new", "played"]
    assert page.suggestions[0].tells_of == "escalate privilege"


def test_a_trainee_without_consent_or_look_is_told_so(client, trainee, proven):
    client.force_login(trainee)
    html = client.get(reverse("my-skills")).content.decode()
    assert "No agency." in html
    assert "Nobody yet." in html
    assert reverse("consent") in html


def test_a_move_down_is_said_as_plainly_as_a_move_up(
    trainee, publish, solved, finished, judged, starter
):
    solved(trainee, publish("good"))
    refresh(trainee)
    bad = finished(trainee, publish("bad", policy="ASSESSED", difficulty=1))
    judged(bad, "mend", "gone", "UNMET")
    judged(bad, "mend", "kept", "UNMET")
    page = profile(trainee, viewer=trainee, asked=Asked(role_code="IO-WRL-005"))
    changes = {line.key: line.change for line in page.required}
    assert changes["harden-privilege-rules"].startswith("down 0.")
