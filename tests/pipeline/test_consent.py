"""Consent: per agency, for a time, withdrawn at once, and only one's own."""

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from range.accounts.access import can_view_skills
from range.accounts.models import Consent
from range.pipeline.consent import ConsentRefused, agencies_for, grant, withdraw

pytestmark = pytest.mark.django_db


def test_consent_opens_the_skills_to_that_agency_for_that_time(trainee, agency, assessor):
    assert not can_view_skills(assessor, trainee.pk)
    given = grant(trainee, agency_id=agency.pk, days=30)
    assert can_view_skills(assessor, trainee.pk)
    assert given.expires_at - given.granted_at == timedelta(days=30)
    assert [line.consent for line in agencies_for(trainee)] == [given]


def test_withdrawing_closes_at_once_and_is_kept_as_history(trainee, agency, assessor):
    grant(trainee, agency_id=agency.pk, days=30)
    assert withdraw(trainee, agency_id=agency.pk)
    assert not can_view_skills(assessor, trainee.pk)
    assert not withdraw(trainee, agency_id=agency.pk)
    assert Consent.objects.count() == 1


def test_agreeing_again_ends_the_earlier_consent_expired_or_not(trainee, agency):
    past = timezone.now() - timedelta(days=1)
    Consent.objects.create(trainee=trainee, agency=agency, expires_at=past)
    grant(trainee, agency_id=agency.pk, days=30)
    latest = grant(trainee, agency_id=agency.pk, days=365)
    assert Consent.objects.in_force().get() == latest
    assert Consent.objects.filter(revoked_at=None).count() == 1


def test_consent_is_only_for_agencies_and_offered_lengths_and_trainees(
    trainee, school, agency, instructor
):
    for who, where, days, reason in (
        (trainee, school.pk, 30, "consent-agency"),
        (trainee, uuid.uuid4(), 30, "consent-agency"),
        (trainee, agency.pk, 99999, "consent-length"),
        (instructor, agency.pk, 30, "consent-not-a-trainee"),
    ):
        with pytest.raises(ConsentRefused) as refused:
            grant(who, agency_id=where, days=days)
        assert refused.value.reason == reason
    assert not Consent.objects.exists()


def test_the_page_agrees_and_withdraws(client, trainee, agency, assessor):
    client.force_login(trainee)
    address = reverse("consent")
    assert "may not look" in client.get(address).content.decode()
    form = {"agency": str(agency.pk), "days": "90", "action": "grant"}
    assert client.post(address, form).url == address
    assert can_view_skills(assessor, trainee.pk)
    assert "Withdraw now" in client.get(address).content.decode()
    client.post(address, {"agency": str(agency.pk), "action": "withdraw"})
    assert not can_view_skills(assessor, trainee.pk)


@pytest.mark.parametrize(
    "form",
    [{}, {"agency": "x", "days": "30"}, {"agency": str(uuid.UUID(int=1)), "days": "30"},
     {"agency": "OWN", "days": "-1"}, {"agency": "OWN", "days": "²"},
     {"agency": "OWN", "days": "1" * 5000}],
)  # fmt: skip
def test_nonsense_in_the_form_grants_nothing(client, trainee, agency, form):
    client.force_login(trainee)
    sent = {key: str(agency.pk) if value == "OWN" else value for key, value in form.items()}
    assert client.post(reverse("consent"), sent).status_code in {400, 404}
    assert not Consent.objects.exists()


def test_nobody_withdraws_or_grants_for_another(client, trainee, other_trainee, agency):
    grant(trainee, agency_id=agency.pk, days=30)
    client.force_login(other_trainee)
    form = {"agency": str(agency.pk), "action": "withdraw", "trainee": str(trainee.pk)}
    client.post(reverse("consent"), form)
    assert Consent.objects.in_force().filter(trainee=trainee).exists()
    client.post(reverse("consent"), form | {"action": "grant", "days": "30"})
    assert Consent.objects.in_force().filter(trainee=trainee).count() == 1
    assert Consent.objects.in_force().filter(trainee=other_trainee).count() == 1


def test_a_form_without_the_token_changes_nothing(trainee, agency):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(trainee)
    form = {"agency": str(agency.pk), "days": "30"}
    assert strict.post(reverse("consent"), form).status_code == 403
    assert not Consent.objects.exists()
