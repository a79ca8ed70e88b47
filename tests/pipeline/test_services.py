"""Refreshing estimates from the log, reproducibly, and readiness for a role."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from range.catalog.models import ScenarioVersion
from range.competencies.frameworks import demand_of, role_by_code
from range.pipeline.estimate import Mode
from range.pipeline.log import read_log
from range.pipeline.models import SkillEstimate
from range.pipeline.parameters import CURRENT
from range.pipeline.readiness import Word
from range.pipeline.services import (
    cached_standings,
    picture_of,
    readiness_for,
    refresh,
    role_readiness,
    suggestions_for,
)

pytestmark = pytest.mark.django_db


def estimates(trainee):
    rows = SkillEstimate.objects.filter(trainee=trainee).select_related("skill")
    return {row.skill.key: row for row in rows}


def test_refresh_writes_what_replaying_the_log_says_to_the_last_bit(trainee, proven):
    refresh(trainee)
    stored = estimates(trainee)
    assert set(stored) == {"escalate-privilege", "abuse-sudo-rules", "harden-privilege-rules"}
    for key, row in stored.items():
        again = read_log(trainee).estimate(as_of=row.updated_at)
        assert row.mean.hex() == again.mean_of(key).hex()
        assert row.sd.hex() == again.sd_of(key).hex()
        assert row.parameter_set == CURRENT.name
    assert stored["harden-privilege-rules"].evidence_count == 6
    assert stored["harden-privilege-rules"].scenario_count == 6
    assert stored["harden-privilege-rules"].mean > 0.5


def test_refreshing_again_replaces_and_never_doubles(trainee, proven):
    refresh(trainee)
    before = estimates(trainee)
    refresh(trainee)
    after = estimates(trainee)
    assert {key: row.pk for key, row in after.items()} == {
        key: row.pk for key, row in before.items()
    }
    assert after["abuse-sudo-rules"].updated_at > before["abuse-sudo-rules"].updated_at


def test_a_cache_without_evidence_is_emptied(trainee, proven):
    refresh(trainee)
    trainee.attempts.update(state="ACTIVE", finished_at=None)
    # One open attempt an exercise is all the database allows: these are six exercises.
    assert refresh(trainee) == []
    assert estimates(trainee) == {}


def test_only_finished_attempts_of_the_trainee_count(
    trainee, other_trainee, publish, finished, judged, starter
):
    exercise = publish()
    judged(finished(trainee, exercise, state="FINISHING"), "gain", "flag")
    judged(finished(other_trainee, exercise), "gain", "flag")
    assert read_log(trainee).observations == ()
    assert len(read_log(other_trainee).observations) == 1


def test_a_correction_takes_the_place_of_what_it_corrects(
    trainee, publish, finished, judged, instructor, starter
):
    attempt = finished(trainee, publish())
    wrong = judged(attempt, "gain", "flag", "UNMET")
    assert read_log(trainee).observations[0].score == 0.0
    judged(attempt, "gain", "flag", supersedes=wrong, source="PERSON", judged_by=instructor)
    (seen,) = read_log(trainee).observations
    assert (seen.score, seen.judge) == (1.0, "PERSON")


def test_parts_that_an_attempt_did_not_draw_are_not_observed(
    trainee, publish, finished, judged, starter
):
    exercise = publish(ways=("setuid",))
    judged(finished(trainee, exercise), "gain", "flag")
    (seen,) = read_log(trainee).observations
    assert dict(seen.skills) == {"escalate-privilege": 0.5, "abuse-setuid-programs": 0.5}


def test_the_same_way_again_is_a_repeat_and_another_way_is_not(trainee, publish, solved, starter):
    exercise = publish(ways=("sudo", "setuid"))
    for _ in range(6):
        solved(trainee, exercise)
    gains = [each for each in read_log(trainee).observations if ":gain:" in each.variant]
    ways = {
        dict(each.skills).keys() & {"abuse-sudo-rules", "abuse-setuid-programs"}
        == {"abuse-sudo-rules"}
        for each in gains
    }
    refresh(trainee)
    assert len({each.variant for each in gains}) == len(ways)
    assert estimates(trainee)["escalate-privilege"].evidence_count == len(ways)
    assert estimates(trainee)["escalate-privilege"].scenario_count == 1


def test_practice_and_assessed_attempts_can_be_told_apart(trainee, publish, solved, starter):
    solved(trainee, publish("practised"))
    solved(trainee, publish("assessed", policy="ASSESSED"))
    modes = {each.scenario: each.mode for each in read_log(trainee).observations}
    assert modes == {"practised": Mode.PRACTICE, "assessed": Mode.ASSESSED}
    only = read_log(trainee, assessed_only=True).observations
    assert {each.scenario for each in only} == {"assessed"}


def test_a_version_that_cannot_be_read_loses_only_its_own_attempt(
    trainee, publish, solved, starter
):
    solved(trainee, publish("whole"))
    broken = publish("broken")
    solved(trainee, broken)
    ScenarioVersion.objects.filter(pk=broken.version_id).update(spec={"objectives": "?"})
    assert {each.scenario for each in read_log(trainee).observations} == {"whole"}


def test_skills_unknown_to_the_range_are_not_stored_and_break_nothing(trainee, publish, solved, db):
    solved(trainee, publish())
    assert refresh(trainee) == []
    assert len(read_log(trainee).observations) == 2


def test_readiness_is_said_from_the_log_and_from_the_cache_alike(trainee, proven):
    role = role_by_code("IO-WRL-005")
    refresh(trainee)
    live = role_readiness(trainee, role)
    cached = readiness_for(cached_standings([trainee])[trainee.pk], demand_of(role))
    assert live.word is Word.NOT_ENOUGH
    assert live.word is cached.word
    assert (live.covered, live.aligned) == (cached.covered, cached.aligned)
    assert 0 < live.covered < live.aligned
    assert {each.standing.skill for each in live.skills} == set(demand_of(role).required)


def test_twelve_met_checks_over_six_scenarios_meet_the_cut_of_their_skill(
    trainee, publish, solved, starter
):
    for number in range(12):
        solved(trainee, publish(f"yard-{number}", policy="ASSESSED", difficulty=4))
    known = {each.skill: each for each in picture_of(trainee).standings}
    ready = readiness_for(list(known.values()), demand_of(role_by_code("IO-WRL-005")))
    words = {each.standing.skill: each.word for each in ready.skills}
    assert words["harden-privilege-rules"] is Word.MEETS
    assert words["manage-accounts"] is Word.NOT_ENOUGH
    assert known["harden-privilege-rules"].mean > known["manage-accounts"].mean > 0


def test_scenarios_on_offer_that_would_tell_more_are_suggested(trainee, publish, starter):
    for number in range(3):
        publish(f"yard-{number}", difficulty=3 + number % 2)
    picture = picture_of(trainee)
    ready = readiness_for(picture.standings, demand_of(role_by_code("PD-WRL-007")))
    named = suggestions_for(trainee, picture=picture, readiness=ready)
    assert len(named) == 2
    assert named[0].information >= named[1].information > 0
    assert {each.slug for each in named} <= {"yard-0", "yard-1", "yard-2"}


def test_reading_a_long_log_asks_the_database_a_fixed_number_of_times(
    trainee, publish, solved, starter
):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            read_log(trainee)
        return len(captured)

    solved(trainee, publish("first"))
    few = queries()
    for number in range(4):
        solved(trainee, publish(f"more-{number}"))
    assert queries() == few


def test_the_log_before_a_moment_can_be_replayed(trainee, publish, solved, starter):
    solved(trainee, publish())
    past = timezone.now() - timedelta(days=30)
    known = read_log(trainee).standings(as_of=past, skills=["escalate-privilege"])
    (one,) = known
    assert (one.mean, one.sd, one.tally.checks) == (0.0, 1.0, 0)
