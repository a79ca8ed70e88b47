"""Kept searches: one's own, what was asked and never who was found."""

import pytest
from django.urls import reverse
from django.utils import timezone

from range.accounts.models import Consent, Membership
from range.pipeline.agency import searches
from range.pipeline.agency.asked import Asked
from range.pipeline.models import SavedSearch

pytestmark = pytest.mark.django_db


def test_a_search_is_kept_opened_replaced_and_forgotten(client, assessor, candidate, starter):
    for name in ("ann", "bea"):
        candidate(name)
    client.force_login(assessor)
    sent = {"query": "search=ann&page=4&sort=name", "name": "  Those   called Ann "}
    answer = client.post(reverse("keep-search"), sent)
    kept = SavedSearch.objects.get()
    assert (kept.name, kept.query) == ("Those called Ann", "search=ann&sort=name")
    page = client.get(answer.url)
    assert [row.person.username for row in page.context["grid"].rows] == ["ann"]
    assert "Those called Ann" in page.content.decode()
    client.post(reverse("keep-search"), sent | {"query": "search=bea"})
    assert SavedSearch.objects.get().query == "search=bea"
    client.post(reverse("forget-search", args=[kept.pk]))
    assert not SavedSearch.objects.exists()


def test_whoever_withdraws_leaves_every_kept_search_and_whoever_agrees_joins(
    client, assessor, agency, candidate, starter
):
    ann = candidate("ann")
    kept = searches.keep(assessor, agency, name="All", asked=Asked(sort="name"))
    client.force_login(assessor)
    address = f"{reverse('candidates')}?{kept.query}"

    def found():
        return [row.person.username for row in client.get(address).context["grid"].rows]

    assert found() == ["ann"]
    Consent.objects.filter(trainee=ann).update(revoked_at=timezone.now())
    candidate("bea")
    assert found() == ["bea"]


def test_nobody_reads_or_forgets_anothers(client, assessor, agency, person, candidate, starter):
    kept = searches.keep(assessor, agency, name="Mine", asked=Asked(word="meets"))
    other = person("amy", agency, Membership.Role.ASSESSOR)
    assert not searches.searches_of(other, agency).exists()
    client.force_login(other)
    assert client.post(reverse("forget-search", args=[kept.pk])).status_code == 404
    assert "Mine" not in client.get(reverse("candidates")).content.decode()


def test_a_search_is_kept_whole_or_refused(client, assessor, agency):
    client.force_login(assessor)
    for letters, status in (("é" * 80, 302), ("é" * 100, 400), ("\U0001f600" * 100, 400)):
        query = Asked(search=letters, word="meets").query
        sent = {"query": query, "name": "Long"}
        assert client.post(reverse("keep-search"), sent).status_code == status
    assert SavedSearch.objects.get().query == Asked(search="é" * 80, word="meets").query


def test_a_name_is_needed_and_room_is_bounded(client, assessor, agency, monkeypatch):
    monkeypatch.setattr(searches, "MOST", 1)
    client.force_login(assessor)
    assert client.post(reverse("keep-search"), {"name": " \0 "}).status_code == 400
    searches.keep(assessor, agency, name="One", asked=Asked())
    assert client.post(reverse("keep-search"), {"name": "Two"}).status_code == 400
    assert client.post(reverse("keep-search"), {"name": "One"}).status_code == 302
