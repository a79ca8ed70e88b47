import pytest

from range.authoring.plan import VariantNeverDrawn, attempt_with, plan
from range.catalog.schema import ScenarioSpec
from range.catalog.variables import draw
from tests.catalog.support import changed


def runs(**parts):
    return plan(ScenarioSpec.model_validate(changed(**parts)))


def test_without_a_plan_of_the_authors_every_control_is_run_for_each_variant():
    found = runs()
    assert [run.label for run in found[:5]] == [
        "fresh[way=cron]",
        "wrong-hide[way=cron]",
        "wrong-break[way=cron]",
        "reference[way=cron]",
        "foreign-flag[way=cron]",
    ]
    assert [run.variant["way"] for run in found] == ["cron"] * 5 + ["suid"] * 5
    assert found[0].expected == {"enter": "unmet", "mend": "unmet"}
    assert found[1].expected == {"mend": "unmet"}
    assert found[3].expected == {"enter": "met", "mend": "met"}
    assert found[4].expected == {"enter": "unmet"}


def test_a_scenario_without_variants_is_solved_twice():
    data = changed(
        machines={"box": {"networks": ["lan"], "console": {"user": "trainee"}}}, wrong={}
    )
    data["objectives"] = data["objectives"][:1]
    data["objectives"][0]["hints"] = []
    found = plan(ScenarioSpec.model_validate(data))
    assert [run.label for run in found] == ["fresh", "reference", "reference#2", "foreign-flag"]


def test_the_authors_plan_is_followed():
    verify = [
        {"name": "fresh", "expect": {"objectives": "unmet", "mend": "any"}},
        {"name": "idle", "wait_seconds": 3, "expect": {"objectives": "unmet"}},
        {"name": "half", "run": "reference.enter", "expect": {"enter": "met", "mend": "unmet"}},
        {"name": "cron-only", "when": {"way": "cron"}, "run": "wrong.hide", "repeat": 2},
    ]
    found = runs(verify=verify)
    assert [run.label for run in found] == [
        "fresh[way=cron]",
        "idle[way=cron]",
        "half[way=cron]",
        "cron-only[way=cron]",
        "cron-only[way=cron]#2",
        "fresh[way=suid]",
        "idle[way=suid]",
        "half[way=suid]",
    ]
    assert found[0].expected == {"enter": "unmet", "mend": "any"}
    assert found[1].wait_seconds == 3
    assert (found[2].solution, found[2].target) == ("reference", "enter")


def test_a_wrong_solution_of_other_attempts_is_left_out():
    wrong = changed()["wrong"]
    wrong["hide"]["when"] = {"way": "suid"}
    found = [run.label for run in runs(wrong=wrong)]
    assert "wrong-hide[way=cron]" not in found
    assert "wrong-hide[way=suid]" in found


def test_an_attempt_is_found_for_every_variant():
    spec = ScenarioSpec.model_validate(changed())
    for way in ("cron", "suid"):
        attempt, values = attempt_with(spec, b"s", {"way": way})
        assert values["way"] == way
        assert draw(spec, b"s", attempt, epoch=1) == values


def test_a_variant_that_cannot_be_drawn_is_told(monkeypatch):
    monkeypatch.setattr("range.authoring.plan.DRAWS_LIMIT", 20)
    with pytest.raises(VariantNeverDrawn, match="moon"):
        attempt_with(ScenarioSpec.model_validate(changed()), b"s", {"way": "moon"})
