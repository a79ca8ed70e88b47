from uuid import uuid4

import pytest

from range.catalog.rendering import applies, dumped, rendered, rendered_data, variants
from range.catalog.schema import ScenarioSpec
from range.catalog.templating import TemplateInvalid
from range.catalog.variables import draw
from range.checks.combine import leaves
from tests.catalog.support import changed

SPEC = ScenarioSpec.model_validate(changed())


def values(**chosen):
    return draw(SPEC, b"s", uuid4(), epoch=1) | chosen


def test_stored_data_reads_back_the_same():
    assert ScenarioSpec.model_validate(dumped(SPEC)) == SPEC
    assert "schema" in dumped(SPEC)


def test_parts_of_other_attempts_are_gone():
    spec = rendered(SPEC, values(way="suid"))
    assert [seed.to for seed in spec.machines["box"].seed] == ["/srv/note", "/root/pw"]
    assert [check.id for check in leaves(spec.objectives[1].checks)] == ["gone", "kept"]
    assert [hint.text for hint in spec.objectives[0].hints if hint.rung == 3] == [
        "Look at set bits."
    ]
    other = rendered(SPEC, values(way="cron"))
    assert [check.id for check in leaves(other.objectives[1].checks)] == ["gone"]
    assert [step.run for step in other.machines["box"].setup] == [
        ("touch", f"/srv/{other_colour(other)}")
    ]


def other_colour(spec):
    return spec.machines["box"].setup[0].run[1].removeprefix("/srv/")


def test_variables_are_filled_in_everywhere():
    drawn = values(way="suid", colour="blue")
    spec = rendered(SPEC, drawn)
    kept = list(leaves(spec.objectives[1].checks))[1]
    assert kept.path == "/srv/blue"
    assert spec.machines["box"].seed[1].text == drawn["password"]
    assert "{{" not in str(spec.objectives)


def test_a_flag_check_holds_the_attempts_flag():
    data = changed()
    data["objectives"][0]["checks"] = {"kind": "flag", "value": "{{ flag_enter }}"}
    spec = ScenarioSpec.model_validate(data)
    drawn = draw(spec, b"s", uuid4(), epoch=1)
    assert rendered(spec, drawn).objectives[0].checks.value == drawn["flag_enter"]


def test_a_flag_check_without_a_value_stands_for_the_objectives_own():
    drawn = values()
    assert rendered(SPEC, drawn).objectives[0].checks.value == drawn["flag_enter"]


def test_what_results_must_still_be_a_scenario():
    data = changed()
    data["objectives"][1]["checks"]["all_of"][0]["path"] = "{{ colour }}"
    spec = ScenarioSpec.model_validate(data)
    with pytest.raises(TemplateInvalid, match="once filled in"):
        rendered(spec, values())


def test_a_value_that_is_missing_is_named():
    drawn = values()
    del drawn["password"]
    with pytest.raises(TemplateInvalid, match="machines"):
        rendered_data(dumped(SPEC), drawn)


def test_variants_are_the_choices_that_decide_something():
    assert variants(SPEC) == [{"way": "cron"}, {"way": "suid"}]
    plain = changed()
    plain["machines"]["box"]["seed"].pop()
    plain["machines"]["box"]["setup"].pop()
    plain["objectives"][0]["hints"] = []
    plain["objectives"][1]["checks"]["all_of"].pop()
    assert variants(ScenarioSpec.model_validate(plain)) == [{}]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({}, True),
        ({"way": ["suid"]}, True),
        ({"way": ["cron", "suid"]}, True),
        ({"way": ["cron"]}, False),
        ({"way": ["suid"], "colour": ["red"]}, False),
        ({"unknown": ["x"]}, False),
    ],
)
def test_every_condition_must_hold(when, expected):
    assert applies(when, {"way": "suid", "colour": "blue"}) is expected
