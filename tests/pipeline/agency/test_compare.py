"""Comparison: tiers only between intervals apart, and only where enough is known."""

import itertools

import pytest
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from range.accounts.models import AccessRecord, Consent
from range.pipeline.agency.asked import Asked
from range.pipeline.agency.compare import comparison, tiers

SKILL = "harden-privilege-rules"
ROLE = "IO-WRL-005"
intervals = st.tuples(st.floats(-3, 3), st.floats(0, 2)).map(lambda each: (each[0], sum(each)))


@given(st.lists(intervals, max_size=6))
def test_between_tiers_no_interval_reaches_into_another(them):
    found = tiers(them)
    for (one, a), (other, b) in itertools.combinations(zip(them, found, strict=True), 2):
        overlap = one[0] <= other[1] and other[0] <= one[1]
        if overlap:
            assert a == b
        if a < b:
            assert one[0] > other[1]
    assert sorted(set(found)) == list(range(1, len(set(found)) + 1))


def test_those_linked_by_a_third_share_a_tier():
    assert tiers([(0.0, 1.0), (0.9, 2.0), (1.9, 3.0)]) == [1, 1, 1]
    assert tiers([(0.0, 1.0), (1.1, 2.0), (2.1, 3.0)]) == [3, 2, 1]
    assert tiers([]) == []


@pytest.mark.django_db
def test_people_stand_in_tiers_skill_by_skill(assessor, candidate, estimated):
    people = [candidate(name) for name in ("top", "near", "low", "few", "fifth")]
    for person, mean in zip(people, (2.0, 1.8, -1.0, 2.0, 0.0), strict=True):
        checks = 19 if person.username == "few" else 20
        estimated(person, checks=checks, sd=0.3, harden_privilege_rules=mean)
    found = comparison(assessor, Asked(role=ROLE), [each.pk for each in people])
    assert [row.person.username for row in found.rows] == ["top", "near", "low", "few"]
    assert found.left_out == 1
    skill = next(each for each in found.skills if each.column.key == SKILL)
    assert [placed.tier for placed in skill.placed] == [1, 1, 2, None]
    other = next(each for each in found.skills if each.column.key != SKILL)
    assert {placed.tier for placed in other.placed} == {None}
    assert "Not compared" in other.says


@pytest.mark.django_db
def test_one_alone_has_no_tier(assessor, candidate, estimated):
    one, few = candidate("one"), candidate("few")
    estimated(one, checks=30, harden_privilege_rules=2.0)
    estimated(few, checks=12, harden_privilege_rules=-2.0)
    found = comparison(assessor, Asked(role=ROLE), [one.pk, few.pk])
    skill = next(each for each in found.skills if each.column.key == SKILL)
    assert [placed.tier for placed in skill.placed] == [None, None]


@pytest.mark.django_db
def test_whoever_withdrew_is_not_compared_and_looks_are_written(
    client, assessor, candidate, estimated
):
    people = [candidate("ann"), candidate("bea")]
    for each in people:
        estimated(each, harden_privilege_rules=1.0)
    client.force_login(assessor)
    query = {"person": [str(each.pk) for each in people] + ["x"], "role": ROLE}
    shown = client.get(reverse("compare-candidates"), query).content.decode()
    assert "Tier 1" in shown
    assert AccessRecord.objects.filter(what="compared, 2 people side by side").count() == 2
    Consent.objects.filter(trainee=people[0]).update(revoked_at=timezone.now())
    shown = client.get(reverse("compare-candidates"), query).content.decode()
    assert str(people[0].pk) not in shown
    assert "cannot be shown" in shown
    assert "Nobody to compare" in client.get(reverse("compare-candidates")).content.decode()
