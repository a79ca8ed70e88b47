"""A sandbox's receipt: stored and read back, and who is who inside the sandbox."""

import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.runtime.handle import Handle, MachineHandle, NetworkHandle

SANDBOX = UUID("00000000-0000-4000-8000-000000000001")
HANDLE = Handle(
    driver="docker",
    sandbox_id=SANDBOX,
    machines={
        "web": MachineHandle(
            container_id="c1", addresses={"dmz": "10.0.0.2", "lan": "10.0.1.2"}, aliases=("shop",)
        ),
        "db": MachineHandle(container_id="c2", addresses={"lan": "10.0.1.3"}, console_user="dba"),
    },
    networks={
        "dmz": NetworkHandle(network_id="n1", subnet="10.0.0.0/28"),
        "lan": NetworkHandle(network_id="n2", subnet="10.0.1.0/28"),
    },
)


def seen(host, network):
    return list(HANDLE.addresses_of(host, seen_from=network))


def test_a_handle_survives_json():
    assert Handle.from_json(json.loads(json.dumps(HANDLE.to_json()))) == HANDLE


@given(st.dictionaries(st.text(min_size=1), st.text()), st.text(), st.lists(st.text()))
def test_any_names_survive_json(addresses, user, aliases):
    machine = MachineHandle(addresses=addresses, console_user=user, aliases=tuple(aliases))
    handle = Handle(driver="fake", sandbox_id=SANDBOX, machines={"m": machine})
    assert Handle.from_json(json.loads(json.dumps(handle.to_json()))) == handle


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"driver": "docker"},
        {**HANDLE.to_json(), "sandbox_id": "not-a-uuid"},
        {**HANDLE.to_json(), "machines": []},
        {**HANDLE.to_json(), "machines": {"web": {"surprise": 1}}},
        {**HANDLE.to_json(), "networks": {"lan": "10.0.0.0/28"}},
    ],
)
def test_what_is_no_handle_is_refused(broken):
    with pytest.raises(ValueError, match="not a sandbox handle"):
        Handle.from_json(broken)


def test_a_machine_is_found_at_the_address_of_the_segment_that_asks():
    assert seen("web", "dmz") == ["10.0.0.2"]
    assert seen("web", "lan") == ["10.0.1.2"]
    assert seen("shop", "lan") == ["10.0.1.2"]


def test_a_machine_on_another_segment_is_tried_at_its_own_address():
    assert seen("db", "dmz") == ["10.0.1.3"]


def test_an_address_of_the_sandbox_stands_for_itself():
    assert seen("10.0.1.9", "dmz") == ["10.0.1.9"]


@pytest.mark.parametrize("host", ["nobody", "", "127.0.0.1", "10.0.2.1", "169.254.169.254", "::1"])
def test_nothing_outside_the_sandbox_is_known(host):
    assert seen(host, "lan") == []
