"""The end of a sandbox's time comes with a warning, and with a way to move it."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from range.exercises.models import Attempt
from range.sandboxes import expiry, services
from range.sandboxes.models import Sandbox

pytestmark = pytest.mark.django_db
KIND = "sandbox.expiring"


@pytest.fixture
def ends_in(running):
    def change(minutes, **fields):
        Sandbox.objects.update(expires_at=timezone.now() + timedelta(minutes=minutes), **fields)

    return change


def test_a_near_end_is_warned_of_once(ends_in, told, now):
    ends_in(9)
    assert (expiry.warn(), expiry.warn()) == (1, 0)
    ((_, payload),) = told(KIND)
    assert payload["until"] == now().expires_at.isoformat(timespec="seconds")


@pytest.mark.parametrize("minutes", [-1, 11, 60])
def test_a_far_end_and_one_that_is_past_are_not(ends_in, told, minutes):
    ends_in(minutes)
    assert expiry.warn() == 0
    assert told(KIND) == []


@pytest.mark.parametrize("state", ["STARTING", "STOPPING", "STOPPED", "FAILED"])
def test_only_machines_that_run_are_warned_of(ends_in, state):
    ends_in(9, state=state)
    assert expiry.warn() == 0


def test_a_finished_attempt_is_not_warned(ends_in):
    ends_in(9)
    Attempt.objects.update(state="FINISHING")
    assert expiry.warn() == 0


def test_an_extension_brings_a_warning_before_the_new_end(ends_in, attempt, told):
    ends_in(9)
    expiry.warn()
    services.extend(attempt, actor="trainee:x")
    assert expiry.warn() == 0
    ends_in(8)
    assert expiry.warn() == 1
    assert len(told(KIND)) == 2


@pytest.mark.django_db(transaction=True)
def test_the_reconciler_warns(ends_in, reconcile, told):
    ends_in(9)
    reconcile()
    reconcile()
    assert len(told(KIND)) == 1


def test_the_page_offers_more_time(panel, ends_in, attempt):
    assert "The machines end in" not in panel()
    ends_in(9)
    text = panel()
    assert "The machines end in 9 min." in text
    notice = text[text.index("sandbox-notice") : text.index("workspace-actions")]
    assert reverse("extend-sandbox", args=[attempt.pk]) in notice
    services.extend(attempt, actor="trainee:x")
    assert "The machines end in" not in panel()


def test_the_page_offers_no_time_that_cannot_be_had(panel, ends_in):
    ends_in(9, requested_at=timezone.now() - timedelta(minutes=112))
    text = panel()
    assert "More time cannot be had." in text
    notice = text[text.index("sandbox-notice") : text.index("workspace-actions")]
    assert "Extend the time" not in notice
