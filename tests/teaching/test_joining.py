"""Joining by a link: a new account, a sign-in on the way, one click; and links that are over."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from range.accounts import invitations, throttle
from range.accounts.models import Invitation, Membership, User

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
NEW = {
    "display_name": "New Person",
    "username": "newperson",
    "password": "steep-lantern-orbit",
    "again": "steep-lantern-orbit",
}


@pytest.fixture
def link(instructor, cohort):
    _, token = invitations.invite(cohort, viewer=instructor, days=7, uses=2)
    return reverse("join", args=[token])


def uses():
    return Invitation.objects.get().uses


def test_looking_at_a_link_uses_nothing(client, link):
    page = client.get(link)
    assert page.status_code == 200
    assert "North School" in page.content.decode()
    assert uses() == 0


def test_somebody_new_makes_an_account_joins_and_is_signed_in(client, link, cohort):
    answer = client.post(link, NEW)
    assert answer["Location"] == reverse("catalogue")
    person = User.objects.get(username="newperson")
    membership = person.memberships.get()
    assert (membership.cohort, membership.role) == (cohort, Membership.Role.TRAINEE)
    assert (person.email, person.must_choose_password) == ("", False)
    assert client.get(reverse("catalogue")).status_code == 200
    assert uses() == 1


def test_only_what_the_form_has_is_taken(client, link, school):
    forged = {"role": "ADMIN", "is_staff": "1", "is_superuser": "1", "organisation": school.pk}
    client.post(link, NEW | forged)
    person = User.objects.get(username="newperson")
    assert not person.is_staff
    assert not person.is_superuser
    assert [each.role for each in person.memberships.all()] == [Membership.Role.TRAINEE]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"again": "different-lantern"}, "differ"),
        ({"password": "password", "again": "password"}, "common"),
        ({"password": "short", "again": "short"}, "short"),
        ({"password": "newperson1", "again": "newperson1"}, "similar"),
        ({"username": "TIA"}, "already"),
        ({"username": "a b"}, "letters, digits"),
        ({"username": "a\u202eb"}, "cannot be shown"),
        ({"display_name": "   "}, "required"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(client, link, trainee, change, told):
    answer = client.post(link, NEW | change)
    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert not User.objects.filter(display_name="New Person").exists()
    assert uses() == 0


def test_trying_out_names_is_slowed_down(client, link, trainee):
    for _ in range(throttle.GUESSES_PER_ADDRESS):
        client.post(link, NEW | {"username": "tia"})
    assert client.post(link, NEW | {"username": "tia"}).status_code == 429


def test_whoever_has_an_account_signs_in_and_comes_back_to_join(client, link, person, agency):
    person("sam", agency, Membership.Role.ASSESSOR)
    page = client.get(link).content.decode()
    way = f"{reverse('sign-in')}?next={link}"
    assert way in page
    answer = client.post(
        reverse("sign-in"),
        {"username": "sam", "password": PASSWORD}
        | {"next": parse_qs(urlsplit(way).query)["next"][0]},
    )
    assert answer["Location"] == link
    assert "Join as sam" in client.get(link).content.decode()
    assert client.post(link)["Location"] == reverse("catalogue")
    assert User.objects.get(username="sam").memberships.filter(role="TRAINEE").exists()


def test_a_link_opened_twice_is_harmless(client, link):
    client.post(link, NEW)
    assert "already" in client.get(link).content.decode()
    assert client.post(link).status_code == 302
    assert uses() == 1
    Invitation.objects.update(uses=2)
    assert "already" in client.get(link).content.decode()


def test_whoever_moves_is_told_first(client, link, person, school):
    from range.accounts.models import Cohort

    other = Cohort.objects.create(organisation=school, name="Second cohort")
    mo = person("mo", school, Membership.Role.TRAINEE, other)
    client.force_login(mo)
    assert "You leave Second cohort" in client.get(link).content.decode()
    client.post(link)
    assert mo.memberships.get().cohort.name == "First cohort"


def test_instructors_are_told_that_it_is_not_for_them(client, link, instructor):
    client.force_login(instructor)
    assert "You teach at this school" in client.get(link).content.decode()
    assert client.post(link).status_code == 409
    assert not instructor.memberships.filter(role="TRAINEE").exists()


@pytest.mark.parametrize("signed_in", [True, False])
def test_a_link_that_is_over_says_so(client, link, person, agency, instructor, cohort, signed_in):
    if signed_in:
        client.force_login(person("sam", agency, Membership.Role.ASSESSOR))
    invitations.revoke(cohort, Invitation.objects.get().pk, viewer=instructor)
    for method, data in ((client.get, {}), (client.post, NEW)):
        answer = method(link, data)
        assert answer.status_code == 410
        assert "withdrawn by your instructor" in answer.content.decode()
    assert not User.objects.filter(username="newperson").exists()


def test_guessed_links_lead_nowhere_and_are_slowed_down(client, link):
    for number in range(throttle.GUESSES_PER_ADDRESS):
        assert client.get(reverse("join", args=[f"guess{number}"])).status_code == 404
    assert client.get(link).status_code == 429
    assert client.post(link, NEW).status_code == 429
    assert not User.objects.filter(username="newperson").exists()


@pytest.mark.parametrize("next_", ["https://elsewhere.example/", "//elsewhere.example", "/\\e.x"])
def test_the_way_back_never_leads_elsewhere(client, link, trainee, next_):
    answer = client.post(
        reverse("sign-in"), {"username": "tia", "password": PASSWORD, "next": next_}
    )
    assert answer["Location"] == reverse("home")


def test_a_new_account_needs_the_forms_token(link):
    assert Client(enforce_csrf_checks=True).post(link, NEW).status_code == 403
    assert not User.objects.filter(username="newperson").exists()
