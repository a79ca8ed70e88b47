"""Cohorts and their people: whose they are, and whose accounts nobody takes over."""

import pytest

from range.accounts import cohorts
from range.accounts.models import Cohort, Membership, Organisation, User
from range.accounts.names import NameRefused
from range.timeline.services import broken_at, events_of

pytestmark = pytest.mark.django_db
Role = Membership.Role


@pytest.fixture
def far(db):
    return Organisation.objects.create(slug="far", name="Far", kind="SCHOOL")


def kinds(cohort):
    return list(events_of(cohort.pk).values_list("kind", "actor"))


def test_a_cohort_belongs_to_a_school_of_its_maker(instructor, school):
    made = cohorts.make(instructor, organisation_id=school.pk, name="  Evening \t course ")
    assert (made.name, made.organisation) == ("Evening course", school)
    assert kinds(made) == [("cohort.made", f"instructor:{instructor.pk}")]


def test_nobody_makes_one_in_another_school(instructor, far):
    with pytest.raises(cohorts.NotStaff):
        cohorts.make(instructor, organisation_id=far.pk, name="Mine")
    assert not Cohort.objects.filter(organisation=far).exists()


@pytest.mark.parametrize("who", ["trainee", "assessor"])
def test_whoever_teaches_nobody_makes_none(request, who, school):
    with pytest.raises(cohorts.NotStaff):
        cohorts.make(request.getfixturevalue(who), organisation_id=school.pk, name="Mine")


@pytest.mark.parametrize("name", ["", "   ", "a\0b", "a\u202eb", "a" * 161])
def test_a_name_that_cannot_be_shown_is_refused(instructor, school, name):
    with pytest.raises(NameRefused):
        cohorts.make(instructor, organisation_id=school.pk, name=name)


def test_two_cohorts_of_a_school_have_two_names(instructor, school, cohort):
    with pytest.raises(cohorts.CohortRefused) as refusal:
        cohorts.make(instructor, organisation_id=school.pk, name=cohort.name)
    assert refusal.value.reason == "name-taken"
    other = cohorts.make(instructor, organisation_id=school.pk, name="Second")
    with pytest.raises(cohorts.CohortRefused):
        cohorts.rename(other, cohort.name, viewer=instructor)
    other.refresh_from_db()
    assert other.name == "Second"


def test_a_cohort_of_another_school_looks_as_if_there_were_none(person, far, cohort):
    fay = person("fay", far, Role.INSTRUCTOR)
    with pytest.raises(cohorts.CohortMissing):
        cohorts.cohort_of(fay, cohort.pk)


def test_an_archived_cohort_can_be_restored(instructor, cohort):
    cohorts.archive(cohort, viewer=instructor)
    cohorts.archive(cohort, viewer=instructor)
    cohort.refresh_from_db()
    assert cohort.archived_at is not None
    cohorts.archive(cohort, viewer=instructor, restored=True)
    cohort.refresh_from_db()
    assert cohort.archived_at is None
    assert [kind for kind, _ in kinds(cohort)] == ["cohort.archived", "cohort.restored"]


def test_whoever_is_taken_out_keeps_account_and_role(instructor, cohort, trainee):
    cohorts.remove(cohort, trainee, viewer=instructor)
    membership = trainee.memberships.get()
    assert (membership.cohort, membership.role) == (None, Role.TRAINEE)
    with pytest.raises(cohorts.CohortMissing):
        cohorts.member_of(cohort, trainee.pk)


def test_whoever_moves_leaves_the_other_cohort(instructor, school, cohort, trainee):
    other = Cohort.objects.create(organisation=school, name="Second")
    assert cohorts.place(trainee, other, actor="range")
    assert not cohorts.place(trainee, other, actor="range")
    assert trainee.memberships.get().cohort == other
    assert [kind for kind, _ in kinds(cohort)] == ["cohort.left"]
    assert [kind for kind, _ in kinds(other)] == ["cohort.joined"]


def test_a_one_time_password_opens_the_account_once_told(instructor, cohort, trainee):
    password = cohorts.reset_password(cohort, trainee, viewer=instructor)
    trainee.refresh_from_db()
    assert trainee.check_password(password)
    assert trainee.must_choose_password
    told = events_of(cohort.pk).get(kind="person.password_reset")
    assert password not in str(told.payload)
    assert broken_at(cohort.pk) is None


def test_one_time_passwords_differ_and_hold_no_sign_that_looks_like_another():
    made = {cohorts.one_time_password() for _ in range(200)}
    assert len(made) == 200
    assert not set("".join(made)) & set("01loi")


@pytest.fixture(params=["teaches elsewhere", "trains elsewhere", "administrator", "superuser"])
def more_than_a_trainee(request, trainee, far, school):
    """Somebody who is a trainee here, and whose account opens more than that."""
    if request.param == "superuser":
        trainee.is_superuser = True
        trainee.save()
        return trainee
    where, role = {
        "teaches elsewhere": (far, Role.INSTRUCTOR),
        "trains elsewhere": (far, Role.TRAINEE),
        "administrator": (school, Role.ADMIN),
    }[request.param]
    Membership.objects.create(person=trainee, organisation=where, role=role)
    return trainee


def test_nobody_takes_over_an_account_that_opens_more(instructor, cohort, more_than_a_trainee):
    before = User.objects.get(pk=more_than_a_trainee.pk)
    with pytest.raises(cohorts.CohortRefused):
        cohorts.reset_password(cohort, more_than_a_trainee, viewer=instructor)
    with pytest.raises(cohorts.CohortRefused):
        cohorts.set_active(cohort, more_than_a_trainee, viewer=instructor, active=False)
    after = User.objects.get(pk=more_than_a_trainee.pk)
    assert (after.password, after.is_active) == (before.password, True)
    assert kinds(cohort) == []


def test_an_account_is_closed_and_opened_again(instructor, cohort, trainee):
    cohorts.set_active(cohort, trainee, viewer=instructor, active=False)
    cohorts.set_active(cohort, trainee, viewer=instructor, active=False)
    trainee.refresh_from_db()
    assert not trainee.is_active
    cohorts.set_active(cohort, trainee, viewer=instructor, active=True)
    assert [kind for kind, _ in kinds(cohort)] == ["person.deactivated", "person.reactivated"]
