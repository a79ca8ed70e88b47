"""What an engine tells of sandboxes: which there are, how they are, what they use and suffer."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from math import ceil
from typing import Any
from uuid import UUID

from range.runtime import docker_networks, docker_spec, host_processes
from range.runtime.driver import (
    Handle,
    MachineHandle,
    MachineLook,
    MachineUsage,
    NetworkHandle,
    Process,
    RuntimeEvent,
    SandboxGone,
    Status,
    Usage,
)
from range.runtime.engine_client import Engine, translated

_KINDS = {
    "start": "started",
    "die": "exited",
    "oom": "out-of-memory",
    "pause": "paused",
    "unpause": "resumed",
}
_STATES = {
    "created": Status.STARTING,
    "running": Status.RUNNING,
    "restarting": Status.STARTING,
    "paused": Status.PAUSED,
    "exited": Status.EXITED,
    "dead": Status.EXITED,
    "removing": Status.EXITED,
}
# The worst one tells how a sandbox is.
_ORDER = (Status.EXITED, Status.STARTING, Status.PAUSED, Status.RUNNING)


def status(engine: Engine, handle: Handle, installation: str) -> Status:
    """Tell how a sandbox as a whole is."""
    containers = _containers(engine, installation, sandbox_id=handle.sandbox_id)
    if not containers:
        return Status.GONE
    names = {c["Labels"][docker_spec.MACHINE] for c in containers}
    if set(handle.machines) - names:
        return Status.EXITED
    states = {_STATES.get(c["State"], Status.EXITED) for c in containers}
    return next(state for state in _ORDER if state in states)


def handles(engine: Engine, installation: str) -> Iterator[Handle]:
    """Yield a handle for everything that carries our labels, half-made or whole."""
    containers: dict[UUID, list[Mapping[str, Any]]] = defaultdict(list)
    networks: dict[UUID, list[Mapping[str, Any]]] = defaultdict(list)
    with engine.client() as client:
        labels = [f"{docker_spec.INSTALLATION}={installation}"]
        for found in client.containers(all=True, filters={"label": labels}):
            containers[_sandbox_id(found)].append(found)
        for found in docker_networks.labelled_networks(client, labels):
            networks[_sandbox_id(found)].append(found)
    for sandbox_id in containers.keys() | networks.keys():
        yield _handle(sandbox_id, containers[sandbox_id], networks[sandbox_id])


def usage(engine: Engine, handle: Handle, installation: str) -> Usage:
    """Tell what each machine of a sandbox holds.

    Raises:
        SandboxGone: There is no machine left.
    """
    containers = _containers(engine, installation, sandbox_id=handle.sandbox_id, size=True)
    if not containers:
        raise SandboxGone
    machines = {}
    for found in containers:
        with engine.client() as client:
            stats = client.stats(found["Id"], stream=False, one_shot=True)
        machines[found["Labels"][docker_spec.MACHINE]] = _usage(found, stats)
    return Usage(machines=machines)


def survey(engine: Engine, installation: str, *, sizes: bool) -> list[MachineLook]:
    """Look at every machine of an installation with one call, whatever their number."""
    labels = [f"{docker_spec.INSTALLATION}={installation}", docker_spec.MACHINE]
    with engine.client() as client:
        found = client.containers(all=True, size=sizes, filters={"label": labels})
    return [
        MachineLook(
            sandbox_id=_sandbox_id(each),
            machine=each["Labels"][docker_spec.MACHINE],
            container_id=each["Id"],
            is_running=_STATES.get(each["State"]) in (Status.RUNNING, Status.PAUSED),
            disk_bytes=int(each.get("SizeRw") or 0),
        )
        for each in found
    ]


def processes(engine: Engine, container: str) -> list[Process]:
    """Return a container's processes as the host sees them.

    Raises:
        SandboxGone: It does not run.
    """
    with engine.client() as client:
        found = client.inspect_container(container)["Id"]
        rows = client.top(container, ps_args="-eo pid,uid,args")["Processes"]
    return [_process(row, found) for row in rows or ()]


def events(
    engine: Engine, installation: str, since: datetime, until: datetime | None
) -> Iterator[RuntimeEvent]:
    """Yield what happened to machines of this installation.

    Raises:
        EngineDown: The engine ended the stream in another way than at `until`.
    """
    filters = {
        "type": "container",
        "event": list(_KINDS),
        "label": [f"{docker_spec.INSTALLATION}={installation}", docker_spec.MACHINE],
    }
    # A client of its own: it stays busy for as long as somebody listens.
    with engine.client() as client, translated():
        stream = client.events(
            # Whole seconds are what the library passes on: look from earlier, drop what is too old.
            since=int(since.timestamp()),
            until=ceil(until.timestamp()) if until else None,
            filters=filters,
            decode=True,
        )
        try:
            happened = (_event(raw) for raw in stream if raw.get("Action") in _KINDS)
            yield from (event for event in happened if event.at >= since)
        finally:
            stream.close()


def _containers(
    engine: Engine, installation: str, *, sandbox_id: UUID, size: bool = False
) -> list[Mapping[str, Any]]:
    labels = [
        f"{docker_spec.INSTALLATION}={installation}",
        f"{docker_spec.SANDBOX}={sandbox_id}",
        docker_spec.MACHINE,
    ]
    with engine.client() as client:
        return list(client.containers(all=True, size=size, filters={"label": labels}))


def _sandbox_id(found: Mapping[str, Any]) -> UUID:
    return UUID(found["Labels"][docker_spec.SANDBOX])


def _handle(
    sandbox_id: UUID,
    containers: list[Mapping[str, Any]],
    networks: list[Mapping[str, Any]],
) -> Handle:
    names = {n["Name"]: n["Labels"][docker_spec.NETWORK] for n in networks}
    return Handle(
        driver="docker",
        sandbox_id=sandbox_id,
        machines={
            c["Labels"][docker_spec.MACHINE]: _machine(c, names)
            for c in containers
            if docker_spec.MACHINE in c["Labels"]
        },
        networks={
            n["Labels"][docker_spec.NETWORK]: NetworkHandle(
                network_id=n["Id"], subnet=docker_networks.subnet_of(n)
            )
            for n in networks
        },
    )


def _machine(container: Mapping[str, Any], names: Mapping[str, str]) -> MachineHandle:
    joined = container["NetworkSettings"]["Networks"]
    return MachineHandle(
        container_id=container["Id"],
        addresses={
            names[name]: endpoint["IPAddress"]
            for name, endpoint in joined.items()
            if name in names and endpoint.get("IPAddress")
        },
        console_user=container["Labels"].get(docker_spec.CONSOLE_USER, ""),
        aliases=tuple(container["Labels"].get(docker_spec.ALIASES, "").split()),
    )


def _usage(container: Mapping[str, Any], stats: Mapping[str, Any]) -> MachineUsage:
    memory = stats.get("memory_stats") or {}
    cpu = (stats.get("cpu_stats") or {}).get("cpu_usage") or {}
    return MachineUsage(
        memory_bytes=int(memory.get("usage") or 0),
        cpu_seconds=float(cpu.get("total_usage") or 0) / 1e9,
        pids=int((stats.get("pids_stats") or {}).get("current") or 0),
        disk_bytes=int(container.get("SizeRw") or 0),
    )


def _process(row: list[str], container_id: str) -> Process:
    pid, uid, words = int(row[0]), row[1], row[2]
    if host_processes.belongs(pid, container_id) and (exact := host_processes.describe(pid)):
        return exact
    return Process(pid=pid, uid=int(uid) if uid.isdigit() else -1, argv=tuple(words.split()))


def _event(raw: Mapping[str, Any]) -> RuntimeEvent:
    told = raw["Actor"]["Attributes"]
    code = told.get("exitCode")
    return RuntimeEvent(
        at=datetime.fromtimestamp(raw["timeNano"] / 1e9, UTC),
        kind=_KINDS[raw["Action"]],
        sandbox_id=UUID(told[docker_spec.SANDBOX]),
        machine=told[docker_spec.MACHINE],
        container_id=str(raw["Actor"]["ID"]),
        exit_code=int(code) if code is not None else None,
    )
