"""The place probes start from: an ordinary peer on a sandbox's network that nobody can enter."""

import socket
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import IPv4Network
from typing import Any

from docker.errors import APIError

from range.runtime import docker_spec, host_namespaces, host_processes
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
) -> socket.socket:
    """Connect to a machine as a peer on `network` would.

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
        return host_namespaces.connect_in(
            pid, addresses, port, timeout=timeout, datagrams=datagrams
        )
    if datagrams:
        return datagrams_through(engine, peer["Id"], addresses[0], port, timeout=timeout)
    return connect_through(engine, peer["Id"], addresses, port, timeout=timeout)


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
