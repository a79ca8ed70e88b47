"""What an engine tells of sandboxes: which there are, how they are, what they use and suffer."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from math import ceil
from typing import Any
from uuid import UUID

from range.runtime import docker_networks, docker_spec, host_disks, host_processes
from range.runtime.driver import (
    DiskLeft,
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
        # An engine that is killed while it makes a container keeps its volumes alone.
        volumes = client.volumes(filters={"label": labels})["Volumes"] or ()
    alone = {_sandbox_id(found) for found in volumes}
    for sandbox_id in containers.keys() | networks.keys() | alone:
        yield _handle(sandbox_id, containers[sandbox_id], networks[sandbox_id])


def usage(engine: Engine, handle: Handle, installation: str) -> Usage:
    """Tell what each machine of a sandbox holds.

    Raises:
        SandboxGone: There is no machine left.
    """
    containers = _containers(engine, installation, sandbox_id=handle.sandbox_id)
    if not containers:
        raise SandboxGone
    disks = _disks(engine, containers)
    machines = {}
    for found in containers:
        with engine.client() as client:
            stats = client.stats(found["Id"], stream=False, one_shot=True)
        machines[found["Labels"][docker_spec.MACHINE]] = _usage(disks[found["Id"]], stats)
    return Usage(machines=machines)


def survey(engine: Engine, installation: str, *, sizes: bool) -> list[MachineLook]:
    """Look at every machine of an installation, without a call of the engine for each."""
    labels = [f"{docker_spec.INSTALLATION}={installation}", docker_spec.MACHINE]
    with engine.client() as client:
        found = client.containers(all=True, filters={"label": labels})
    disks = _disks(engine, found) if sizes else {}
    return [
        MachineLook(
            sandbox_id=_sandbox_id(each),
            machine=each["Labels"][docker_spec.MACHINE],
            container_id=each["Id"],
            is_running=_STATES.get(each["State"]) in (Status.RUNNING, Status.PAUSED),
            disk_bytes=disks.get(each["Id"], 0),
            limit_bytes=int(each["Labels"].get(docker_spec.DISK_LIMIT, 0)),
        )
        for each in found
    ]


def disk_left(engine: Engine) -> DiskLeft | None:
    """Tell what is left where the engine keeps containers; None where that is not our disk."""
    return host_disks.left(_folder(engine))


def processes(engine: Engine, container: str) -> list[Process]:
    """Return a container's processes as the host sees them.

    Raises:
        SandboxGone: It does not run.
    """
    with engine.client() as client:
        found = client.inspect_container(container)["Id"]
        rows = client.top(container, ps_args="-eo pid,uid,args")["Processes"]
    seen = (_process(row, found) for row in rows or ())
    return [replace(each, uid=engine.inside(each.uid, 0)[0]) for each in seen]


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


def _containers(engine: Engine, installation: str, *, sandbox_id: UUID) -> list[Mapping[str, Any]]:
    labels = [
        f"{docker_spec.INSTALLATION}={installation}",
        f"{docker_spec.SANDBOX}={sandbox_id}",
        docker_spec.MACHINE,
    ]
    with engine.client() as client:
        return list(client.containers(all=True, filters={"label": labels}))


def _disks(engine: Engine, containers: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Tell the bytes each container takes; the engine is only asked where we cannot see."""
    seen = host_disks.taken(
        {each["Id"]: place for each in containers if (place := _place(engine, each["Id"]))}
    )
    unseen = [each["Id"] for each in containers if each["Id"] not in seen]
    if unseen:
        with engine.client() as client:
            found = client.containers(all=True, size=True, filters={"id": unseen})
        seen |= dict.fromkeys(unseen, 0)
        seen |= {each["Id"]: max(int(each.get("SizeRw") or 0), 0) for each in found}
    return seen


def _place(engine: Engine, container: str) -> host_disks.Place | None:
    try:
        return _lies(engine, container)
    except SandboxGone:
        return None


@lru_cache(maxsize=4096)
def _lies(engine: Engine, container: str) -> host_disks.Place | None:
    with engine.client() as client:
        found = client.inspect_container(container)
    layer = (found.get("GraphDriver") or {}).get("Data") or {}
    if "UpperDir" not in layer or "MergedDir" not in layer:
        return None
    # Files of the engine's that a machine writes to although they are not in its layer, and
    # what volumes its image declares; our own lie in memory.
    names = ("HostsPath", "HostnamePath", "ResolvConfPath")
    beside = [found[name] for name in names if found.get(name)]
    ours = {mount["Target"] for mount in found["HostConfig"].get("Mounts") or ()}
    beside += [m["Source"] for m in found["Mounts"] if m["Destination"] not in ours]
    return host_disks.Place(
        layer=layer["UpperDir"], mounted=layer["MergedDir"], beside=tuple(beside)
    )


@lru_cache(maxsize=16)
def _folder(engine: Engine) -> str:
    with engine.client() as client:
        return str(client.info()["DockerRootDir"])


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


def _usage(disk_bytes: int, stats: Mapping[str, Any]) -> MachineUsage:
    memory = stats.get("memory_stats") or {}
    cpu = (stats.get("cpu_stats") or {}).get("cpu_usage") or {}
    return MachineUsage(
        memory_bytes=int(memory.get("usage") or 0),
        cpu_seconds=float(cpu.get("total_usage") or 0) / 1e9,
        pids=int((stats.get("pids_stats") or {}).get("current") or 0),
        disk_bytes=disk_bytes,
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
