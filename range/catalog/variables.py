"""Draws a scenario's variables for an attempt: each a function of a MAC, so reproducible."""

import hmac
import ipaddress
import string
from collections.abc import Iterator, Mapping
from functools import singledispatch
from uuid import UUID

from range.catalog.flags import mint
from range.catalog.schema import ScenarioSpec
from range.catalog.schema_variables import (
    ChoiceVariable,
    FlagVariable,
    HexVariable,
    IntegerVariable,
    Ipv4Variable,
    PasswordVariable,
    PortVariable,
    VariableSpec,
)
from range.checks.spec import Scalar

# Without characters that are easily mistaken for one another: 0 O o 1 l I.
PASSWORD_LETTERS = "".join(c for c in string.ascii_letters + string.digits if c not in "0Oo1lI")
Values = Mapping[str, Scalar]


def draw(spec: ScenarioSpec, secret: bytes, attempt_id: UUID, *, epoch: int) -> dict[str, Scalar]:
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


def secrets_among(spec: ScenarioSpec, values: Values) -> dict[str, str]:
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
