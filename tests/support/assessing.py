"""An attempt whose sandbox runs in memory, with helpers to look and to hand in."""

from datetime import timedelta

import pytest
from django.utils import timezone

from range.assessment import services
from range.assessment.models import Decision, ReviewItem
from range.catalog.services import topology_for, values_for
from range.exercises.models import Attempt
from range.runtime.fake import FakeDriver


@pytest.fixture
def driver():
    return FakeDriver()


@pytest.fixture
def handle(attempt, sandbox, driver):
    """Start the attempt's sandbox on the fake driver, with the hole still open."""
    topology = topology_for(attempt.exercise.version, attempt.pk, sandbox.epoch)
    made = driver.start(sandbox.pk, topology, deadline=timezone.now() + timedelta(minutes=1))
    driver.put_file(made, "box", "/etc/hole", b"open")
    sandbox.handle = made.to_json()
    sandbox.save()
    return made


@pytest.fixture
def flag(attempt):
    """Return the attempt's flag of an epoch."""

    def of(epoch=1, whose=None):
        of_attempt = whose or attempt
        return values_for(attempt.exercise.version, of_attempt.pk, epoch)["flag_enter"]

    return of


@pytest.fixture
def hand_in(attempt):
    def do(value, check="flag", objective="enter", into=None):
        return services.submit(into or attempt, objective=objective, check=check, value=value)

    return do


@pytest.fixture
def close_hole(driver, handle):
    def do():
        driver.machine(handle, "box").files.pop("/etc/hole")

    return do


@pytest.fixture
def write_report(driver, handle):
    def do(text):
        driver.put_file(handle, "box", "/home/trainee/report.md", text.encode())

    return do


@pytest.fixture
def decided(instructor):
    """Write decisions on items like one: pairs of what was proposed and what was decided."""

    def write(item, judge, pairs, *, unseen=True):
        for proposed, level in pairs:
            attempt = Attempt.objects.create(
                exercise=item.attempt.exercise,
                trainee=item.attempt.trainee,
                state=Attempt.State.GRADED,
            )
            like = ReviewItem.objects.create(
                attempt=attempt,
                objective=item.objective,
                check_id=item.check_id,
                criterion=item.criterion,
                state=ReviewItem.State.DECIDED,
                level=level,
                decided_at=timezone.now(),
                decided_by=instructor,
            )
            Decision.objects.create(
                item=like,
                level=level,
                decided_by=instructor,
                judge=judge,
                proposed=proposed,
                unseen=unseen,
            )

    return write
