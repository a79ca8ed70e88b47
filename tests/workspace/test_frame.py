"""What frames every page: navigation by role, the page's head, faults, tags."""

from datetime import timedelta

import pytest
from django.template import Context, Template
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from range.workspace.context import navigation


def render(text, **context):
    return Template("{% load muster %}" + text).render(Context(context))


@pytest.mark.parametrize(
    ("who", "labels"),
    [
        ("trainee", ["Catalogue", "My skills"]),
        ("instructor", ["Catalogue", "My skills", "Teaching", "Workshop", "Review", "People"]),
        ("assessor", ["Candidates", "People"]),
        (
            "administrator",
            ["Catalogue", "My skills", "Teaching", "Workshop", "Review", "People", "Capacity"],
        ),
    ],
)
def test_everyone_is_led_to_their_own_pages(rf, request, who, labels):
    asked = rf.get("/")
    asked.user = request.getfixturevalue(who)
    assert [link.label for link in navigation(asked)["navigation"]] == labels


def test_a_deactivated_person_is_led_nowhere(rf, trainee):
    trainee.is_active = False
    asked = rf.get("/")
    asked.user = trainee
    assert navigation(asked)["navigation"] == []


def test_the_present_page_is_marked(client, trainee):
    client.force_login(trainee)
    text = client.get(reverse("catalogue")).content.decode()
    assert f'href="{reverse("catalogue")}" aria-current="page"' in text


def test_a_page_has_no_inline_script_or_style(client, trainee, exercise):
    client.force_login(trainee)
    for url in (reverse("catalogue"), reverse("scenario", args=["small"])):
        text = client.get(url).content.decode()
        assert "<script>" not in text
        assert "style=" not in text
        assert " onclick" not in text


def test_a_page_allows_itself_and_nothing_else(client, trainee):
    client.force_login(trainee)
    policy = client.get(reverse("catalogue")).headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'self'" in policy


def test_a_page_that_is_not_there_says_what_to_do(client, trainee):
    client.force_login(trainee)
    answer = client.get("/no/such/page/")
    assert answer.status_code == 404
    assert "Back to the start" in answer.content.decode()


def test_a_form_from_elsewhere_is_refused_in_words(trainee, exercise):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(trainee)
    answer = strict.post(reverse("launch", args=["small"]))
    assert answer.status_code == 403
    assert not trainee.attempts.exists()


def test_a_fault_page_needs_nothing_that_may_be_broken(rf):
    from django.views.defaults import server_error

    answer = server_error(rf.get("/"))
    assert answer.status_code == 500
    assert "has been logged" in answer.content.decode()


def test_a_moment_carries_its_exact_time():
    at = timezone.now() - timedelta(hours=3)
    text = render("{% when at %}", at=at)
    assert "3 hours ago" in text
    assert f'datetime="{at.isoformat()}"' in text
    assert "UTC" in text
    assert render("{% when at %}", at=None) == "never"


def test_a_countdown_works_without_script():
    text = render("{% countdown at %}", at=timezone.now() + timedelta(minutes=5, seconds=9))
    assert ">5:0" in text


def test_an_icon_is_hidden_unless_it_has_a_meaning():
    assert 'aria-hidden="true"' in render('{% icon "check" %}')
    labelled = render('{% icon "check" words %}', words="Met <b>")
    assert 'aria-label="Met &lt;b&gt;"' in labelled
    assert "aria-hidden" not in labelled


@pytest.mark.parametrize(("share", "text"), [(0, "0 %"), (0.375, "38 %"), (1, "100 %"), (None, "")])
def test_a_share_is_written_as_whole_percent(share, text):
    assert render("{{ share|percent }}", share=share) == text
