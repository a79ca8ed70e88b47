"""Two at once: refreshes and consents of one person follow one another."""

import threading

import pytest
from django.db import connection

from range.accounts.models import Consent
from range.pipeline.consent import grant
from range.pipeline.models import SkillEstimate
from range.pipeline.services import refresh

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(work, times=4):
    """Run `work` in several threads that start together; return what they raised."""
    gate, raised = threading.Barrier(times), []

    def run():
        gate.wait()
        try:
            work()
        except Exception as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return raised


def test_refreshes_at_once_leave_one_row_a_skill(trainee, proven):
    assert at_once(lambda: refresh(trainee)) == []
    assert SkillEstimate.objects.filter(trainee=trainee).count() == 6


def test_agreeing_several_times_at_once_leaves_one_consent_in_force(trainee, agency):
    assert at_once(lambda: grant(trainee, agency_id=agency.pk, days=30)) == []
    assert Consent.objects.in_force().filter(trainee=trainee, agency=agency).count() == 1
    assert Consent.objects.count() == 4
