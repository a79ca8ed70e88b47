"""A grade taken apart: who may see it, and what overruling one check leaves behind."""

import pytest

from range.accounts.models import AccessRecord, Membership, Organisation
from range.assessment import services
from range.assessment.grading import ReviewRefused
from range.assessment.models import Evidence, EvidenceContent
from range.assessment.overruling import OVERRULED, overrule
from range.assessment.provenance import problems_of
from range.exercises.models import Attempt
from range.exercises.services import finish
from range.timeline.models import Event
from range.timeline.services import broken_at

pytestmark = pytest.mark.django_db
WHY = "The file was removed in front of me."


@pytest.fixture
def graded(attempt, handle, driver, hand_in, flag):
    """A graded attempt whose hole is still open."""
    hand_in(flag())
    hand_in("red", check="colour")
    finish(attempt.pk, reason="finished", actor="range")
    services.collect(attempt, driver)
    services.grade(attempt)
    Attempt.objects.filter(pk=attempt.pk).update(state=Attempt.State.GRADED)
    attempt.refresh_from_db()
    return attempt


@pytest.fixture
def hole(graded):
    return Evidence.objects.get(attempt=graded, kind="file", superseded_by=None)


def page_of(client, attempt):
    return client.get(f"/review/attempts/{attempt.pk}/")


def test_every_check_stands_there_with_its_evidence(client, instructor, trainee, graded):
    client.force_login(instructor)
    page = page_of(client, graded).content.decode()
    for row in Evidence.objects.filter(attempt=graded):
        assert f"/evidence/{row.pk}/" in page
    assert [record.subject for record in AccessRecord.objects.all()] == [trainee]


def test_overruling_is_new_evidence_and_a_new_grade(client, instructor, graded, hole):
    before = services.latest_grade(graded)
    client.force_login(instructor)
    form = {"evidence": str(hole.pk), "outcome": "MET", "reason": WHY}
    answer = client.post(f"/review/attempts/{graded.pk}/", form, follow=True)
    made = Evidence.objects.get(supersedes=hole)
    assert (made.outcome, made.score, made.source) == ("MET", 1.0, "PERSON")
    assert made.judged_by == instructor
    assert made.detail["reason_given"] == WHY
    assert services.latest_grade(graded).share > before.share
    hole.refresh_from_db()
    assert hole.outcome == "UNMET"
    page = answer.content.decode()
    assert WHY in page
    assert "1 earlier record" in page
    assert Event.objects.filter(kind=OVERRULED).exists()


def test_the_chain_and_the_records_hold_afterwards(instructor, graded, hole):
    overrule(hole.pk, person=instructor, outcome="MET", reason=WHY)
    assert broken_at(graded.pk) is None
    assert problems_of(graded) == []


def test_help_and_moment_stay_those_of_what_was_judged(instructor, graded, hole):
    made = overrule(hole.pk, person=instructor, outcome="MET", reason=WHY)
    kept = ("hint_rung", "recording_id", "recording_offset_ms")
    assert [getattr(made, name) for name in kept] == [getattr(hole, name) for name in kept]


def test_it_can_be_put_back_and_all_three_records_stay(instructor, graded, hole):
    made = overrule(hole.pk, person=instructor, outcome="MET", reason=WHY)
    overrule(made.pk, person=instructor, outcome="UNMET", reason="I took it for another file.")
    assert Evidence.objects.filter(attempt=graded, check_id=hole.check_id).count() == 3


def test_what_counts_neither_way_leaves_the_share_to_the_rest(instructor, graded, hole):
    overrule(hole.pk, person=instructor, outcome="INCONCLUSIVE", reason="The range had failed.")
    grade = services.latest_grade(graded)
    assert grade.provisional


@pytest.mark.parametrize(
    ("outcome", "reason", "said"),
    [
        ("MET", "too short", "10 to 2,000 characters; it had 9"),
        ("MET", "x" * 2001, "it had 2,001"),
        ("UNMET", WHY, "judged so already"),
        ("PERFECT", WHY, "Choose how"),
        ("", WHY, "Choose how"),
    ],
)
def test_what_makes_no_sense_changes_nothing(
    client, instructor, graded, hole, outcome, reason, said
):
    client.force_login(instructor)
    form = {"evidence": str(hole.pk), "outcome": outcome, "reason": reason}
    answer = client.post(f"/review/attempts/{graded.pk}/", form, follow=True)
    assert said in answer.content.decode()
    assert not Evidence.objects.filter(source="PERSON").exists()


def test_whoever_comes_second_sees_the_first_decision(instructor, graded, hole):
    overrule(hole.pk, person=instructor, outcome="MET", reason=WHY)
    with pytest.raises(ReviewRefused, match="corrected meanwhile"):
        overrule(hole.pk, person=instructor, outcome="INCONCLUSIVE", reason=WHY)


def test_written_work_and_running_attempts_are_not_overruled_here(instructor, graded, hole):
    report = Evidence.objects.get(attempt=graded, kind="rubric")
    with pytest.raises(ReviewRefused, match="criterion by criterion"):
        overrule(report.pk, person=instructor, outcome="MET", reason=WHY)
    Attempt.objects.filter(pk=graded.pk).update(state=Attempt.State.ACTIVE)
    with pytest.raises(ReviewRefused, match="graded attempts"):
        overrule(hole.pk, person=instructor, outcome="MET", reason=WHY)


def test_a_reason_that_names_the_flag_is_cleared_of_it(instructor, graded, hole, flag):
    made = overrule(hole.pk, person=instructor, outcome="MET", reason=f"It was {flag()}, I saw it.")
    assert flag() not in str(EvidenceContent.objects.get(evidence=made).detail)


@pytest.mark.parametrize("who", ["trainee", "other_trainee", "assessor", "stranger"])
def test_nobody_else_sees_or_overrules(request, client, person, graded, hole, who):
    if who == "stranger":
        far = Organisation.objects.create(slug="far", name="Far", kind="SCHOOL")
        viewer = person("sid", far, Membership.Role.INSTRUCTOR)
    else:
        viewer = request.getfixturevalue(who)
    client.force_login(viewer)
    form = {"evidence": str(hole.pk), "outcome": "MET", "reason": WHY}
    assert page_of(client, graded).status_code == 404
    assert client.post(f"/review/attempts/{graded.pk}/", form).status_code == 404
    assert not Evidence.objects.filter(source="PERSON").exists()
    with pytest.raises(ReviewRefused):
        overrule(hole.pk, person=viewer, outcome="MET", reason=WHY)


def test_an_attempts_form_cannot_reach_anothers_record(client, instructor, graded, hole):
    """The record in the form decides, and the right to it is asked for anew."""
    client.force_login(instructor)
    client.post(
        f"/review/attempts/{graded.pk}/", {"evidence": "nonsense", "outcome": "MET", "reason": WHY}
    )
    assert not Evidence.objects.filter(source="PERSON").exists()
