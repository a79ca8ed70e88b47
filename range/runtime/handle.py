"""The receipt of a started sandbox: what a driver needs to find it again, as plain JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, Self
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class MachineHandle:
    """Where one machine of a sandbox is.

    Args:
        container_id: The engine's id; empty for a driver without containers.
        addresses: Address of the machine by network name.
        console_user: Account a console runs as; empty if the machine has no console.
        aliases: Further names peers know it by.
    """

    container_id: str = ""
    addresses: Mapping[str, str] = field(default_factory=dict)
    console_user: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NetworkHandle:
    """Where one network of a sandbox is.

    Args:
        subnet: In CIDR notation.
    """

    network_id: str = ""
    subnet: str = ""


@dataclass(frozen=True, kw_only=True)
class Handle:
    """Opaque outside this layer; stored on the sandbox's row as JSON."""

    driver: str
    sandbox_id: UUID
    machines: Mapping[str, MachineHandle] = field(default_factory=dict)
    networks: Mapping[str, NetworkHandle] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back."""
        return {
            "driver": self.driver,
            "sandbox_id": str(self.sandbox_id),
            "machines": {name: asdict(machine) for name, machine in self.machines.items()},
            "networks": {name: asdict(network) for name, network in self.networks.items()},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote.

        Raises:
            ValueError: The value is not a handle.
        """
        try:
            return cls(
                driver=str(value["driver"]),
                sandbox_id=UUID(str(value["sandbox_id"])),
                machines={name: _machine(raw) for name, raw in value["machines"].items()},
                networks={name: NetworkHandle(**raw) for name, raw in value["networks"].items()},
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not a sandbox handle: {error}") from error

    def addresses_of(self, host: str, *, seen_from: str) -> Iterator[str]:
        """Yield the address `host` has on network `seen_from`, else those it has elsewhere.

        Args:
            host: Name or alias of a machine, or an address inside the sandbox.
        """
        for name, machine in self.machines.items():
            if host == name or host in machine.aliases:
                near = machine.addresses.get(seen_from)
                yield from [near] if near else machine.addresses.values()
                return
        if self._contains(host):
            yield host

    def _contains(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in ip_network(n.subnet) for n in self.networks.values() if n.subnet)


def _machine(raw: Mapping[str, Any]) -> MachineHandle:
    return MachineHandle(**{**raw, "aliases": tuple(raw.get("aliases", ()))})
