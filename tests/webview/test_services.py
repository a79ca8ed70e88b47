from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from range.accounts.models import Membership
from range.exercises.models import Attempt
from range.runtime import registry
from range.sandboxes.models import Sandbox
from range.timeline.services import events_of
from range.webview import services
from range.webview.admission import Ended, NoTicket, admit
from range.webview.models import WebView
from range.webview.services import NoSuchView, NotRunning, hand_over
from tests.console.live import person, sign_in
from tests.webview.live import opened

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_driver():
    registry._made.cache_clear()
    yield
    registry._made.cache_clear()


@pytest.fixture
def made():
    return opened()


def parts_of(url):
    parts = urlsplit(url)
    return parts.netloc.partition(".")[0], parse_qs(parts.query)["code"][0]


def entered(made):
    label, code = parts_of(made.url())
    return label, hand_over(code, label=label, embedded=True)


def test_an_opening_leads_to_the_marked_page_and_is_an_event(made):
    url = urlsplit(made.url())
    assert parse_qs(url.query)["to"] == ["/start?a=1"]
    assert url.netloc.endswith(".view.localhost:8003")
    event = events_of(made.attempt.pk).last()
    assert (event.kind, event.payload) == ("view.opened", {"machine": "web"})
    assert event.actor == f"trainee:{made.trainee.pk}"
    made.sandbox.refresh_from_db()
    assert made.sandbox.seen_at is not None


def test_neither_code_nor_ticket_is_kept(made):
    label, code = parts_of(made.url())
    ticket = hand_over(code, label=label, embedded=False)
    row = WebView.objects.values().get()
    assert code not in map(str, row.values())
    assert ticket not in map(str, row.values())
    assert len(code) >= 43 <= len(ticket)


def test_a_ticket_opens_the_marked_port_of_the_one_machine(made):
    label, ticket = entered(made)
    grant = admit(label, ["nonsense", ticket])
    assert (grant.machine, grant.port, grant.network) == ("web", 8080, "lan")
    assert grant.sandbox_id == made.sandbox.pk
    assert grant.embedded is True
    assert "web:8080" in grant.names
    assert grant.authority == "web:8080"


def test_a_code_serves_once(made):
    label, code = parts_of(made.url())
    assert hand_over(code, label=label, embedded=False)
    assert hand_over(code, label=label, embedded=False) is None


def test_a_code_serves_soon(made):
    label, code = parts_of(made.url())
    long_ago = timezone.now() - services.CODE_LASTS - timedelta(seconds=1)
    WebView.objects.update(opened_at=long_ago)
    assert hand_over(code, label=label, embedded=False) is None


def test_a_code_serves_the_view_it_was_made_for(made):
    other, _ = parts_of(opened().url())
    label, code = parts_of(made.url())
    assert hand_over(code, label=other, embedded=False) is None
    assert hand_over(code, label=label, embedded=False)


def test_a_ticket_is_of_one_view_only(made):
    _, ticket = entered(made)
    other, _ = entered(opened())
    with pytest.raises(NoTicket):
        admit(other, [ticket])


@pytest.mark.parametrize("machine", ["db", "hidden", "none", "", "web:22", "../web"])
def test_only_a_marked_machine_is_shown(made, machine):
    with pytest.raises(NoSuchView):
        made.url(machine)
    assert not WebView.objects.exists()


def test_nobody_else_opens_it(made):
    for role in (Membership.Role.TRAINEE, Membership.Role.INSTRUCTOR, Membership.Role.ADMIN):
        other = person(role)
        with pytest.raises(NoSuchView):
            services.open_view(other, made.attempt, "web", session_key=sign_in(other))
    assert not WebView.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"state": Sandbox.State.STARTING},
        {"wanted": Sandbox.Wanted.STOPPED},
        {"state": Sandbox.State.STOPPED},
    ],
)
def test_without_running_machines_there_is_no_page(made, change):
    label, ticket = entered(made)
    Sandbox.objects.filter(pk=made.sandbox.pk).update(**change)
    with pytest.raises(NotRunning):
        made.url()
    with pytest.raises(Ended):
        admit(label, [ticket])


def test_a_finished_attempt_has_no_page(made):
    label, ticket = entered(made)
    Attempt.objects.filter(pk=made.attempt.pk).update(state=Attempt.State.FINISHING)
    with pytest.raises(Ended):
        admit(label, [ticket])


def test_what_ends_a_sign_in_ends_its_views(made):
    from django.contrib.sessions.models import Session

    label, ticket = entered(made)
    Session.objects.all().delete()
    with pytest.raises(NoTicket):
        admit(label, [ticket])


def test_a_disabled_person_or_a_lost_role_ends_it(made):
    label, ticket = entered(made)
    Membership.objects.filter(person=made.trainee).delete()
    with pytest.raises(NoTicket):
        admit(label, [ticket])
    label, ticket = entered(again := opened())
    again.trainee.is_active = False
    again.trainee.save()
    with pytest.raises(NoTicket):
        admit(label, [ticket])


def test_a_sign_in_of_somebody_else_serves_no_view(made):
    label, ticket = entered(made)
    WebView.objects.update(session_key=sign_in(person()))
    with pytest.raises(NoTicket):
        admit(label, [ticket])


def test_only_the_newest_openings_are_kept(made):
    _, first = entered(made)
    for _ in range(services.KEPT_OPENINGS):
        label, code = parts_of(made.url())
    assert WebView.objects.count() == services.KEPT_OPENINGS
    with pytest.raises(NoTicket):
        admit(label, [first])
    assert hand_over(code, label=label, embedded=False)


def test_a_fresh_sandbox_has_a_page_of_its_own(made):
    from tests.console.live import sandbox_of

    label, ticket = entered(made)
    Sandbox.objects.filter(pk=made.sandbox.pk).update(state=Sandbox.State.STOPPED)
    made.sandbox = sandbox_of(made.attempt, epoch=2)
    other, _ = parts_of(made.url())
    assert other != label
    with pytest.raises(NoTicket):
        admit(other, [ticket])
