"""From judged checks to observations: one a combinator, help at the time, nothing inconclusive."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter

from range.catalog.outline import observed_by
from range.catalog.schema_objectives import ObjectiveSpec
from range.checks.base import Outcome
from range.pipeline.estimate import Judge, Mode
from range.pipeline.observations import AttemptRecord, JudgedCheck, planned, trace
from range.pipeline.parameters import CURRENT

START = datetime(2030, 1, 1, tzinfo=UTC)
FILE = {"kind": "file", "machine": "box", "path": "/x", "exists": True}


def objective(checks, *, key="mend", skills=({"key": "harden"},), partial="none") -> ObjectiveSpec:
    return TypeAdapter(ObjectiveSpec).validate_python(
        {"key": key, "title": "Some title", "checks": checks, "skills": skills, "partial": partial}
    )


def check(name, **fields):
    return FILE | {"id": name} | fields


def judged(check_id, outcome="MET", *, minute=0, rung=0, judge="CHECK", key="mend", score=None):
    return JudgedCheck(
        evidence_id=f"{key}-{check_id}-{minute}",
        objective=key,
        check_id=check_id,
        outcome=Outcome(outcome),
        score=(1.0 if outcome == "MET" else 0.0) if score is None else score,
        judge=Judge(judge),
        hint_rung=rung,
        at=START + timedelta(minutes=minute),
    )


def observed(objectives, rows, **fields):
    known = {
        "attempt_id": "a1",
        "scenario": "yard",
        "difficulty": 4,
        "mode": Mode.PRACTICE,
        "drawn": {},
        "objectives": objectives,
        "judged": rows,
    }
    return trace(AttemptRecord(**(known | fields)), parameters=CURRENT)


BOTH = {"all_of": [check("one"), check("two")]}


def test_required_checks_of_a_combinator_are_one_observation():
    (found,) = observed([objective(BOTH)], [judged("one"), judged("two", minute=1)])
    assert found.observation.score == 1.0
    assert found.observation.skills == (("harden", 1.0),)
    assert found.observation.checks_in_attempt == 1
    assert found.observation.difficulty == 0.8
    assert found.evidence_ids == ("mend-one-0", "mend-two-1")


def test_one_unmet_part_leaves_the_whole_unmet_without_partial_credit():
    rows = [judged("one"), judged("two", "UNMET", minute=1)]
    assert observed([objective(BOTH)], rows)[0].observation.score == 0.0
    proportional = objective(BOTH, partial="proportional")
    assert observed([proportional], rows)[0].observation.score == 0.5


def test_what_could_not_be_judged_is_no_observation_and_counts_in_no_attempt():
    rows = [judged("one"), judged("two", "INCONCLUSIVE", minute=1)]
    other = objective(check("lone"), key="lone")
    found = observed([objective(BOTH), other], [*rows, judged("lone", key="lone")])
    assert [item.objective for item in found] == ["lone"]
    assert found[0].observation.checks_in_attempt == 1


def test_an_objective_nobody_judged_or_without_skills_is_no_observation():
    assert observed([objective(BOTH)], []) == ()
    assert observed([objective(BOTH, skills=())], [judged("one"), judged("two")]) == ()


def test_a_check_with_skills_of_its_own_is_an_observation_of_its_own():
    checks = {"all_of": [check("one"), check("two", skills=[{"key": "report"}])]}
    found = observed([objective(checks)], [judged("one"), judged("two", "UNMET")])
    assert {item.observation.skills[0][0]: item.observation.score for item in found} == {
        "harden": 1.0,
        "report": 0.0,
    }
    assert {item.observation.checks_in_attempt for item in found} == {2}


def test_supporting_checks_move_nothing():
    checks = {"all_of": [check("one"), check("two", role="supporting")]}
    (found,) = observed([objective(checks)], [judged("one"), judged("two", "UNMET")])
    assert found.observation.score == 1.0
    assert found.evidence_ids == ("mend-one-0",)


def test_help_counts_up_to_the_moment_it_was_first_met():
    rows = [
        judged("one", "UNMET", minute=0, rung=0),
        judged("one", "MET", minute=5, rung=2),
        judged("one", "MET", minute=9, rung=4),
    ]
    (found,) = observed([objective(check("one"))], rows)
    assert found.observation.hint_level == 2
    assert not found.observation.solution_shown
    assert found.observation.at == START + timedelta(minutes=5)


def test_help_on_an_objective_counts_for_all_its_checks_together():
    rows = [judged("one", minute=0, rung=0), judged("two", minute=5, rung=3)]
    assert observed([objective(BOTH)], rows)[0].observation.hint_level == 3


def test_of_alternatives_the_first_met_decides_how_much_help_it_took():
    either = {"any_of": [check("one"), check("two")]}
    rows = [judged("one", minute=0, rung=1), judged("two", minute=5, rung=3)]
    assert observed([objective(either)], rows)[0].observation.hint_level == 1


def test_a_solution_shown_before_it_was_met_is_marked():
    rows = [judged("one", "UNMET", rung=4), judged("one", minute=1, rung=4)]
    (found,) = observed([objective(check("one"))], rows)
    assert found.observation.solution_shown


def test_what_was_met_and_then_undone_is_unmet_with_all_help():
    rows = [judged("one", rung=1), judged("one", "UNMET", minute=3, rung=2)]
    (found,) = observed([objective(check("one"))], rows)
    assert (found.observation.score, found.observation.hint_level) == (0.0, 2)


@pytest.mark.parametrize(
    ("judges", "named"),
    [
        (("CHECK", "CHECK"), Judge.CHECK),
        (("CHECK", "PERSON"), Judge.PERSON),
        (("CHECK", "MODEL"), Judge.MODEL),
        (("PERSON", "MODEL"), Judge.MODEL),
    ],
)
def test_an_observation_is_as_sure_as_its_least_sure_judge(judges, named):
    rows = [judged("one", judge=judges[0]), judged("two", judge=judges[1])]
    assert observed([objective(BOTH)], rows)[0].observation.judge is named


def test_weights_are_shares_and_repeated_keys_are_added():
    skills = [{"key": "b", "weight": 0.5}, {"key": "a", "weight": 0.5}, {"key": "b", "weight": 1}]
    (found,) = observed([objective(check("one"), skills=skills)], [judged("one")])
    assert found.observation.skills == (("a", 0.25), ("b", 0.75))


def test_the_variant_follows_the_draw_and_not_the_attempt():
    def variant(**fields):
        (found,) = observed([objective(check("one"))], [judged("one")], **fields)
        return found.observation.variant

    assert variant(drawn={"way": "sudo"}, attempt_id="a") == variant(
        drawn={"way": "sudo"}, attempt_id="b"
    )
    assert variant(drawn={"way": "sudo"}) != variant(drawn={"way": "setuid"})


def test_planned_observations_are_those_a_full_attempt_would_give():
    objectives = [objective(BOTH), objective(check("lone"), key="lone"), objective(BOTH, skills=())]
    seen = observed_by(objectives)
    made = planned(seen, difficulty=-0.8, scenario="yard", parameters=CURRENT)
    assert len(made) == 2
    assert {each.checks_in_attempt for each in made} == {2}
    assert {each.difficulty for each in made} == {-0.8}
    assert {each.mode for each in made} == {Mode.PRACTICE}
    again = planned(seen, difficulty=-0.8, scenario="yard", parameters=CURRENT, played=True)
    assert {each.weight for each in again} == {0.25}
