"""The place probes start from: an ordinary peer on a sandbox's network that nobody can enter."""

import socket
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import IPv4Network
from typing import Any

from docker.errors import APIError

from range.runtime import docker_spec, host_lan, host_namespaces, host_processes
from range.runtime.docker_relay import connect_through, datagrams_through
from range.runtime.driver import EngineError, Handle, NoSuchMachine, SandboxGone
from range.runtime.engine_client import Engine, create_container


def connect(
    engine: Engine,
    handle: Handle,
    network: str,
    host: str,
    port: int,
    *,
    image: str,
    installation: str,
    timeout: float,
    datagrams: bool = False,
    place: int = 0,
) -> socket.socket:
    """Connect to a machine as a peer on `network` would.

    Args:
        place: Which free address of the network it comes from, where we may enter.

    Raises:
        OSError: Nothing accepted the connection, or the sandbox has no such host.
        SandboxGone: The network has gone.
    """
    if network not in handle.networks:
        raise NoSuchMachine(network)
    addresses = list(handle.addresses_of(host, seen_from=network))
    if not addresses:
        raise OSError(f"no machine of the sandbox is called {host!r}")
    peer = _peer(engine, handle, network, image=image, installation=installation)
    pid = int(peer["State"]["Pid"])
    if host_processes.belongs(pid, peer["Id"]) and host_processes.may_enter(pid):
        source = _fixed_place(engine, handle, network, peer, place)
        return host_namespaces.connect_in(
            pid, addresses, port, timeout=timeout, datagrams=datagrams, source=source
        )
    if datagrams:
        return datagrams_through(engine, peer["Id"], addresses[0], port, timeout=timeout)
    return connect_through(engine, peer["Id"], addresses, port, timeout=timeout)


def _fixed_place(
    engine: Engine, handle: Handle, network: str, peer: Mapping[str, Any], place: int
) -> str:
    """Fix who is who on the network, and return the address to come from."""
    bridge = docker_spec.bridge_name(handle.sandbox_id, network)
    if not host_lan.is_here(bridge):
        return ""
    subnet = IPv4Network(handle.networks[network].subnet)
    taken = {each.addresses.get(network) for each in handle.machines.values()}
    # The first host address is the gateway's.
    free = [str(each) for each in list(subnet.hosts())[1:] if str(each) not in taken]
    grader = _member(peer, docker_spec.network_name(handle.sandbox_id, network))
    try:
        if grader is None:
            raise OSError("the peer is not on its network")
        if not host_lan.is_fixed(bridge):
            host_lan.fix(bridge, _members(engine, handle, network), grader, free)
        source = free[place % len(free)]
        host_lan.take(grader, source, subnet.prefixlen)
    except OSError as error:
        raise EngineError(f"the network {network} cannot be fixed: {error}") from error
    return source


def _members(engine: Engine, handle: Handle, network: str) -> list[host_lan.Member]:
    name = docker_spec.network_name(handle.sandbox_id, network)
    found = []
    for machine, where in handle.machines.items():
        if network not in where.addresses:
            continue
        container = docker_spec.container_name(handle.sandbox_id, machine)
        with suppress(SandboxGone), engine.client() as client:
            member = _member(client.inspect_container(container), name)
            found += [] if member is None else [member]
    return found


def _member(container: Mapping[str, Any], network: str) -> host_lan.Member | None:
    joined = container["NetworkSettings"]["Networks"].get(network) or {}
    pid = int(container["State"]["Pid"])
    if pid <= 0 or not joined.get("MacAddress"):
        return None
    return host_lan.Member(pid=pid, address=joined["IPAddress"], card=joined["MacAddress"])


def _peer(
    engine: Engine, handle: Handle, network: str, *, image: str, installation: str
) -> Mapping[str, Any]:
    name = docker_spec.container_name(handle.sandbox_id, f"{network}.peer")
    found = _running(engine, name)
    if found is None:
        _create(engine, handle, network, name=name, image=image, installation=installation)
        found = _running(engine, name)
    if found is None:
        raise SandboxGone
    return found


def _running(engine: Engine, name: str) -> Mapping[str, Any] | None:
    try:
        with engine.client() as client:
            found = dict(client.inspect_container(name))
    except SandboxGone:
        return None
    return found if found["State"]["Running"] else None


def _create(
    engine: Engine, handle: Handle, network: str, *, name: str, image: str, installation: str
) -> None:
    subnets = {network: IPv4Network(handle.networks[network].subnet)}
    place = docker_spec.Place(
        installation=installation,
        sandbox_id=handle.sandbox_id,
        subnets=subnets,
        root_ids=engine.root_ids(),
    )
    arguments = docker_spec.probe_arguments(network, image, place=place)
    with engine.client() as client:
        try:
            create_container(client, name, arguments)
        except APIError as error:
            # Another process made it in the same moment: there is one, which will do.
            if error.status_code != 409:
                raise
    _start(engine, name)


def _start(engine: Engine, name: str) -> None:
    try:
        with engine.client() as client:
            client.start(name)
    except (SandboxGone, EngineError) as error:
        with engine.client() as client, suppress(APIError):
            client.remove_container(name, force=True, v=True)
        raise SandboxGone from error
