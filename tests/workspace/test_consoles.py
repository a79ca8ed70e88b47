"""Tabs of terminals: opened and closed by their trainee, and there again after a reload."""

import json

import pytest
from django.urls import reverse

from range.console.models import ExtraConsole
from range.exercises.models import Attempt
from range.sandboxes.models import Sandbox

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sandbox")]
PART = {"HX-Request": "true"}


@pytest.fixture
def press(client, trainee, attempt):
    client.force_login(trainee)

    def press(name, *, headers=PART, **data):
        return client.post(reverse(name, args=[attempt.pk]), data, headers=headers)

    return press


@pytest.fixture
def tabs(client, attempt):
    def tabs():
        answer = client.get(reverse("workspace", args=[attempt.pk]))
        return [each.label for each in answer.context["consoles"]]

    return tabs


def test_opening_brings_a_panel_and_beside_it_a_tab(press, tabs):
    answer = press("open-console", machine="box")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert '<div hx-swap-oob="beforeend:#console-panels"><div class="console-panel"' in text
    assert '<div hx-swap-oob="beforeend:#console-tabs"><button' in text
    assert json.loads(answer.headers["HX-Trigger-After-Settle"]) == {"console-opened": "box-2"}
    assert 'aria-controls="console-panel-box-2"' in text
    assert "/consoles/box/2" in text
    assert tabs() == ["box", "box 2"]


def test_without_script_the_workspace_comes_again(press, tabs):
    answer = press("open-console", headers={}, machine="box")
    assert answer.status_code == 302
    assert press("close-console", headers={}, machine="box", console="2").status_code == 302
    assert tabs() == ["box"]


def test_a_closed_one_is_gone_and_others_stay(press, tabs):
    press("open-console", machine="box")
    press("open-console", machine="box")
    assert press("close-console", machine="box", console="2").status_code == 204
    assert tabs() == ["box", "box 3"]


@pytest.fixture
def news(client, attempt):
    def news(*shown):
        answer = client.get(reverse("console-news", args=[attempt.pk]), {"shown": shown})
        told = json.loads(answer.headers.get("HX-Trigger-After-Settle", "{}"))
        return [each.key for each in answer.context["consoles"]], told.get("consoles-gone", [])

    return news


def test_a_page_is_told_what_it_has_not_yet_and_what_is_open_no_more(press, news):
    press("open-console", machine="box")
    press("open-console", machine="box")
    assert news("box-main") == (["box-2", "box-3"], [])
    assert news("box-main", "box-2", "box-3") == ([], [])
    press("close-console", machine="box", console="2")
    assert news("box-main", "box-2") == (["box-3"], ["box-2"])


def test_what_a_page_claims_to_show_is_only_a_name(press, client, attempt):
    press("open-console", machine="box")
    odd = 'x"\r\nSet-Cookie: a=1<script>ä'
    answer = client.get(reverse("console-news", args=[attempt.pk]), {"shown": ["box-2", odd]})
    assert json.loads(answer.headers["HX-Trigger-After-Settle"]) == {"consoles-gone": [odd]}
    assert "a" not in answer.cookies
    assert odd not in answer.content.decode()


def test_the_first_one_cannot_be_closed(press, tabs):
    assert press("close-console", machine="box", console="main").status_code == 204
    assert tabs() == ["box"]


def test_tabs_outlive_a_reset_of_the_machines(press, tabs, attempt, sandbox):
    press("open-console", machine="box")
    Sandbox.objects.filter(pk=sandbox.pk).update(state=Sandbox.State.STOPPED)
    Sandbox.objects.create(attempt=attempt, epoch=2, expires_at=sandbox.expires_at)
    assert tabs() == ["box", "box 2"]


def test_too_many_are_refused_in_words(press, settings):
    settings.RANGE_CONSOLES_PER_TRAINEE = 1
    answer = press("open-console", machine="box")
    assert answer.status_code == 429
    assert answer.headers["HX-Retarget"] == "#toasts"
    assert "Close one first" in answer.content.decode()


@pytest.mark.parametrize("machine", ["", "nowhere", "box\x00", "../box", "b" * 4000])
def test_another_machine_is_refused(press, machine):
    assert press("open-console", machine=machine).status_code == 404
    assert press("close-console", machine=machine, console="2").status_code in (204, 404)
    assert not ExtraConsole.objects.exists()


def test_an_ended_attempt_gets_no_terminal(press, attempt):
    Attempt.objects.filter(pk=attempt.pk).update(state=Attempt.State.GRADED)
    assert press("open-console", machine="box").status_code >= 400
    assert not ExtraConsole.objects.exists()
