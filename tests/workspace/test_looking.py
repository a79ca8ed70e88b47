"""The pages of whoever looks: for staff of the school, and they open nothing themselves."""

import pytest
from django.urls import reverse

from range.accounts.models import AccessRecord, Consent, Membership, Organisation
from range.console.models import Recording
from range.exercises.models import Exercise

pytestmark = pytest.mark.django_db


@pytest.fixture
def open_page(client):
    def get(viewer, name, pk, query=""):
        client.force_login(viewer)
        return client.get(reverse(name, args=[pk]) + query)

    return get


def pages(attempt):
    return (("look", attempt.pk), ("exercise-wall", attempt.exercise_id))


@pytest.mark.parametrize("who", ["trainee", "other_trainee", "assessor"])
def test_whoever_does_not_teach_the_trainee_finds_nothing(open_page, request, who, sandbox, agency):
    attempt = sandbox.attempt
    Consent.objects.create(trainee=attempt.trainee, agency=agency)
    for name, pk in pages(attempt):
        answer = open_page(request.getfixturevalue(who), name, pk)
        assert answer.status_code == 404
        assert "/look" not in answer.content.decode()
        assert "/wall" not in answer.content.decode()


def test_staff_of_another_school_finds_nothing(open_page, person, sandbox):
    far = Organisation.objects.create(slug="far", name="Far", kind="SCHOOL")
    stranger = person("fay", far, Membership.Role.INSTRUCTOR)
    for name, pk in pages(sandbox.attempt):
        assert open_page(stranger, name, pk).status_code == 404


@pytest.mark.parametrize("who", ["instructor", "administrator"])
def test_staff_of_the_school_finds_both_and_has_not_looked_yet(open_page, request, who, sandbox):
    for name, pk in pages(sandbox.attempt):
        assert open_page(request.getfixturevalue(who), name, pk).status_code == 200
    assert not AccessRecord.objects.exists()


def test_it_leads_to_the_console_that_is_open(open_page, instructor, sandbox, trainee):
    attempt = sandbox.attempt
    socket = f"/ws/attempts/{attempt.pk}/consoles/box"
    assert f"{socket}/main/look" in open_page(instructor, "look", attempt.pk).content.decode()
    Recording.objects.create(
        sandbox=sandbox, machine="box", console="second", opened_by=trainee, path="x"
    )
    text = open_page(instructor, "look", attempt.pk).content.decode()
    assert f"{socket}/second/look" in text
    assert "not open" in text
    asked = open_page(instructor, "look", attempt.pk, "?machine=box&console=main")
    assert f"{socket}/main/look" in asked.content.decode()


@pytest.mark.parametrize("query", ["?machine=../x", "?machine=box&console=%00", "?machine=<b>"])
def test_an_odd_console_is_none(open_page, instructor, sandbox, query):
    text = open_page(instructor, "look", sandbox.attempt_id, query).content.decode()
    assert "/consoles/box/main/look" in text
    assert "<b>" not in text


def test_an_assessed_attempt_says_what_typing_means(open_page, instructor, sandbox):
    def text():
        return open_page(instructor, "look", sandbox.attempt_id).content.decode()

    assert "This attempt is assessed" not in text()
    Exercise.objects.update(policy=Exercise.Policy.ASSESSED)
    assert "This attempt is assessed" in text()


def test_the_page_of_a_class_leads_to_both(client, instructor, sandbox):
    client.force_login(instructor)
    text = client.get(reverse("under-way")).content.decode()
    for name, pk in pages(sandbox.attempt):
        assert reverse(name, args=[pk]) in text
