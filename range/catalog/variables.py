"""Draws a scenario's variables for an attempt: each a function of a MAC, so reproducible."""

import hmac
import ipaddress
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from range.catalog.flags import mint
from range.catalog.schema_shorthand import UNSAID, checks_in, flag_variable_of
from range.checks.base import Scalar

# Without characters that are easily mistaken for one another: 0 O o 1 l I.
PASSWORD_LETTERS = "".join(c for c in string.ascii_letters + string.digits if c not in "0Oo1lI")
Values = Mapping[str, Scalar]
# Whatever their author says of them.
ALWAYS_SECRET = frozenset({"flag", "password"})


class Variable(Protocol):
    """What every variable tells, as written or as stored; the rest depends on its type."""

    @property
    def type(self) -> str:
        """Return the word that says how it is drawn."""
        ...

    @property
    def is_secret(self) -> bool:
        """Tell whether the value must never reach a prompt or a watcher."""
        ...


@dataclass(frozen=True, kw_only=True)
class StoredVariable:
    """A variable of a stored scenario: it was checked before, and is read without its schema.

    Roles that only draw or mask need no schema, which takes much memory.
    """

    type: str
    secret: bool = False
    hidden: bool = False
    objective: str | None = None
    length: int = 0
    options: tuple[Scalar, ...] = ()
    within: str = ""
    minimum: int = 0
    maximum: int = 0

    @property
    def is_secret(self) -> bool:
        """Tell whether the value must never reach a prompt or a watcher."""
        return self.secret or self.type in ALWAYS_SECRET


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
    """The variables of a stored scenario."""

    variables: Mapping[str, Variable]
    proofs: Mapping[str, str]

    def flag_variables(self) -> Mapping[str, str]:
        """Return the objective that each flag variable proves."""
        return self.proofs


def declared_in(data: Mapping[str, Any]) -> Declared:
    """Read the variables of a scenario that was stored as data."""
    variables = {name: _stored(each) for name, each in data.get("variables", {}).items()}
    proofs: dict[str, str] = {}
    for objective in data["objectives"]:
        for check in checks_in(objective["checks"]):
            if check["kind"] == "flag" and "{{" in check.get("value", ""):
                name = flag_variable_of(check["value"])
                named = variables[name].objective if name in variables else None
                proofs[name] = named or objective["key"]
    return Declared(variables, proofs)


def _stored(written: Mapping[str, Any]) -> StoredVariable:
    told = {**UNSAID.get(written["type"], {}), **written}
    if "from" in told:
        told["options"] = tuple(told.pop("from"))
    return StoredVariable(**told)


def draw(spec: Declaring, secret: bytes, attempt_id: UUID, *, epoch: int) -> dict[str, Scalar]:
    """Return every variable's value for an attempt.

    Only flags change with the epoch: what a trainee learnt about the machines stays true after
    a reset, and a flag from before it can be told.
    """
    proofs = spec.flag_variables()
    values: dict[str, Scalar] = {}
    for name, variable in spec.variables.items():
        if variable.type == "flag":
            values[name] = mint(secret, attempt_id, _proven(name, variable, proofs), epoch)
        else:
            values[name] = _DRAWN[variable.type](variable, Dice(secret, attempt_id, name))
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


def _proven(name: str, flag: Variable, proofs: Mapping[str, str]) -> str:
    """Return the objective that a flag proves."""
    return proofs.get(name) or getattr(flag, "objective", None) or name


def _password(variable: Any, dice: Dice) -> Scalar:
    letters = [dice.below(len(PASSWORD_LETTERS)) for _ in range(variable.length)]
    return "".join(PASSWORD_LETTERS[each] for each in letters)


def _choice(variable: Any, dice: Dice) -> Scalar:
    options: Sequence[Scalar] = variable.options
    return options[dice.below(len(options))]


def _ipv4(variable: Any, dice: Dice) -> Scalar:
    network = ipaddress.ip_network(variable.within)
    if network.num_addresses <= 2:
        return str(network.network_address)
    return str(network.network_address + 1 + dice.below(network.num_addresses - 2))


def _hex(variable: Any, dice: Dice) -> Scalar:
    return "".join("0123456789abcdef"[dice.below(16)] for _ in range(variable.length))


def _between(variable: Any, dice: Dice) -> Scalar:
    lowest = int(variable.minimum)
    return lowest + dice.below(variable.maximum - lowest + 1)


# Both forms of a variable, as written and as stored, have the same fields.
_DRAWN: Mapping[str, Callable[[Any, Dice], Scalar]] = {
    "password": _password,
    "choice": _choice,
    "ipv4": _ipv4,
    "port": _between,
    "hex": _hex,
    "integer": _between,
}


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
        if variable.type == "flag":
            found[str(values[name])] = f"⟦FLAG:{_proven(name, variable, proofs)}⟧"
        else:
            found[str(values[name])] = f"⟦SECRET:{name}⟧"
    return found
