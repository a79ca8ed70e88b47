"""Networks of a sandbox on one engine: free subnets, creation, removal."""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any
from uuid import UUID

from docker import APIClient
from docker.errors import APIError

from range.runtime import docker_spec
from range.runtime.driver import LaunchFailed
from range.runtime.engine_client import Engine, explanation
from range.runtime.topology import Topology

_ROUTES = Path("/proc/net/route")


class SubnetTaken(Exception):
    """Another process took the subnet between our look and our call."""


class NameTaken(Exception):
    """Something of an earlier start of the same sandbox is still there."""


def choose_subnets(
    engine: Engine, sandbox_id: UUID, topology: Topology, *, pool: str
) -> dict[str, IPv4Network]:
    """Choose a free subnet for each network of the topology.

    Raises:
        LaunchFailed: The pool is used up.
        EngineDown: The engine does not answer.
    """
    with engine.client() as client:
        taken = [*_engine_subnets(client.networks()), *host_routes()]
    chosen: dict[str, IPv4Network] = {}
    for network in topology.networks:
        length = docker_spec.prefix_length(topology, network.name)
        seed = f"{sandbox_id}/{network.name}"
        subnet = free_subnet(IPv4Network(pool), length, taken=taken, seed=seed)
        taken.append(subnet)
        chosen[network.name] = subnet
    return chosen


def free_subnet(
    pool: IPv4Network, length: int, *, taken: Iterable[IPv4Network], seed: str
) -> IPv4Network:
    """Return a subnet of the pool that overlaps none taken.

    Args:
        length: Prefix length of the subnet.
        seed: Where to begin; two processes rarely reach for the same subnet.

    Raises:
        LaunchFailed: The pool is used up.
    """
    occupied = [network for network in taken if network.overlaps(pool)]
    size, count = 1 << (32 - length), 1 << max(length - pool.prefixlen, 0)
    first = int.from_bytes(sha256(seed.encode()).digest()[:8]) % count
    base = int(pool.network_address)
    for step in range(count):
        candidate = IPv4Network((base + (first + step) % count * size, length))
        if not any(candidate.overlaps(network) for network in occupied):
            return candidate
    raise LaunchFailed(
        "Every network address of the range is in use. Try again when another sandbox has ended.",
        reason="capacity",
        retryable=True,
    )


def host_routes(table: Path = _ROUTES) -> list[IPv4Network]:
    """Return the networks this host routes to, the default route aside."""
    try:
        lines = table.read_text("ascii").splitlines()[1:]
    except OSError:
        return []
    return [network for line in lines if (network := _route(line.split())).prefixlen]


def create_network(
    engine: Engine,
    topology: Topology,
    network: str,
    *,
    place: docker_spec.Place,
) -> str:
    """Create one network and return its id.

    Raises:
        SubnetTaken: Its subnet was free a moment ago.
        NameTaken: It exists already.
    """
    subnet = place.subnets[network]
    arguments = docker_spec.network_arguments(topology, network, subnet, place=place)
    with engine.client() as client:
        try:
            return str(client.create_network(**arguments)["Id"])
        except APIError as error:
            said = explanation(error).lower()
            if "overlap" in said:
                raise SubnetTaken from error
            if error.status_code == 409 or "already exists" in said:
                raise NameTaken from error
            raise


def labelled_networks(client: APIClient, labels: list[str]) -> list[dict[str, Any]]:
    """Return the networks that carry all these labels."""
    return list(client.networks(filters={"label": labels}))


def subnet_of(network: Mapping[str, Any]) -> str:
    """Return the subnet the engine tells of a network, empty if it has none."""
    return next((str(found) for found in _engine_subnets([network])), "")


def _engine_subnets(networks: Iterable[Mapping[str, Any]]) -> Iterator[IPv4Network]:
    for network in networks:
        for entry in (network.get("IPAM") or {}).get("Config") or ():
            subnet = entry.get("Subnet", "")
            if subnet and ":" not in subnet:
                yield IPv4Network(subnet, strict=False)


def _route(fields: list[str]) -> IPv4Network:
    # Both numbers are hexadecimal in the order of the machine's bytes. Source: proc(5).
    destination, mask = (
        IPv4Address(int(field, 16).to_bytes(4, "little")) for field in (fields[1], fields[7])
    )
    return IPv4Network(f"{destination}/{mask}", strict=False)
