"""Sandboxes in every state, for tests of what an operator sees."""

from datetime import timedelta

import pytest
from django.utils import timezone

from range.accounts.models import Membership
from range.exercises.models import Attempt
from range.sandboxes.models import Sandbox
from range.timeline.services import record

State = Sandbox.State


@pytest.fixture
def add_sandbox(exercise, person, school):
    """Make one sandbox of a trainee of its own, with the event that a launch leaves."""
    made = []

    def add(state, *, seconds=None, ago=timedelta(minutes=1), offered=exercise, **fields):
        name = f"trainee-{len(made)}"
        trainee = person(name, school, Membership.Role.TRAINEE)
        attempt = Attempt.objects.create(trainee=trainee, exercise=offered)
        moment = timezone.now() - ago
        times = {"requested_at": moment}
        if seconds is not None:
            times["started_at"] = moment + timedelta(seconds=seconds)
        if state in Sandbox.ENDED_STATES:
            times["stopped_at"] = moment
        sandbox = Sandbox.objects.create(
            attempt=attempt,
            state=state,
            driver="fake",
            expires_at=timezone.now() + timedelta(hours=1),
            **(times | fields),
        )
        if seconds is not None:
            payload = {"sandbox": str(sandbox.pk), "milliseconds": round(seconds * 1000)}
            record(attempt.pk, kind="sandbox.running", actor="range", payload=payload)
        made.append(sandbox)
        return sandbox

    return add
