"""Each night stored estimates are held against the log, bit by bit, and what differs is told."""

import math
from datetime import timedelta

import pytest
from django.utils import timezone

from range.pipeline.models import EstimateRebuild, SkillEstimate
from range.pipeline.rebuild import differences, is_due, rebuild_all, rebuild_if_due
from range.pipeline.services import refresh

pytestmark = pytest.mark.django_db


def test_stored_equals_replayed_to_the_last_bit(trainee, proven):
    refresh(trainee)
    assert differences(trainee) == []
    done = rebuild_all()
    assert (done.people, done.rows, done.differing) == (1, 6, 0)


@pytest.mark.parametrize("column", ["mean", "sd"])
def test_one_bit_more_is_told_and_mended(trainee, proven, column):
    refresh(trainee)
    row = SkillEstimate.objects.first()
    SkillEstimate.objects.filter(pk=row.pk).update(
        **{column: math.nextafter(getattr(row, column), math.inf)}
    )
    done = rebuild_all()
    assert done.differing == 1
    assert row.skill.key in done.detail[0]
    assert rebuild_all().differing == 0


def test_a_row_that_the_log_knows_nothing_of_is_told(trainee, proven, starter):
    from range.competencies.models import ObservableSkill

    refresh(trainee)
    kept = SkillEstimate.objects.first()
    stray = ObservableSkill.objects.exclude(estimates__trainee=trainee).first()
    kept.pk, kept.skill = None, stray
    kept._state.adding = True
    kept.save()
    assert [line.split()[1] for line in differences(trainee)] == [f"{stray.key}:"]
    SkillEstimate.objects.update(parameter_set="gone")
    assert all("no parameter set gone" in line for line in differences(trainee))


def test_whoever_did_more_since_is_not_called_different(trainee, proven, publish, solved, judged):
    refresh(trainee)
    attempt = solved(trainee, publish("another"))
    judged(attempt, "mend", "gone", "UNMET", observed_at=timezone.now())
    assert differences(trainee) == []
    rebuild_all()
    assert differences(trainee) == []


def test_other_work_is_done_between(trainee, proven, monkeypatch):
    refresh(trainee)
    monkeypatch.setattr("range.pipeline.rebuild.PEOPLE_AT_ONCE", 1)
    called = []
    rebuild_all(lambda: called.append(1))
    assert called == [1]


def test_it_happens_once_a_night(trainee, proven):
    refresh(trainee)
    rebuild_if_due()
    rebuild_if_due()
    assert EstimateRebuild.objects.count() == 1
    at_two = timezone.now().replace(hour=2, minute=0)
    EstimateRebuild.objects.update(at=at_two - timedelta(hours=22))
    assert not is_due(at_two)
    assert is_due(at_two + timedelta(hours=2))
