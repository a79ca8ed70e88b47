"""A grade taken apart: who may see it, and what overruling one check leaves behind."""

import pytest

from range.accounts.models import AccessRecord, Membership, Organisation
from range.assessment import services
from range.assessment.appeals import AppealRefused, answer, contest, open_for
from range.assessment.evidence import CorrectedMeanwhile, Correction, supersede
from range.assessment.grade_review import grade_review
from range.assessment.grading import ReviewRefused
from range.assessment.models import Appeal, Evidence, EvidenceContent
from range.assessment.overruling import OVERRULED, overrule
from range.assessment.provenance import problems_of
from range.exercises.models import Attempt
from range.exercises.services import finish
from range.timeline.models import Event, EventPayload
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
    kept = ("observed_at", "hint_rung", "recording_id", "recording_offset_ms", "excerpt")
    assert [getattr(made, name) for name in kept] == [getattr(hole, name) for name in kept]


def test_a_reason_is_kept_without_what_the_database_has_no_place_for(client, instructor, hole):
    client.force_login(instructor)
    form = {"evidence": str(hole.pk), "outcome": "MET", "reason": f"\0{WHY}"}
    client.post(f"/review/attempts/{hole.attempt_id}/", form)
    assert Evidence.objects.get(supersedes=hole).detail["reason_given"] == WHY


def test_it_can_be_put_back_and_all_three_records_stay(instructor, graded, hole):
    made = overrule(hole.pk, person=instructor, outcome="MET", reason=WHY)
    overrule(made.pk, person=instructor, outcome="UNMET", reason="I took it for another file.")
    assert Evidence.objects.filter(attempt=graded, check_id=hole.check_id).count() == 3


def test_earlier_records_stand_in_the_order_of_their_corrections(instructor, graded, hole):
    """All four speak of one moment, so time cannot tell which came first."""
    chain = [hole]
    for outcome in ("MET", "UNMET", "MET"):
        chain.append(overrule(chain[-1].pk, person=instructor, outcome=outcome, reason=WHY))
    assert len({each.observed_at for each in chain}) == 1
    (check,) = [
        each
        for objective in grade_review(graded).objectives
        for each in objective.checks
        if each.id == hole.check_id
    ]
    shown = [check.standing.row.pk, *(each.row.pk for each in check.before)]
    assert shown == [each.pk for each in reversed(chain)]


def test_overruling_what_is_contested_answers_it(client, trainee, instructor, graded, hole, flag):
    appeal = contest(trainee, evidence_id=hole.pk, words=f"I closed it, see {flag()}.")
    made = overrule(hole.pk, person=instructor, outcome="MET", reason=f"{WHY} {flag()}")
    appeal.refresh_from_db()
    assert (appeal.state, appeal.outcome, appeal.answered_by) == ("CORRECTED", made, instructor)
    assert appeal.answer.startswith(WHY)
    assert made.detail["contested"].startswith("I closed it")
    assert Event.objects.filter(kind="appeal.answered").count() == 1
    assert not list(open_for(instructor))
    client.force_login(trainee)
    for row in (hole, made):
        page = client.get(f"/evidence/{row.pk}/").content.decode()
        assert WHY in page
        assert flag() not in page
    with pytest.raises(AppealRefused):
        answer(instructor, appeal_id=appeal.pk, choice="KEEP", words="Late.")
    assert broken_at(graded.pk) is None
    assert problems_of(graded) == []


def test_what_is_written_in_an_appeal_is_cleared_of_the_flag(
    trainee, instructor, graded, hole, flag
):
    appeal = contest(trainee, evidence_id=hole.pk, words=f"It said {flag()} to me.")
    made = answer(
        instructor, appeal_id=appeal.pk, choice="KEEP", words=f"{flag()} was another one."
    ).outcome
    told = f"{made.detail} {list(Appeal.objects.values_list('words', 'answer'))}"
    assert "It said" in told
    assert "was another one" in told
    assert flag() not in told
    assert flag() not in str(list(EventPayload.objects.values_list("body", flat=True)))


def test_a_record_is_superseded_once(instructor, graded, hole):
    correction = Correction(outcome="MET", score=1.0, reason="overruled", words=WHY)
    supersede(hole, correction, person=instructor)
    with pytest.raises(CorrectedMeanwhile):
        supersede(hole, correction, person=instructor)


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
    with pytest.raises(CorrectedMeanwhile):
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
