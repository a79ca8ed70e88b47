"""Draws a scenario's variables for an attempt: each a function of a MAC, so reproducible."""

import hmac
import ipaddress
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import singledispatch
from typing import Any, Protocol
from uuid import UUID

from pydantic import TypeAdapter

from range.catalog.flags import mint
from range.catalog.schema_shorthand import checks_in, flag_variable_of
from range.catalog.schema_variables import (
    ChoiceVariable,
    FlagVariable,
    HexVariable,
    IntegerVariable,
    Ipv4Variable,
    PasswordVariable,
    PortVariable,
    Variable,
    VariableSpec,
)
from range.checks.spec import Scalar, VariableName

# Without characters that are easily mistaken for one another: 0 O o 1 l I.
PASSWORD_LETTERS = "".join(c for c in string.ascii_letters + string.digits if c not in "0Oo1lI")
Values = Mapping[str, Scalar]
_READER = TypeAdapter(dict[VariableName, Variable])


class Declaring(Protocol):
    """What declares variables: a scenario as written, or its stored variables alone."""

    @property
    def variables(self) -> Mapping[str, Variable]:
        """Return each variable by its name."""
        ...

    def flag_variables(self) -> Mapping[str, str]:
        """Return the objective that each flag variable proves."""
        ...


@dataclass(frozen=True)
class Declared:
    """The variables of a stored scenario, read without the rest of its schema.

    Roles that only draw or mask need no schema of checks, which takes much memory.
    """

    variables: Mapping[str, Variable]
    proofs: Mapping[str, str]

    def flag_variables(self) -> Mapping[str, str]:
        """Return the objective that each flag variable proves."""
        return self.proofs


def declared_in(data: Mapping[str, Any]) -> Declared:
    """Read the variables of a scenario that was stored as data."""
    variables = _READER.validate_python(data.get("variables", {}))
    proofs: dict[str, str] = {}
    for objective in data["objectives"]:
        for check in checks_in(objective["checks"]):
            if check["kind"] == "flag" and "{{" in check.get("value", ""):
                name = flag_variable_of(check["value"])
                declared = variables.get(name)
                named = declared.objective if isinstance(declared, FlagVariable) else None
                proofs[name] = named or objective["key"]
    return Declared(variables, proofs)


def draw(spec: Declaring, secret: bytes, attempt_id: UUID, *, epoch: int) -> dict[str, Scalar]:
    """Return every variable's value for an attempt.

    Only flags change with the epoch: what a trainee learnt about the machines stays true after
    a reset, and a flag from before it can be told.
    """
    proofs = spec.flag_variables()
    values: dict[str, Scalar] = {}
    for name, variable in spec.variables.items():
        if isinstance(variable, FlagVariable):
            objective = proofs.get(name) or variable.objective or name
            values[name] = mint(secret, attempt_id, objective, epoch)
        else:
            values[name] = _drawn(variable, Dice(secret, attempt_id, name))
    return values


class Dice:
    """An endless stream of even random numbers, the same for the same attempt and name."""

    def __init__(self, secret: bytes, attempt_id: UUID, name: str) -> None:
        self._blocks = _blocks(secret, attempt_id.bytes + b"\0" + name.encode())

    def below(self, limit: int) -> int:
        """Return a number in [0, limit), each as likely.

        Raises:
            ValueError: The limit is not positive.
        """
        if limit <= 0:
            raise ValueError(f"limit must be positive, not {limit}")
        # The part of the block's span that is no whole multiple would favour small numbers.
        usable = (1 << 256) - (1 << 256) % limit
        return next(number for number in self._blocks if number < usable) % limit


@singledispatch
def _drawn(variable: VariableSpec, dice: Dice) -> Scalar:
    raise TypeError(f"no way to draw a {type(variable).__name__}")


@_drawn.register
def _(variable: PasswordVariable, dice: Dice) -> Scalar:
    letters = [dice.below(len(PASSWORD_LETTERS)) for _ in range(variable.length)]
    return "".join(PASSWORD_LETTERS[each] for each in letters)


@_drawn.register
def _(variable: ChoiceVariable, dice: Dice) -> Scalar:
    return variable.options[dice.below(len(variable.options))]


@_drawn.register
def _(variable: Ipv4Variable, dice: Dice) -> Scalar:
    network = ipaddress.ip_network(variable.within)
    if network.num_addresses <= 2:
        return str(network.network_address)
    return str(network.network_address + 1 + dice.below(network.num_addresses - 2))


@_drawn.register
def _(variable: PortVariable, dice: Dice) -> Scalar:
    return variable.minimum + dice.below(variable.maximum - variable.minimum + 1)


@_drawn.register
def _(variable: HexVariable, dice: Dice) -> Scalar:
    return "".join("0123456789abcdef"[dice.below(16)] for _ in range(variable.length))


@_drawn.register
def _(variable: IntegerVariable, dice: Dice) -> Scalar:
    return variable.minimum + dice.below(variable.maximum - variable.minimum + 1)


def _blocks(secret: bytes, label: bytes) -> Iterator[int]:
    counter = 0
    while True:
        message = b"muster/variable/v1\0" + counter.to_bytes(4, "big") + label
        yield int.from_bytes(hmac.digest(secret, message, "sha256"), "big")
        counter += 1


def secrets_among(spec: Declaring, values: Values) -> dict[str, str]:
    """Return each secret value with the placeholder that stands for it wherever it is shown."""
    proofs = spec.flag_variables()
    found: dict[str, str] = {}
    for name, variable in spec.variables.items():
        if not variable.is_secret or name not in values:
            continue
        if isinstance(variable, FlagVariable):
            found[str(values[name])] = f"⟦FLAG:{proofs.get(name) or variable.objective}⟧"
        else:
            found[str(values[name])] = f"⟦SECRET:{name}⟧"
    return found
