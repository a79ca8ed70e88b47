"""Grades explain themselves, and a person's decision is evidence that can be corrected."""

import pytest

from range.assessment import services
from range.assessment.appeals import contest
from range.assessment.models import Evidence, Grade, ReviewItem
from range.assessment.provenance import problems_of
from range.assessment.services import Proposal, ReviewRefused
from range.exercises.models import Attempt
from range.exercises.services import finish

pytestmark = pytest.mark.django_db
REPORT = "The hole in /etc/hole was left open by the installer. Remove the file and check weekly.\n"


@pytest.fixture
def collected(attempt, handle, driver, hand_in, flag, close_hole, write_report):
    """An attempt with everything done; only the report waits."""
    hand_in(flag())
    hand_in("red", check="colour")
    close_hole()
    write_report(REPORT)
    finish(attempt.pk, reason="finished", actor="range")
    services.collect(attempt, driver)
    return attempt


def decide(instructor, **levels):
    for criterion, level in levels.items():
        item = ReviewItem.objects.get(criterion=criterion)
        services.decide(item, person=instructor, level=level, note="seen")


def test_a_grade_is_provisional_while_a_person_is_needed(collected):
    grade = services.grade(collected)
    assert (grade.provisional, grade.passed, grade.share) == (True, True, 1.0)
    assert grade.detail["waiting"] == 2


def test_a_persons_decisions_make_it_final(collected, instructor):
    decide(instructor, cause=2, remedy=0)
    grade = services.latest_grade(collected)
    assert not grade.provisional
    row = Evidence.objects.get(source="PERSON")
    assert (row.outcome, row.score, row.judged_by) == ("MET", 0.75, instructor)
    assert row.supersedes.outcome == "INCONCLUSIVE"


def test_a_weak_report_costs_its_share(collected, instructor):
    decide(instructor, cause=0, remedy=1)
    grade = services.latest_grade(collected)
    assert grade.share == 0.75
    assert Evidence.objects.get(source="PERSON").outcome == "UNMET"


def test_a_correction_supersedes_and_the_first_decision_stays_on_record(collected, instructor):
    decide(instructor, cause=0, remedy=0)
    decide(instructor, cause=2)
    last = Evidence.objects.get(source="PERSON", superseded_by=None)
    assert (last.supersedes.outcome, last.outcome) == ("UNMET", "MET")
    assert last.supersedes.source == "PERSON"
    assert services.latest_grade(collected).share == 0.9375


def test_written_work_decided_anew_keeps_its_moment_and_answers_what_was_contested(
    collected, trainee, instructor
):
    handed_in = Evidence.objects.get(kind="rubric")
    decide(instructor, cause=0, remedy=0)
    Attempt.objects.filter(pk=collected.pk).update(state=Attempt.State.GRADED)
    decided = Evidence.objects.get(supersedes=handed_in)
    appeal = contest(trainee, evidence_id=decided.pk, words="It names the cause.")
    decide(instructor, cause=2)
    again = Evidence.objects.get(supersedes=decided)
    assert decided.observed_at == again.observed_at == handed_in.observed_at
    appeal.refresh_from_db()
    assert (appeal.state, appeal.outcome, appeal.answer) == ("CORRECTED", again, "seen")
    assert again.detail["contested"] == "It names the cause."
    assert problems_of(collected) == []


@pytest.mark.parametrize("who", ["trainee", "other_trainee", "assessor"])
def test_nobody_but_the_schools_instructors_decides(request, collected, who):
    item = ReviewItem.objects.get(criterion="cause")
    with pytest.raises(ReviewRefused) as refused:
        services.decide(item, person=request.getfixturevalue(who), level=2, note="")
    assert refused.value.status == 403
    item.refresh_from_db()
    assert item.state == ReviewItem.State.OPEN
    assert not Evidence.objects.filter(source="PERSON").exists()


@pytest.mark.parametrize("level", [-1, 3, 99])
def test_a_level_that_does_not_exist_is_refused(collected, instructor, level):
    with pytest.raises(ReviewRefused, match="between 0 and 2"):
        services.decide(ReviewItem.objects.first(), person=instructor, level=level, note="")


def test_a_models_proposal_decides_nothing(collected):
    before = Evidence.objects.count()
    proposal = Proposal(check_id="report", criterion="cause", level=2, reason="It says so.")
    services.record_proposals(collected, [proposal])
    assert Evidence.objects.count() == before
    item = ReviewItem.objects.get(criterion="cause")
    assert (item.state, item.proposal["level"]) == (ReviewItem.State.OPEN, 2)


def test_a_required_objective_that_is_missed_fails_the_attempt(
    attempt, handle, driver, close_hole, instructor
):
    close_hole()
    finish(attempt.pk, reason="finished", actor="range")
    services.collect(attempt, driver)
    grade = services.grade(attempt)
    assert not grade.passed
    assert grade.share == 0.25


def test_each_grade_is_a_row_of_its_own(collected, instructor):
    services.grade(collected)
    decide(instructor, cause=2, remedy=2)
    assert Grade.objects.count() == 3
    assert services.latest_grade(collected).detail["waiting"] == 0


def test_a_grade_names_the_evidence_it_rests_on(collected):
    detail = services.grade(collected).detail
    named = {pk for line in detail["objectives"] for pk in line["evidence"]}
    assert named == {str(row.pk) for row in Evidence.objects.all()}
