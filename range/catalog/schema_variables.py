"""Variables of a scenario: values drawn anew for every attempt."""

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from range.catalog.schema_shorthand import (
    HEX_DIGITS,
    HIGHEST_PORT,
    LOWEST_PORT,
    PASSWORD_LENGTH,
)
from range.checks.spec import Key, Scalar, Spec


def _network(value: str) -> str:
    ipaddress.ip_network(value, strict=True)
    return value


Cidr = Annotated[str, StringConstraints(max_length=49), AfterValidator(_network)]


class VariableSpec(Spec):
    """What every variable may say."""

    secret: bool = False
    """Whether the value is hidden from the tutor and masked in consoles; flags and passwords
    always are."""
    hidden: bool = False
    """Whether texts that trainees read must not use it; secrets never may."""

    @property
    def is_secret(self) -> bool:
        """Tell whether the value must never reach a prompt or a watcher."""
        return self.secret


class FlagVariable(VariableSpec):
    """A flag of this attempt."""

    type: Literal["flag"]
    objective: Key | None = None
    """Objective the flag proves; the one whose flag check names it when left out."""

    @property
    def is_secret(self) -> bool:
        """Flags are always secret."""
        return True


class PasswordVariable(VariableSpec):
    """A password without characters that are easily mistaken for one another."""

    type: Literal["password"]
    length: Annotated[int, Field(ge=8, le=64)] = PASSWORD_LENGTH
    """Number of characters."""

    @property
    def is_secret(self) -> bool:
        """Passwords are always secret."""
        return True


class ChoiceVariable(VariableSpec):
    """One of several values."""

    type: Literal["choice"]
    options: Annotated[tuple[Scalar, ...], Field(alias="from", min_length=1, max_length=200)]
    """What is chosen from, each as likely."""


class Ipv4Variable(VariableSpec):
    """A host address of a network."""

    type: Literal["ipv4"]
    within: Cidr
    """Network the address lies in, such as 198.51.100.0/24."""


class PortVariable(VariableSpec):
    """A TCP port."""

    type: Literal["port"]
    minimum: Annotated[int, Field(ge=1, le=65535)] = LOWEST_PORT
    """Lowest port."""
    maximum: Annotated[int, Field(ge=1, le=65535)] = HIGHEST_PORT
    """Highest port."""

    @model_validator(mode="after")
    def _ordered(self) -> "PortVariable":
        return _in_order(self, self.minimum, self.maximum)


class HexVariable(VariableSpec):
    """Hexadecimal digits."""

    type: Literal["hex"]
    length: Annotated[int, Field(ge=4, le=128)] = HEX_DIGITS
    """Number of digits."""


class IntegerVariable(VariableSpec):
    """A whole number."""

    type: Literal["integer"]
    minimum: Annotated[int, Field(ge=-(2**53), le=2**53)]
    """Smallest value."""
    maximum: Annotated[int, Field(ge=-(2**53), le=2**53)]
    """Largest value."""

    @model_validator(mode="after")
    def _ordered(self) -> "IntegerVariable":
        return _in_order(self, self.minimum, self.maximum)


def _in_order[V: VariableSpec](variable: V, minimum: int, maximum: int) -> V:
    if minimum > maximum:
        raise ValueError(f"minimum {minimum} is above maximum {maximum}")
    return variable


Variable = Annotated[
    FlagVariable
    | PasswordVariable
    | ChoiceVariable
    | Ipv4Variable
    | PortVariable
    | HexVariable
    | IntegerVariable,
    Field(discriminator="type"),
]
