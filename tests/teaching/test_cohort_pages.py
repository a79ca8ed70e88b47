"""Pages of cohorts: what an instructor does there, and what nobody else can."""

import pytest
from django.urls import reverse

from range.accounts.models import Cohort, Invitation, Membership, User
from range.timeline.models import Event

pytestmark = pytest.mark.django_db


def test_a_school_without_cohorts_is_told_what_to_do(teach):
    assert "None yet. Make one below" in teach.words(teach.get("teaching"))


def test_a_cohort_is_made_renamed_archived_and_restored(teach, school):
    teach.post("make-cohort", name="Evening")
    made = Cohort.objects.get()
    assert made.organisation == school
    teach.post("change-cohort", made.pk, name="Morning")
    assert "Morning" in teach.words(teach.get("cohort", made.pk))
    teach.post("change-cohort", made.pk, archive="1")
    assert "Archived cohorts" in teach.words(teach.get("teaching"))
    teach.post("change-cohort", made.pk, restore="1")
    made.refresh_from_db()
    assert made.archived_at is None


def test_what_cannot_be_a_name_is_told_at_its_field(teach, cohort):
    for name, arguments in (("make-cohort", ()), ("change-cohort", (cohort.pk,))):
        answer = teach.post(name, *arguments, name="")
        assert answer.status_code in (409, 422)
        assert "name is missing" in teach.words(answer)


def test_only_what_the_form_has_is_taken(teach, school, far_school, cohort):
    teach.post("make-cohort", name="X", organisation=far_school.pk)
    assert not Cohort.objects.filter(organisation=far_school).exists()
    teach.post("change-cohort", cohort.pk, name="Y", organisation=far_school.pk, archived_at="now")
    cohort.refresh_from_db()
    assert (cohort.organisation, cohort.archived_at) == (school, None)


def test_a_link_is_shown_once_with_its_whole_address(teach, cohort):
    answer = teach.post("invite", cohort.pk, days="7", uses="30")
    token = answer.context["link"]
    assert token.startswith("http://testserver/join/")
    assert token in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert "/join/" not in teach.get("cohort", cohort.pk).content.decode()
    assert Invitation.objects.get().most_uses == 30


@pytest.mark.parametrize("days", ["0", "-1", "x", "", "9" * 40, "٣"])
def test_a_link_without_sense_is_not_made(teach, cohort, days):
    answer = teach.post("invite", cohort.pk, days=days, uses="3")
    assert answer.status_code == 422
    assert not Invitation.objects.exists()


def test_what_changes_an_account_is_asked_first(teach, cohort, trainee):
    before = User.objects.get(pk=trainee.pk).password
    for action in ("remove", "password", "close", "reopen"):
        answer = teach.get("change-member", cohort.pk, trainee.pk, action)
        assert "Go back" in teach.words(answer)
    assert User.objects.get(pk=trainee.pk).password == before
    assert not Event.objects.exists()


def test_a_one_time_password_is_shown_once_and_signs_in(teach, client, cohort, trainee):
    answer = teach.post("change-member", cohort.pk, trainee.pk, "password")
    password = answer.context["password"]
    assert password in answer.content.decode()
    assert password not in teach.get("cohort", cohort.pk).content.decode()
    client.logout()
    client.post(reverse("sign-in"), {"username": "tia", "password": password})
    assert client.get(reverse("catalogue"))["Location"].startswith(reverse("choose-password"))


def test_whoever_is_reset_or_closed_is_signed_out(teach, client, cohort, trainee):
    from django.test import Client

    for action in ("password", "close"):
        theirs = Client()
        theirs.force_login(User.objects.get(pk=trainee.pk))
        assert theirs.get(reverse("sign-in")).status_code == 302
        teach.post("change-member", cohort.pk, trainee.pk, action)
        assert theirs.get(reverse("catalogue"))["Location"].startswith(reverse("sign-in"))


def test_whoever_is_taken_out_keeps_attempts_and_evidence(teach, cohort, trainee, attempt):
    teach.post("change-member", cohort.pk, trainee.pk, "remove")
    assert trainee.memberships.get().cohort is None
    attempt.refresh_from_db()
    assert attempt.trainee == trainee


def test_an_unknown_action_is_none(teach, cohort, trainee):
    assert teach.post("change-member", cohort.pk, trainee.pk, "promote").status_code == 404
    assert trainee.memberships.get().role == Membership.Role.TRAINEE


def test_what_happened_names_who_and_whom(teach, cohort, trainee, instructor):
    User.objects.filter(pk=trainee.pk).update(display_name="Tia T")
    User.objects.filter(pk=instructor.pk).update(display_name="Ivy I")
    teach.post("change-member", cohort.pk, trainee.pk, "password")
    words = teach.words(teach.get("cohort", cohort.pk))
    assert "One-time password given: Tia T" in words
    assert "Ivy I" in words
    assert str(trainee.pk) not in words


COHORT_ACTS = [
    ("cohort", "get", (), {}),
    ("change-cohort", "post", (), {"name": "Mine"}),
    ("change-cohort", "post", (), {"archive": "1"}),
    ("invite", "post", (), {"days": "7", "uses": "9"}),
    ("add-people", "get", (), {}),
    ("add-people", "post", (), {"csv": "username,name\nevil,Evil\n", "confirm": "1"}),
    ("change-member", "get", ("password",), {}),
    ("change-member", "post", ("password",), {}),
    ("change-member", "post", ("remove",), {}),
    ("change-member", "post", ("close",), {}),
]


@pytest.mark.parametrize("who", ["far_instructor", "trainee", "assessor"])
@pytest.mark.parametrize(("name", "method", "more", "data"), COHORT_ACTS)
def test_nobody_else_sees_or_changes_a_cohort(
    client, request, cohort, trainee, who, name, method, more, data
):
    client.force_login(request.getfixturevalue(who))
    people = list(User.objects.order_by("pk").values_list("pk", "password", "is_active"))
    arguments = (cohort.pk, trainee.pk, *more) if more else (cohort.pk,)
    answer = getattr(client, method)(reverse(name, args=arguments), data)
    assert answer.status_code == 404
    assert cohort.name not in answer.content.decode()
    assert list(User.objects.order_by("pk").values_list("pk", "password", "is_active")) == people
    assert not Invitation.objects.exists()
    assert not Event.objects.exists()
    cohort.refresh_from_db()
    assert (cohort.name, cohort.archived_at) == ("First cohort", None)


def test_a_trainee_of_another_cohort_cannot_be_changed_through_ones_own(
    client, far_instructor, far_cohort, trainee
):
    client.force_login(far_instructor)
    before = User.objects.get(pk=trainee.pk).password
    url = reverse("change-member", args=[far_cohort.pk, trainee.pk, "password"])
    assert client.post(url).status_code == 404
    assert User.objects.get(pk=trainee.pk).password == before


def test_instructors_of_two_schools_choose_where(teach, client, instructor, far_school):
    Membership.objects.create(
        person=instructor, organisation=far_school, role=Membership.Role.INSTRUCTOR
    )
    assert "Far School" in teach.words(teach.get("teaching"))
    teach.post("make-cohort", name="There", organisation=far_school.pk)
    assert Cohort.objects.get(name="There").organisation == far_school
