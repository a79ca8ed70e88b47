import struct

import pytest
from pydantic import ValidationError

from range.checks.base import Outcome, ProbeUnavailable
from range.checks.modbus import ModbusCheck

HELD = {0: 512, 7: 65_535}


def check(*reads, **fields):
    whole = {"kind": "modbus", "from": "lan", "to": "plc:502", "reads": reads}
    return ModbusCheck.model_validate(whole | fields)


def answered(function, body):
    """Answer as a device with two registers and one coil does."""
    address = struct.unpack("!HH", body)[0] if len(body) == 4 else 0
    if function == 3 and address in HELD:
        return bytes([3, 2]) + HELD[address].to_bytes(2)
    if function == 1:
        return bytes([1, 1, 1])
    return bytes([function | 0x80, 2])


def device(connection, *, answer=answered, number=None):
    while head := connection.recv(7):
        asked, _, length, unit = struct.unpack("!HHHB", head)
        request = connection.recv(length - 1)
        reply = answer(request[0], request[1:])
        asked = asked if number is None else number
        connection.sendall(struct.pack("!HHHB", asked, 0, len(reply) + 1, unit) + reply)


LEVEL = {"address": 0, "at_least": 400, "at_most": 600}


def test_values_as_expected_are_met(probe):
    probe.serve("plc", 502, device)
    valve = {"table": "coil", "address": 3, "equals": 1}
    secret = {"address": 90, "refused": True}
    assert check(LEVEL, {"address": 7, "equals": 65_535}, valve, secret).judge(probe).outcome is (
        Outcome.MET
    )


@pytest.mark.parametrize(
    ("read", "said"),
    [
        ({"address": 0, "equals": 513}, "is 512"),
        ({"address": 0, "at_least": 513}, "is 512"),
        ({"address": 0, "at_most": 511}, "is 512"),
        ({"address": 1}, "refused"),
        ({"address": 0, "refused": True}, "told"),
    ],
)
def test_each_difference_is_named(probe, read, said):
    probe.serve("plc", 502, device)
    judged = check(read).judge(probe)
    assert (judged.outcome, judged.reason) == (Outcome.UNMET, "answers-differ")
    assert said in judged.excerpt


def test_trap_a_recording_is_no_device(probe):
    probe.serve("plc", 502, lambda connection: device(connection, number=70_000 % 65_536))
    assert "no answer of a device" in check(LEVEL, LEVEL, LEVEL).judge(probe).excerpt


def test_trap_a_stand_in_that_knows_every_function_is_no_device(probe):
    def anything(function, body):
        return bytes([function, 2]) + (512).to_bytes(2)

    probe.serve("plc", 502, lambda connection: device(connection, answer=anything))
    assert "no device knows" in check(LEVEL).judge(probe).excerpt


@pytest.mark.parametrize("reply", [b"\x03", b"\x03\xff\x00", b"\x10\x00\x00"])
def test_trap_answers_that_cannot_be_read_are_unmet(probe, reply):
    def hostile(function, body):
        return reply if function == 3 else bytes([function | 0x80, 1])

    probe.serve("plc", 502, lambda connection: device(connection, answer=hostile))
    assert check(LEVEL, timeout_seconds=1).judge(probe).outcome is Outcome.UNMET


def test_nothing_listening_is_unmet_and_an_engine_that_is_down_is_not_judged(probe):
    assert check(LEVEL).judge(probe).reason == "no-answer"
    probe.down = True
    with pytest.raises(ProbeUnavailable):
        check(LEVEL).judge(probe)


def test_a_value_that_is_refused_has_no_size():
    with pytest.raises(ValidationError):
        check({"address": 1, "refused": True, "equals": 2})
