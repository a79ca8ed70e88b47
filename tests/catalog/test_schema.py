import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from range.catalog.schema import ScenarioSpec
from range.catalog.schema_solutions import PutStep, RunStep, SubmitStep, WaitStep
from range.checks.combine import leaves
from tests.catalog.support import changed


def with_checks(checks):
    objectives = changed()["objectives"]
    objectives[0]["checks"] = checks
    return ScenarioSpec.model_validate(changed(objectives=objectives))


FILE = {"kind": "file", "machine": "box", "path": "/x"}


def ids(spec):
    return [check.id for check in leaves(spec.objectives[0].checks)]


def test_checks_without_an_id_are_named_after_their_kind():
    spec = with_checks(
        {"all_of": [{"kind": "flag"}, FILE, {"any_of": [FILE, FILE | {"id": "file-2"}]}]}
    )
    assert ids(spec) == ["flag", "file", "file-3", "file-2"]


def test_ids_inside_at_least_are_written_out_too():
    assert (
        ids(with_checks({"all_of": [{"kind": "flag"}, {"at_least": {"n": 1, "of": [FILE]}}]}))[1]
        == "file"
    )


def test_a_flag_check_stands_for_its_objectives_flag():
    spec = with_checks({"kind": "flag"})
    assert spec.objectives[0].checks.value == "{{ flag_enter }}"
    assert spec.flag_variables() == {"flag_enter": "enter"}


def test_a_flag_variable_may_name_its_objective():
    variables = changed()["variables"] | {"flag_enter": {"type": "flag", "objective": "mend"}}
    assert ScenarioSpec.model_validate(changed(variables=variables)).flag_variables() == {
        "flag_enter": "mend"
    }


def test_a_flag_check_names_one_variable_and_nothing_else():
    with pytest.raises(ValidationError, match="not declared"):
        with_checks({"kind": "flag", "value": "FLAG-{{ flag_enter }}"})


@pytest.mark.parametrize(
    ("step", "model"),
    [
        ({"on": "box", "run": ["true", "false"]}, RunStep),
        ({"on": "box", "script": "reference/x.sh", "submit": "enter"}, RunStep),
        ({"submit": {"objective": "enter", "from": "box:/root/flag"}}, SubmitStep),
        ({"on": "box", "put": "reference/x", "to": "/x"}, PutStep),
        ({"wait_seconds": 1}, WaitStep),
    ],
)
def test_steps_are_told_apart_by_what_they_hold(step, model):
    reference = changed()["reference"] | {"enter": [step]}
    spec = ScenarioSpec.model_validate(changed(reference=reference))
    assert isinstance(spec.reference["enter"][0], model)


def test_lines_of_a_step_become_one_text():
    reference = changed()["reference"] | {"enter": [{"on": "box", "run": ["a", "b"]}]}
    spec = ScenarioSpec.model_validate(changed(reference=reference))
    assert spec.reference["enter"][0].run == "a\nb"


@pytest.mark.parametrize(
    "step",
    [
        {},
        {"on": "box"},
        {"on": "box", "run": "x", "script": "y"},
        {"submit": "enter"},
        {"submit": {"objective": "enter", "text": "x", "from": "box:/x"}},
        {"on": "box", "run": "x", "timeout_seconds": 9999},
    ],
)
def test_steps_that_make_no_sense_are_refused(step):
    reference = changed()["reference"] | {"enter": [step]}
    with pytest.raises(ValidationError):
        ScenarioSpec.model_validate(changed(reference=reference))


@pytest.mark.parametrize(
    "hint",
    [
        {"rung": 0, "text": "x"},
        {"rung": 5, "text": "x"},
        {"rung": 3, "from": "reference"},
        {"rung": 4},
        {"rung": 4, "text": "x", "from": "reference"},
    ],
)
def test_hints_that_make_no_sense_are_refused(hint):
    objectives = changed()["objectives"]
    objectives[0]["hints"] = [hint]
    with pytest.raises(ValidationError):
        ScenarioSpec.model_validate(changed(objectives=objectives))


@pytest.mark.parametrize(
    "technique", ["T1486", "attack:", "attack T1486", ":T1486", "Attack:T1486"]
)
def test_a_bare_framework_id_is_an_error(technique):
    objectives = changed()["objectives"]
    objectives[0]["techniques"] = [technique]
    with pytest.raises(ValidationError):
        ScenarioSpec.model_validate(changed(objectives=objectives))


def test_the_exported_schema_describes_every_key():
    schema = ScenarioSpec.model_json_schema(by_alias=True)
    undescribed = [
        f"{name}.{key}"
        for name, part in {"ScenarioSpec": schema, **schema["$defs"]}.items()
        for key, value in part.get("properties", {}).items()
        if key not in ("kind", "type")
        # A part described in the very words of its field's docstring says so in its own place.
        and not {"description", "$ref"} & value.keys()
    ]
    assert undescribed == []
    assert json.loads(json.dumps(schema))["properties"]["schema"]["const"] == 1


def test_a_scenario_cannot_be_changed_once_read():
    spec = ScenarioSpec.model_validate(changed())
    with pytest.raises(ValidationError):
        spec.title = "Other"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "id", "all_of", "at_least", "of", "n", "when", "run", "key"])
            | st.text(max_size=5),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(json_values, st.sampled_from(["objectives", "machines", "variables", "reference", "wrong"]))
def test_attack_no_shape_of_data_breaks_validation(value, part):
    """Whatever stands in a part, the answer is a list of problems and never a crash."""
    with pytest.raises(ValidationError):
        ScenarioSpec.model_validate(
            changed(
                **{
                    part: {"x": value}
                    if part != "objectives"
                    else [{"key": value, "title": "Some title", "checks": value}]
                },
                difficulty=99,
            )
        )


def test_attack_no_scenario_may_let_the_tutor_reveal_something():
    for kept in ([], ["secrets"], ["secrets", "reference"]):
        with pytest.raises(ValidationError, match="never_reveal"):
            ScenarioSpec.model_validate(changed(tutor={"never_reveal": kept}))
