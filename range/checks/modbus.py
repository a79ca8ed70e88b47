"""What a controller tells over Modbus, asked from a peer's place: registers and coils."""

import secrets
import struct
from typing import Annotated, Literal, NoReturn

from pydantic import Field, model_validator

from range.checks.base import Judgement, Probe
from range.checks.spec import Spec, Templated
from range.checks.talking import TalkingCheck
from range.checks.wire import Wire, WireEnded

# Function codes that read. Source: Modbus Application Protocol V1.1b3, section 6.
FUNCTIONS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
# One that no device knows: user-defined codes end at 110.
UNKNOWN = 111
_HEADER = struct.Struct("!HHHB")
Value = Annotated[int, Field(ge=0, le=65_535)] | Templated


class ModbusRead(Spec):
    """One value that is read, and what it must be."""

    table: Literal["holding", "input", "coil", "discrete"] = "holding"
    """Table it lies in."""
    address: Annotated[int, Field(ge=0, le=65_535)]
    """Its address, counted from 0."""
    unit: Annotated[int, Field(ge=0, le=255)] = 1
    """Unit that is asked."""
    equals: Value | None = None
    """Value it must have."""
    at_least: Value | None = None
    """Smallest value it may have."""
    at_most: Value | None = None
    """Largest value it may have."""
    refused: bool = False
    """The device must refuse to tell it."""

    @model_validator(mode="after")
    def _one_wish(self) -> "ModbusRead":
        if self.refused and (self.equals, self.at_least, self.at_most) != (None, None, None):
            raise ValueError("a value that is refused has no size")
        return self

    def difference(self, value: int | None) -> str:
        """Return what differs, or an empty string; None stands for a refusal."""
        if value is None or self.refused:
            return "" if value is None and self.refused else "refused" if value is None else "told"
        wrong = (
            (self.equals is not None and value != int(self.equals))
            or (self.at_least is not None and value < int(self.at_least))
            or (self.at_most is not None and value > int(self.at_most))
        )
        return f"is {value}" if wrong else ""


class ModbusCheck(TalkingCheck):
    """Met when each value read from a device is as expected; nothing is ever written.

    Trap: a stand-in that plays a recording. Numbers of requests change and must come back, and a
    function that no device knows must be refused by the same connection.
    """

    kind: Literal["modbus"]
    reads: Annotated[tuple[ModbusRead, ...], Field(min_length=1, max_length=40)]
    """Values in the order in which they are read."""
    timeout_seconds: Annotated[float, Field(gt=0, le=15)] = 5.0
    """How long the whole conversation may take."""

    def judge(self, probe: Probe, *, objective: str = "") -> Judgement:
        return self.talked(probe, [("device", self._read)], seconds=self.timeout_seconds)

    def _read(self, wire: Wire) -> str:
        failures = []
        if _asked(wire, 1, bytes([UNKNOWN])) is not None:
            failures.append("a function that no device knows was answered")
        for each in self.reads:
            if wrong := each.difference(_value(wire, each)):
                failures.append(f"{each.table} {each.address}: {wrong}")
        return "\n".join(failures)


def _value(wire: Wire, read: ModbusRead) -> int | None:
    function = FUNCTIONS[read.table]
    told = _asked(wire, read.unit, struct.pack("!BHH", function, read.address, 1))
    if told is None:
        return None
    if function < FUNCTIONS["holding"]:
        return told[1] & 1 if len(told) == 2 and told[0] == 1 else _strange()
    return int.from_bytes(told[1:]) if len(told) == 3 and told[0] == 2 else _strange()


def _asked(wire: Wire, unit: int, request: bytes) -> bytes | None:
    """Return what follows the function in an answer; None for a refusal.

    Raises:
        WireEnded: What comes is no answer to this request.
    """
    number = secrets.randbelow(1 << 16)
    wire.send(_HEADER.pack(number, 0, len(request) + 1, unit) + request)
    same, protocol, length, who = _HEADER.unpack(wire.exactly(_HEADER.size))
    if (same, protocol, who) != (number, 0, unit) or not 3 <= length <= 254:
        _strange()
    answer = wire.exactly(length - 1)
    if answer[0] == request[0] | 0x80:
        return None
    return answer[1:] if answer[0] == request[0] else _strange()


def _strange() -> NoReturn:
    raise WireEnded("no answer of a device to what it was asked")
