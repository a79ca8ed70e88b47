"""Consoles of an author's own sandbox: theirs alone, for as long as it runs, and unrecorded."""

import uuid

import pytest
from django.conf import settings
from django.test import Client

from range.accounts.models import Membership
from range.console.admission import (
    ConsoleRefused,
    NotYetRunning,
    TrialAdmission,
    admit,
    admit_trial,
    ended_sandboxes,
    still_admitted,
)
from range.console.protocol import Close
from range.runtime.handle import Handle, MachineHandle
from range.sandboxes.models import Trial

pytestmark = pytest.mark.django_db
State = Trial.State


@pytest.fixture
def trial(instructor):
    row = Trial(person=instructor, state=State.UP, driver="fake")
    row.handle = Handle(
        driver="fake",
        sandbox_id=uuid.uuid4(),
        machines={"desk": MachineHandle(console_user="author"), "deep": MachineHandle()},
    ).to_json()
    row.save()
    return row


def cookies(person):
    client = Client()
    client.force_login(person)
    return {settings.SESSION_COOKIE_NAME: client.session.session_key}


def asked(trial, person, *, machine="desk"):
    return admit_trial(cookies(person), trial_id=trial.pk, machine=machine)


def test_its_author_gets_in(trial, instructor):
    admission = asked(trial, instructor)
    assert (admission.sandbox_id, admission.machine) == (trial.pk, "desk")
    assert isinstance(admission, TrialAdmission)
    assert still_admitted([admission]) == {}


def test_nobody_else_does(trial, administrator, trainee, assessor):
    for person in (administrator, trainee, assessor):
        with pytest.raises(ConsoleRefused) as refused:
            asked(trial, person)
        # Before the handshake, so that nothing can be learnt from outside.
        assert refused.value.code is None
    with pytest.raises(ConsoleRefused):
        admit_trial({}, trial_id=trial.pk, machine="desk")


@pytest.mark.parametrize("machine", ["deep", "other"])
def test_a_machine_without_a_console_has_none(trial, instructor, machine):
    with pytest.raises(ConsoleRefused) as refused:
        asked(trial, instructor, machine=machine)
    assert refused.value.code == Close.NOT_FOUND


@pytest.mark.parametrize("state", [State.WAITING, State.STARTING, State.BROKEN])
def test_a_page_waits_while_machines_start(trial, instructor, state):
    Trial.objects.update(state=state)
    with pytest.raises(NotYetRunning):
        asked(trial, instructor)


def test_an_ended_one_opens_nothing(trial, instructor):
    Trial.objects.update(stop_wanted=True)
    with pytest.raises(ConsoleRefused):
        asked(trial, instructor)


@pytest.mark.parametrize(
    ("what", "code"), [("ended", Close.NOT_RUNNING), ("no author", Close.REVOKED)]
)
def test_an_open_one_is_closed_when_it_ends_or_its_author_is_none_any_more(
    trial, instructor, what, code
):
    admission = asked(trial, instructor)
    if what == "ended":
        Trial.objects.update(state=State.ENDED)
        assert ended_sandboxes([trial.pk]) == {trial.pk}
    else:
        Membership.objects.filter(person=instructor).delete()
    assert still_admitted([admission]) == {admission: code}


def test_a_trial_is_no_attempt_and_an_attempt_no_trial(trial, instructor, attempt, trainee):
    with pytest.raises(ConsoleRefused):
        admit(cookies(instructor), attempt_id=trial.pk, machine="desk", console="main")
    with pytest.raises(ConsoleRefused):
        admit_trial(cookies(trainee), trial_id=attempt.pk, machine="box")
