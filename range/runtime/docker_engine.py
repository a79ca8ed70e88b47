"""The driver for one container engine."""

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from ipaddress import IPv4Network
from uuid import UUID

from docker.errors import APIError

from range.runtime import (
    docker_exec,
    docker_files,
    docker_observe,
    docker_pause,
    docker_peer,
    docker_remove,
    docker_tool,
    host_stillness,
)
from range.runtime.console_stream import EngineConsole
from range.runtime.docker_console import DockerConsoles, container_of
from range.runtime.docker_launch import Launch, machine_handle
from range.runtime.docker_spec import shape
from range.runtime.driver import (
    DiskLeft,
    ExecResult,
    FileStat,
    Handle,
    HttpReply,
    MachineLook,
    Process,
    Progress,
    RuntimeEvent,
    Size,
    Status,
    Usage,
)
from range.runtime.engine_client import Engine, explanation
from range.runtime.http_probe import ask
from range.runtime.options import DriverOptions
from range.runtime.topology import SeedFile, Topology


class DockerDriver:
    """Runs sandboxes as containers on bridges of one engine; see `driver.Driver`.

    Containers are found by their names, which derive from the sandbox, so an older handle
    still works after a machine was reset.
    """

    name = "docker"

    def __init__(self, options: DriverOptions | None = None) -> None:
        self.options = options or DriverOptions()
        self.engine = Engine(self.options.engine_url)
        self._consoles = DockerConsoles(self.engine)

    # --- lifecycle ----------------------------------------------------------------------------

    def start(
        self,
        sandbox_id: UUID,
        topology: Topology,
        *,
        deadline: datetime,
        progress: Progress | None = None,
        prepared: Handle | None = None,
    ) -> Handle:
        """Start networks and machines side by side."""
        launch = Launch(
            self.engine, self.options, sandbox_id, topology, deadline=deadline, prepared=prepared
        )
        return launch.run(progress or _silent)

    def prepare(self, sandbox_id: UUID, topology: Topology, *, deadline: datetime) -> Handle:
        """Make networks and machines; start the machines that run nothing by themselves."""
        return Launch(self.engine, self.options, sandbox_id, topology, deadline=deadline).prepare()

    def shape(self, topology: Topology) -> str:
        """Digest the engine's arguments."""
        return shape(topology, stronger_runtime=self.options.stronger_runtime)

    def stop(self, handle: Handle) -> None:
        """Kill and remove everything that carries the sandbox's label."""
        docker_remove.sandbox(self.engine, self.options.installation, handle.sandbox_id)

    def status(self, handle: Handle) -> Status:
        """Tell how the sandbox is, from one list."""
        return docker_observe.status(self.engine, handle, self.options.installation)

    def running(self) -> Iterator[Handle]:
        """Yield everything that carries this installation's label."""
        return docker_observe.handles(self.engine, self.options.installation)

    def reset(
        self, handle: Handle, machine: str, *, topology: Topology, deadline: datetime
    ) -> Handle:
        """Replace one container by a fresh one."""
        container = container_of(handle, machine)
        docker_remove.container(self.engine, container)
        subnets = {name: IPv4Network(net.subnet) for name, net in handle.networks.items()}
        spec = topology.machine(machine)
        launch = Launch(self.engine, self.options, handle.sandbox_id, topology, deadline=deadline)
        container_id = launch.machine_only(spec, subnets)
        fresh = machine_handle(topology, spec, container_id, subnets)
        return Handle(
            driver=self.name,
            sandbox_id=handle.sandbox_id,
            machines={**handle.machines, machine: fresh},
            networks=handle.networks,
        )

    def halt(self, handle: Handle, machine: str) -> None:
        """Kill the container and keep it."""
        container = container_of(handle, machine)
        with self.engine.client() as client:
            try:
                client.kill(container)
            except APIError as error:
                if "not running" not in explanation(error).lower():
                    raise

    def pause(self, handle: Handle) -> None:
        """Freeze every container."""
        for machine in handle.machines:
            docker_pause.pause(self.engine, container_of(handle, machine))

    def resume(self, handle: Handle) -> None:
        """Thaw every container."""
        for machine in handle.machines:
            docker_pause.resume(self.engine, container_of(handle, machine))

    @contextmanager
    def held_still(self, handle: Handle, machine: str) -> Iterator[None]:
        """Freeze its processes from the host, unseen by the engine."""
        with self.engine.client() as client:
            container = client.inspect_container(container_of(handle, machine))
        with host_stillness.held_still(int(container["State"]["Pid"]), container["Id"]):
            yield

    # --- programs and files -------------------------------------------------------------------

    def exec(
        self,
        handle: Handle,
        machine: str,
        argv: Sequence[str],
        *,
        user: str = "root",
        timeout: timedelta = timedelta(seconds=30),
    ) -> ExecResult:
        """Run a program of the machine's own."""
        container = container_of(handle, machine)
        return docker_exec.run(self.engine, container, argv, user=user, timeout=timeout)

    def tool(
        self,
        handle: Handle,
        machine: str,
        argv: Sequence[str],
        *,
        files: Mapping[str, bytes],
        replaced: Sequence[str] = (),
        timeout: timedelta = timedelta(seconds=30),
    ) -> ExecResult:
        """Run it in a container of its own."""
        return docker_tool.run(
            self.engine,
            container_of(handle, machine),
            argv,
            sandbox_id=handle.sandbox_id,
            installation=self.options.installation,
            files=files,
            replaced=replaced,
            timeout=timeout,
        )

    def read_file(
        self, handle: Handle, machine: str, path: str, *, limit_bytes: int = 1 << 20
    ) -> bytes | None:
        """Read through the engine's archive."""
        container = container_of(handle, machine)
        return docker_files.read(self.engine, container, path, limit_bytes=limit_bytes)

    def look(
        self, handle: Handle, machine: str, path: str, *, limit_bytes: int = 1 << 20
    ) -> tuple[FileStat, bytes | None] | None:
        """Look through one archive of the engine's."""
        container = container_of(handle, machine)
        return docker_files.look(self.engine, container, path, limit_bytes=limit_bytes)

    def stat(self, handle: Handle, machine: str, path: str) -> FileStat | None:
        """Look through the engine's archive."""
        return docker_files.stat(self.engine, container_of(handle, machine), path)

    def list_files(
        self, handle: Handle, machine: str, path: str, *, limit: int = 2000
    ) -> list[FileStat]:
        """List through the engine's archive."""
        container = container_of(handle, machine)
        return docker_files.listing(self.engine, container, path, limit=limit)

    def put_file(
        self,
        handle: Handle,
        machine: str,
        path: str,
        data: bytes,
        *,
        mode: int = 0o644,
        uid: int = 0,
        gid: int = 0,
    ) -> None:
        """Write through the engine's archive."""
        file = SeedFile(path=path, data=data, mode=mode, uid=uid, gid=gid)
        docker_files.put(self.engine, container_of(handle, machine), [file])

    # --- from a peer's place ------------------------------------------------------------------

    def connect(
        self,
        handle: Handle,
        from_network: str,
        host: str,
        port: int,
        *,
        timeout: timedelta = timedelta(seconds=2),
        datagrams: bool = False,
        place: int = 0,
    ) -> socket.socket:
        """Connect from the range's own peer on that network."""
        return docker_peer.connect(
            self.engine,
            handle,
            from_network,
            host,
            port,
            image=self.options.base_image,
            installation=self.options.installation,
            timeout=timeout.total_seconds(),
            datagrams=datagrams,
            place=place,
        )

    def http(
        self,
        handle: Handle,
        from_network: str,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        timeout: timedelta = timedelta(seconds=5),
        place: int = 0,
    ) -> HttpReply | None:
        """Ask over HTTP from the range's own peer on that network."""

        def opened(host: str, port: int) -> socket.socket:
            return self.connect(handle, from_network, host, port, timeout=timeout, place=place)

        return ask(opened, method, url, headers=headers, body=body, timeout=timeout)

    # --- observation --------------------------------------------------------------------------

    def processes(self, handle: Handle, machine: str) -> list[Process]:
        """Look from the host."""
        return docker_observe.processes(self.engine, container_of(handle, machine))

    def usage(self, handle: Handle) -> Usage:
        """Ask the engine's counters."""
        return docker_observe.usage(self.engine, handle, self.options.installation)

    def survey(self, *, sizes: bool = False) -> list[MachineLook]:
        """List them with one call."""
        return docker_observe.survey(self.engine, self.options.installation, sizes=sizes)

    def disk_left(self) -> DiskLeft | None:
        """Ask the file system."""
        return docker_observe.disk_left(self.engine)

    def events(self, since: datetime, *, until: datetime | None = None) -> Iterator[RuntimeEvent]:
        """Follow the engine's events."""
        return docker_observe.events(self.engine, self.options.installation, since, until)

    # --- consoles -----------------------------------------------------------------------------

    async def open_console(
        self, handle: Handle, machine: str, size: Size, *, console_id: str = "main"
    ) -> EngineConsole:
        """Enter the machine on the event loop."""
        return await self._consoles.open_console(handle, machine, size, console_id=console_id)

    def kill_consoles(self, handle: Handle, machine: str, *, console_id: str = "") -> None:
        """Kill what holds the shells."""
        self._consoles.kill_consoles(handle, machine, console_id=console_id)


def _silent(step: str, detail: str) -> None:
    """Report to nobody."""
