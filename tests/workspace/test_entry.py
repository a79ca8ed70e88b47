"""Sign-in, sign-out and where home leads."""

import pytest
from django.urls import reverse

from range.accounts.models import Membership, SignInFailure
from range.accounts.throttle import TRIES_PER_NAME

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def sign_in(client, name, password, **extra):
    return client.post(reverse("sign-in"), {"username": name, "password": password, **extra})


def test_a_right_password_leads_home(client, trainee):
    answer = sign_in(client, "tia", PASSWORD)
    assert answer["Location"] == reverse("home")


def test_a_wrong_password_and_an_unknown_name_read_the_same(client, trainee):
    wrong = sign_in(client, "tia", "guess")
    unknown = sign_in(client, "nobody-at-all", "guess")
    assert wrong.status_code == unknown.status_code
    assert wrong.context["form"].non_field_errors() == unknown.context["form"].non_field_errors()
    assert "do not match an account" in wrong.content.decode()


def test_after_too_many_tries_even_the_right_password_is_refused(client, trainee):
    for _ in range(TRIES_PER_NAME):
        sign_in(client, "tia", "guess")
    answer = sign_in(client, "tia", PASSWORD)
    assert answer.status_code == 429
    assert "Wait ten minutes" in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_unknown_names_are_throttled_like_known_ones(client):
    for _ in range(TRIES_PER_NAME):
        sign_in(client, "nobody-at-all", "guess")
    assert sign_in(client, "nobody-at-all", "guess").status_code == 429


def test_a_sign_in_forgets_the_failures_of_its_name(client, trainee):
    sign_in(client, "tia", "guess")
    sign_in(client, "tia", PASSWORD)
    assert SignInFailure.objects.count() == 1  # the address's own


def test_what_was_typed_is_not_kept(client):
    sign_in(client, "my-password-typed-as-name", "x")
    kept = SignInFailure.objects.values_list("digest", flat=True)
    assert not any("my-password" in digest for digest in kept)


def test_the_name_typed_is_shown_escaped(client):
    page = sign_in(client, "<b>tia</b>", "x").content.decode()
    assert "<b>tia</b>" not in page


def test_it_leads_to_the_page_that_was_asked_for(client, trainee):
    wanted = reverse("catalogue")
    answer = sign_in(client, "tia", PASSWORD, next=wanted)
    assert answer["Location"] == wanted


def test_it_never_leads_to_another_site(client, trainee):
    answer = sign_in(client, "tia", PASSWORD, next="https://elsewhere.example/")
    assert answer["Location"] == reverse("home")


def test_signing_out_needs_a_post(client, trainee):
    client.force_login(trainee)
    assert client.get(reverse("sign-out")).status_code == 405
    assert "_auth_user_id" in client.session
    client.post(reverse("sign-out"))
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(
    ("who", "leads_to"),
    [
        ("trainee", "catalogue"),
        ("instructor", "catalogue"),
        ("administrator", "catalogue"),
        ("assessor", "people"),
    ],
)
def test_home_leads_to_where_the_work_is(client, request, who, leads_to):
    client.force_login(request.getfixturevalue(who))
    assert client.get("/")["Location"] == reverse(leads_to)


def test_home_of_who_runs_an_agency_is_its_report_and_no_page_of_a_school(client, person, agency):
    client.force_login(person("gil", agency, Membership.Role.ADMIN))
    answer = client.get("/", follow=True)
    assert answer.redirect_chain[-1][0] == reverse("impact")
    assert [link.label for link in answer.context["navigation"]] == ["Adverse impact"]
    assert client.get(reverse("capacity")).status_code == 403
    assert client.get(reverse("workshop")).status_code == 403


def test_home_asks_a_stranger_to_sign_in(client):
    assert client.get("/")["Location"].startswith(reverse("sign-in"))
