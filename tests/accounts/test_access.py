"""Every rule about who may see whom, as its people meet it."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from range.accounts import access
from range.accounts.models import AccessRecord, Consent, Membership, Organisation

SEEING = (access.can_see_attempt, access.can_see_recording, access.can_view_skills)


@pytest.mark.parametrize("rule", [*SEEING, access.can_work_in_attempt])
def test_a_trainee_sees_their_own(rule, trainee):
    assert rule(trainee, trainee.pk)


@pytest.mark.parametrize("rule", [*SEEING, access.can_work_in_attempt, access.can_review])
def test_nobody_signed_in_sees_nothing(rule, trainee):
    assert not rule(AnonymousUser(), trainee.pk)


@pytest.mark.parametrize("rule", [*SEEING, access.can_work_in_attempt, access.can_review])
def test_another_trainee_of_the_same_cohort_sees_nothing(rule, trainee, other_trainee):
    assert not rule(other_trainee, trainee.pk)


def test_an_instructor_sees_and_reviews_but_does_not_work_in_the_attempt(trainee, instructor):
    assert all(rule(instructor, trainee.pk) for rule in SEEING)
    assert access.can_review(instructor, trainee.pk)
    assert not access.can_work_in_attempt(instructor, trainee.pk)


def test_only_staff_of_the_school_looks_at_live_consoles(
    trainee, other_trainee, instructor, administrator, assessor, agency, school
):
    Consent.objects.create(trainee=trainee, agency=agency)
    assert [
        viewer.username
        for viewer in (trainee, other_trainee, instructor, administrator, assessor)
        if access.can_watch(viewer, trainee.pk)
    ] == ["ivy", "ada"]
    assert [
        viewer.username
        for viewer in (trainee, instructor, administrator, assessor)
        if access.can_watch_exercise(viewer, school.pk)
    ] == ["ivy", "ada"]
    assert not access.can_watch(AnonymousUser(), trainee.pk)
    assert not access.can_watch_exercise(instructor, agency.pk)


def test_an_instructor_of_another_school_sees_nothing(trainee, person):
    other = Organisation.objects.create(slug="south", name="South", kind=Organisation.Kind.SCHOOL)
    stranger = person("sid", other, Membership.Role.INSTRUCTOR)
    assert not any(rule(stranger, trainee.pk) for rule in (*SEEING, access.can_review))


def test_nobody_reviews_their_own_work(instructor, school):
    Membership.objects.create(person=instructor, organisation=school, role=Membership.Role.TRAINEE)
    assert not access.can_review(instructor, instructor.pk)


def test_an_assessor_sees_nothing_without_consent(trainee, assessor):
    assert not any(rule(assessor, trainee.pk) for rule in SEEING)


def test_consent_opens_skills_and_recordings_but_not_the_attempt(trainee, assessor, agency):
    Consent.objects.create(trainee=trainee, agency=agency)
    assert access.can_view_skills(assessor, trainee.pk)
    assert access.can_see_recording(assessor, trainee.pk)
    assert not access.can_see_attempt(assessor, trainee.pk)


@pytest.mark.parametrize(
    "end",
    [
        {"revoked_at": timezone.now() - timedelta(seconds=1)},
        {"expires_at": timezone.now() - timedelta(seconds=1)},
    ],
)
def test_consent_that_ended_closes_again(trainee, assessor, agency, end):
    Consent.objects.create(trainee=trainee, agency=agency, **end)
    assert not access.can_view_skills(assessor, trainee.pk)


def test_consent_to_another_agency_opens_nothing(trainee, assessor):
    other = Organisation.objects.create(slug="west", name="West", kind=Organisation.Kind.AGENCY)
    Consent.objects.create(trainee=trainee, agency=other)
    assert not access.can_view_skills(assessor, trainee.pk)


def test_a_blocked_account_sees_nothing_any_more(trainee, instructor):
    instructor.is_active = False
    assert not any(rule(instructor, trainee.pk) for rule in SEEING)


@pytest.mark.parametrize(
    ("who", "may"), [("trainee", True), ("instructor", True), ("assessor", False)]
)
def test_who_may_launch(request, who, may):
    assert access.can_launch(request.getfixturevalue(who)) is may


OF_STAFF = (
    access.can_launch,
    access.can_see_gaps,
    access.can_see_attempts_under_way,
    access.can_see_capacity,
    access.can_review_alignments,
    access.can_set_requirements,
    access.can_see_workshop,
    access.can_see_knowledge,
    access.can_bring_builds,
)


@pytest.mark.parametrize("role", access.STAFF)
def test_a_role_of_staff_in_an_agency_opens_nothing_of_a_school(role, person, agency, trainee):
    held = person("gil", agency, role)
    Membership.objects.create(person=trainee, organisation=agency, role=Membership.Role.TRAINEE)
    assert not [rule.__name__ for rule in OF_STAFF if rule(held)]
    assert not access.can_read_scenario(held, None)
    assert not access.can_change_scenario(held, None)
    assert not access.can_author_in(held, agency.pk)
    assert not access.can_watch_exercise(held, agency.pk)
    assert not any(rule(held, trainee.pk) for rule in (*SEEING, access.can_review))
    assert list(access.taught_by(held)) == []


def test_the_same_role_in_a_school_opens_it(administrator):
    assert all(rule(administrator) for rule in OF_STAFF)


def test_asking_for_a_role_takes_one_query(administrator, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert access.has_role(administrator, *access.STAFF)


def test_a_look_at_somebody_else_is_written_down(trainee, instructor):
    access.record_access(instructor, subject_id=trainee.pk, what="skills")
    access.record_access(trainee, subject_id=trainee.pk, what="skills")
    assert [(r.viewer, r.subject) for r in AccessRecord.objects.all()] == [(instructor, trainee)]
