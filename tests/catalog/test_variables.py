import ipaddress
from collections import Counter
from pathlib import Path
from typing import get_args
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.catalog.flags import examine
from range.catalog.reader import read_scenario
from range.catalog.rendering import dumped
from range.catalog.schema import ScenarioSpec
from range.catalog.schema_variables import Variable
from range.catalog.variables import PASSWORD_LETTERS, Dice, declared_in, draw, secrets_among
from tests.catalog.support import changed

SECRET = b"s"
LIBRARY = Path(__file__).resolve().parents[2] / "scenarios"


def spec_with(**variables):
    base = changed()["variables"]
    return ScenarioSpec.model_validate(changed(variables=base | variables))


MANY = spec_with(
    address={"type": "ipv4", "within": "198.51.100.0/24"},
    lone={"type": "ipv4", "within": "198.51.100.9/32"},
    port={"type": "port", "minimum": 3000, "maximum": 3003},
    serial={"type": "hex", "length": 9},
    number={"type": "integer", "minimum": -2, "maximum": 2},
    long={"type": "password", "length": 20},
    hidden_word={"type": "choice", "from": ["swordfish"], "secret": True},
)


@given(st.uuids())
def test_every_value_lies_where_it_should(attempt):
    values = draw(MANY, SECRET, attempt, epoch=1)
    assert ipaddress.ip_address(values["address"]) in ipaddress.ip_network("198.51.100.0/24")
    assert values["address"] not in ("198.51.100.0", "198.51.100.255")
    assert values["lone"] == "198.51.100.9"
    assert 3000 <= values["port"] <= 3003
    assert len(values["serial"]) == 9
    assert int(values["serial"], 16) >= 0
    assert -2 <= values["number"] <= 2
    assert len(values["long"]) == 20
    assert set(values["long"]) <= set(PASSWORD_LETTERS)
    assert values["colour"] in ("red", "blue")


@given(st.uuids())
def test_values_can_be_drawn_again(attempt):
    assert draw(MANY, SECRET, attempt, epoch=1) == draw(MANY, SECRET, attempt, epoch=1)


def test_only_flags_change_with_a_reset():
    attempt = uuid4()
    before = draw(MANY, SECRET, attempt, epoch=1)
    after = draw(MANY, SECRET, attempt, epoch=2)
    assert {name for name in before if before[name] != after[name]} == {"flag_enter"}
    assert examine(SECRET, str(after["flag_enter"]), objectives=["enter"]).epoch == 2


def test_other_attempts_and_other_ranges_draw_other_values():
    one, other = uuid4(), uuid4()
    assert draw(MANY, SECRET, one, epoch=1)["long"] != draw(MANY, SECRET, other, epoch=1)["long"]
    assert draw(MANY, SECRET, one, epoch=1)["long"] != draw(MANY, b"t", one, epoch=1)["long"]


def test_a_name_decides_as_well():
    attempt = uuid4()
    assert Dice(SECRET, attempt, "a").below(1 << 64) != Dice(SECRET, attempt, "b").below(1 << 64)


def test_choices_are_even():
    counts = Counter(
        draw(MANY, SECRET, UUID(int=number), epoch=1)["number"] for number in range(2000)
    )
    # Five values, 400 each on average; 300 is five standard deviations away.
    assert set(counts) == {-2, -1, 0, 1, 2}
    assert min(counts.values()) > 300


def test_secrets_have_placeholders_and_others_have_none():
    values = draw(MANY, SECRET, uuid4(), epoch=1)
    found = secrets_among(MANY, values)
    assert found[str(values["flag_enter"])] == "⟦FLAG:enter⟧"
    assert found[str(values["password"])] == "⟦SECRET:password⟧"
    assert found["swordfish"] == "⟦SECRET:hidden_word⟧"
    assert set(found) == {
        values[name] for name in ("flag_enter", "password", "long", "hidden_word")
    }


def assert_it_reads_the_same_stored(spec):
    declared = declared_in(dumped(spec))
    assert declared.flag_variables() == spec.flag_variables()
    assert declared.variables.keys() == spec.variables.keys()
    for name, variable in spec.variables.items():
        stored = declared.variables[name]
        assert stored.is_secret == variable.is_secret
        for field in type(variable).model_fields:
            assert getattr(stored, field) == getattr(variable, field)
    attempt = uuid4()
    values = draw(spec, SECRET, attempt, epoch=2)
    assert draw(declared, SECRET, attempt, epoch=2) == values
    assert secrets_among(declared, values) == secrets_among(spec, values)


@pytest.mark.parametrize(
    "folder", sorted(LIBRARY.glob("*/scenario.yaml")), ids=lambda p: p.parent.name
)
def test_stored_variables_are_those_of_the_whole_scenario(folder):
    assert_it_reads_the_same_stored(read_scenario(folder.parent).spec)


def test_what_an_author_left_unsaid_is_the_same_once_stored():
    kinds = {kind.model_fields["type"].annotation for kind in get_args(get_args(Variable)[0])}
    kinds = {get_args(kind)[0] for kind in kinds}
    said = {
        "choice": {"from": ["a", "b"]},
        "ipv4": {"within": "198.51.100.0/24"},
        "integer": {"minimum": 1, "maximum": 9},
    }
    # The flag has no check, so that nothing but itself says what it proves.
    spec = spec_with(**{f"bare_{kind}": {"type": kind, **said.get(kind, {})} for kind in kinds})
    assert_it_reads_the_same_stored(spec)
