"""The debrief: progress of grading, evidence with its moments, and who may read it."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from range.accounts.models import AccessRecord, Consent
from range.assessment.models import ReviewItem
from range.console.models import Recording
from range.exercises.models import Attempt, Exercise
from range.timeline.services import record

pytestmark = pytest.mark.django_db


@pytest.fixture
def graded(attempt):
    now = timezone.now()
    Attempt.objects.update(
        state="GRADED",
        started_at=now - timedelta(minutes=30),
        finished_at=now - timedelta(minutes=5),
        graded_at=now,
    )
    attempt.grades.create(share=0.5, passed=False, provisional=False, grader_version="1")
    attempt.refresh_from_db()
    return attempt


@pytest.fixture
def read(client, trainee, attempt):
    def get(who=None, name="debrief"):
        client.force_login(who or trainee)
        return client.get(reverse(name, args=[attempt.pk]))

    return get


@pytest.fixture
def evidence(attempt, version):
    def make(objective, check, outcome="MET", **fields):
        known = {"kind": "file", "score": float(outcome == "MET"), "reason": "met"}
        return attempt.evidence.create(
            objective=version.objectives.get(key=objective),
            check_id=check,
            outcome=outcome,
            grader_version="1",
            sha256="0" * 64,
            **(known | fields),
        )

    return make


def test_an_attempt_in_progress_has_no_debrief_yet(read, attempt):
    text = read().content.decode()
    assert "still in progress" in text
    assert reverse("workspace", args=[attempt.pk]) in text


@pytest.mark.parametrize(
    ("state", "steps"),
    [("FINISHING", ["now", "todo"]), ("COLLECTED", ["done", "now"])],
)
def test_it_follows_the_grading(read, attempt, state, steps):
    Attempt.objects.update(state=state)
    answer = read()
    assert [step.state for step in answer.context["debrief"].steps] == steps
    assert "every 2s" in answer.content.decode()


def test_it_stops_asking_once_it_is_graded(read, graded):
    assert "every 2s" not in read(name="grade-panel").content.decode()


def test_no_evidence_is_shown_before_the_grade(read, attempt, evidence):
    evidence("mend", "gone")
    Attempt.objects.update(state="COLLECTED")
    assert list(read().context["debrief"].proofs) == []


def test_it_tells_the_grade_and_what_it_rests_on(read, graded, evidence):
    evidence("enter", "flag", kind="flag", reason="flag-accepted", hint_rung=2)
    evidence("enter", "colour", kind="answer", reason="answer-right")
    evidence("mend", "gone", "UNMET", reason="file-there")
    answer = read()
    text = answer.content.decode()
    proofs = {proof.key: proof for proof in answer.context["debrief"].proofs}
    assert proofs["enter"].state == "met"
    assert proofs["enter"].earned == pytest.approx(0.5)
    assert "after a hint on rung 2" in text
    assert "The file is still there" in text
    assert "1 of 3 objectives met, 1 of them after a hint." in text
    assert "took 25 min" in text


def test_evidence_links_to_its_moment(read, graded, evidence, sandbox, trainee):
    recording = Recording.objects.create(
        sandbox=sandbox, machine="box", opened_by=trainee, path="x.cast"
    )
    evidence("mend", "gone", recording=recording, recording_offset_ms=65_400)
    wanted = f"{reverse('replay', args=[graded.pk])}?recording={recording.pk}&amp;at=65400"
    assert wanted in read().content.decode()


def test_moments_are_told_in_order_without_what_was_not_met(read, graded, evidence):
    record(graded.pk, kind="attempt.begun", actor="range")
    for outcome in ("UNMET", "MET"):
        payload = {"objective": "mend", "outcome": outcome}
        record(graded.pk, kind="evidence.recorded", actor="range", payload=payload)
    record(graded.pk, kind="attempt.finished", actor="range")
    told = [moment.text for moment in read().context["debrief"].moments]
    assert told == ["Attempt begun", "Check met: Close it", "Attempt finished"]


def test_a_provisional_grade_says_what_it_waits_for(read, graded, version):
    graded.grades.create(share=0.5, passed=False, provisional=True, grader_version="1")
    for criterion in ("cause", "remedy"):
        ReviewItem.objects.create(
            attempt=graded,
            objective=version.objectives.get(key="report"),
            check_id="report",
            criterion=criterion,
        )
    text = read().content.decode()
    assert "Provisional" in text
    assert "2 parts of your written work wait for an instructor" in " ".join(text.split())
    assert "0 of 3 objectives met; 1 waits for an instructor." in text


def test_what_an_instructor_decided_and_wrote_is_shown(read, graded, version, instructor):
    ReviewItem.objects.create(
        attempt=graded,
        objective=version.objectives.get(key="report"),
        check_id="report",
        criterion="cause",
        state=ReviewItem.State.DECIDED,
        decided_by=instructor,
        level=1,
        note="Name the <b>file</b>.",
    )
    answer = read()
    (proof,) = [each for each in answer.context["debrief"].proofs if each.key == "report"]
    (verdict,) = proof.verdicts
    assert verdict.note == "Name the <b>file</b>."
    text = answer.content.decode()
    assert verdict.criterion in text
    assert verdict.level in text
    assert "Name the &lt;b&gt;file&lt;/b&gt;." in text


def test_it_suggests_other_scenarios_with_the_reason(read, graded, exercise, version, school):
    other = type(version.scenario).objects.create(slug="other", title="Other")
    made = type(version).objects.create(
        scenario=other,
        version="1",
        digest="c" * 64,
        spec=version.spec | {"id": "other", "title": "Another door"},
        image_state="READY",
    )
    Exercise.objects.create(version=made, organisation=school)
    (suggestion,) = read().context["debrief"].next
    assert suggestion.title == "Another door"
    assert "which this attempt left open" in suggestion.why


def test_time_over_is_said(read, graded):
    Attempt.objects.update(finish_reason="time-over")
    assert "The time was over" in read().content.decode()


def test_an_instructor_of_the_school_reads_it_and_it_is_written_down(read, graded, instructor):
    assert read(instructor).status_code == 200
    assert [(look.viewer, look.subject) for look in AccessRecord.objects.all()] == [
        (instructor, graded.trainee)
    ]


def test_reading_ones_own_is_not_written_down(read, graded):
    read()
    assert not AccessRecord.objects.exists()


def test_an_assessor_reads_it_only_with_consent(read, graded, assessor, agency):
    assert read(assessor).status_code == 404
    assert not AccessRecord.objects.exists()
    Consent.objects.create(trainee=graded.trainee, agency=agency)
    answer = read(assessor)
    assert answer.status_code == 200
    assert reverse("my-skills") not in answer.content.decode().split("</header>", 1)[1]


@pytest.mark.parametrize("name", ["debrief", "grade-panel"])
def test_another_trainee_sees_nothing(read, graded, other_trainee, name):
    assert read(other_trainee, name).status_code == 404
