"""Tabs of web views, how one is opened, and what the workspace's page may then reach."""

import copy

import pytest
from django.test import Client
from django.urls import reverse

from range.runtime import registry
from range.sandboxes.models import Sandbox
from range.timeline.services import events_of
from range.webview.models import WebView
from tests.console.live import sandbox_of

pytestmark = pytest.mark.django_db
OWN = {"headers": {"Host": "localhost:8000"}}
VIEWS = "http://*.view.localhost:8003"


@pytest.fixture
def marked(version):
    """The small scenario with a page on its machine."""
    spec = copy.deepcopy(version.spec)
    spec["machines"]["web"] = spec["machines"].pop("box") | {
        "view": {"port": 8080, "title": "Red door <b>", "path": "/in"}
    }
    spec["objectives"][1]["checks"]["machine"] = "web"
    spec["objectives"][2]["checks"]["artefact"] = "web:/home/trainee/report.md"
    type(version).objects.filter(pk=version.pk).update(spec=spec)


@pytest.fixture
def running(marked, attempt):
    registry._made.cache_clear()
    yield sandbox_of(attempt)
    registry._made.cache_clear()


@pytest.fixture
def mine(client, trainee):
    client.force_login(trainee)
    return client


def workspace(client, attempt, **options):
    return client.get(reverse("workspace", args=[attempt.pk]), **(OWN | options))


def press(client, attempt, machine="web", *, script=True, **options):
    headers = {"Host": "localhost:8000"} | ({"Accept": "application/json"} if script else {})
    url = reverse("open-web-view", args=[attempt.pk])
    return client.post(url, {"machine": machine}, headers=headers, **options)


def test_a_marked_page_has_a_tab_beside_the_terminals(mine, attempt, running):
    text = workspace(mine, attempt).content.decode()
    assert "Web: Red door &lt;b&gt;" in text
    assert 'value="/in"' in text
    assert ">web:8080</label>" in text


def test_only_the_workspace_may_reach_views(mine, attempt, running):
    policy = workspace(mine, attempt).headers["Content-Security-Policy"]
    for directive in ("frame-src", "connect-src", "form-action"):
        part = next(each for each in policy.split(";") if each.strip().startswith(directive))
        assert VIEWS in part
    elsewhere = mine.get(reverse("catalogue"), **OWN).headers["Content-Security-Policy"]
    assert "view.localhost" not in elsewhere
    assert "frame-ancestors 'none'" in policy


def test_where_views_cannot_be_reached_there_is_no_tab(mine, attempt, running, settings):
    settings.ALLOWED_HOSTS = ["*"]
    for host in ("192.0.2.7:8000", "range.example", "localhost:9000"):
        page = workspace(mine, attempt, headers={"Host": host})
        assert "Web: Red door" not in page.content.decode()
        assert "view.localhost" not in page.headers["Content-Security-Policy"]
    settings.RANGE_VIEW_HOST = ""
    assert "Web: Red door" not in workspace(mine, attempt).content.decode()
    assert press(mine, attempt).status_code == 404
    assert not WebView.objects.exists()


def test_a_script_is_told_the_way_in(mine, attempt, running):
    answer = press(mine, attempt).json()
    assert answer["enter"].startswith(answer["origin"] + "/.muster/enter?code=")
    assert answer["where"] == answer["origin"] + "/.muster/where"
    assert [e.kind for e in events_of(attempt.pk)] == ["view.opened"]


def test_a_form_is_led_there(mine, attempt, running):
    answer = press(mine, attempt, script=False)
    assert answer.status_code == 302
    assert ".view.localhost:8003/.muster/enter?code=" in answer.headers["Location"]
    assert "muster_session" not in answer.headers["Location"]


def test_before_the_machines_run_a_script_is_told_to_wait(mine, attempt, running):
    Sandbox.objects.update(state=Sandbox.State.STARTING)
    answer = press(mine, attempt)
    assert answer.status_code == 409
    assert "opens when they do" in answer.json()["message"]


def test_a_form_that_comes_too_early_gets_words(mine, attempt, running):
    Sandbox.objects.update(state=Sandbox.State.STARTING)
    answer = press(mine, attempt, script=False)
    assert answer.status_code == 409
    assert "opens when they do" in answer.content.decode()


def test_a_form_of_another_page_opens_nothing(trainee, attempt, running):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(trainee)
    assert press(strict, attempt).status_code == 403
    assert not WebView.objects.exists()


def test_a_machine_without_a_mark_opens_nothing(mine, attempt, running):
    for machine in ("box", "", "hidden"):
        assert press(mine, attempt, machine).status_code == 404
    assert not WebView.objects.exists()
    assert not events_of(attempt.pk)
