"""Whoever signed in with a one-time password chooses their own before anything else."""

import pytest
from django.urls import reverse

from range.accounts.models import User

pytestmark = pytest.mark.django_db
GIVEN = "abcd-efgh-jkmn"
OWN = "steep-lantern-orbit"


@pytest.fixture
def somebody(client, trainee):
    trainee.set_password(GIVEN)
    trainee.must_choose_password = True
    trainee.save()
    client.post(reverse("sign-in"), {"username": "tia", "password": GIVEN})
    return client


def choose(client, first=OWN, second=OWN, **query):
    url = reverse("choose-password", query=query)
    return client.post(url, {"new_password1": first, "new_password2": second})


@pytest.mark.parametrize("name", ["catalogue", "home", "my-skills"])
def test_every_page_leads_there_and_back(somebody, name):
    answer = somebody.get(reverse(name))
    assert answer["Location"] == f"{reverse('choose-password')}?next={reverse(name)}"


def test_nothing_is_done_meanwhile(somebody, attempt, sandbox):
    answer = somebody.post(reverse("finish-attempt", args=[attempt.pk]))
    assert answer["Location"].startswith(reverse("choose-password"))
    attempt.refresh_from_db()
    assert attempt.state == "ACTIVE"


def test_a_password_of_ones_own_opens_the_rest(somebody):
    answer = choose(somebody, next=reverse("my-skills"))
    assert answer["Location"] == reverse("my-skills")
    assert somebody.get(reverse("my-skills")).status_code == 200
    person = User.objects.get(username="tia")
    assert person.check_password(OWN)
    assert not person.must_choose_password


@pytest.mark.parametrize(
    "pair", [(GIVEN, GIVEN), (OWN, "other"), ("password", "password"), ("", "")]
)
def test_what_is_no_new_password_is_told(somebody, pair):
    answer = choose(somebody, *pair)
    assert "field__error" in answer.content.decode()
    assert User.objects.get(username="tia").must_choose_password


@pytest.mark.parametrize("wanted", ["https://elsewhere.example/", "//elsewhere.example"])
def test_the_way_on_never_leads_elsewhere(somebody, wanted):
    assert choose(somebody, next=wanted)["Location"] == reverse("home")


def test_whoever_has_their_own_cannot_change_it_from_an_open_page(client, trainee):
    client.force_login(trainee)
    before = trainee.password
    assert choose(client)["Location"] == reverse("home")
    assert User.objects.get(username="tia").password == before


def test_one_can_still_sign_out(somebody):
    somebody.post(reverse("sign-out"))
    assert "_auth_user_id" not in somebody.session
