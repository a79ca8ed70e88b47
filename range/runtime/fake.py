"""An in-memory driver for the tests of every layer above: deterministic and scriptable."""

import re
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from urllib.parse import urlsplit
from uuid import UUID

from range.runtime.docker_spec import address, prefix_length, shape
from range.runtime.driver import (
    ConsoleUnavailable,
    DiskLeft,
    EngineDown,
    ExecResult,
    FileStat,
    FileTooLarge,
    Handle,
    HttpReply,
    LaunchFailed,
    MachineHandle,
    MachineLook,
    NetworkHandle,
    NoSuchMachine,
    Process,
    Progress,
    RuntimeEvent,
    SandboxGone,
    Size,
    Status,
    Usage,
)
from range.runtime.fake_console import FakeConsole, FakeTerminal
from range.runtime.fake_machine import (
    FakeFile as FakeFile,
)
from range.runtime.fake_machine import (
    FakeMachine,
    FakeRequest,
    FakeSandbox,
    booted,
    end_terminals,
    put,
)
from range.runtime.options import DriverOptions
from range.runtime.topology import Machine, Topology

_CONSOLE_ID = re.compile(r"[a-z0-9-]{1,32}")
_MISSING = ExecResult(exit_code=127, stderr=b"no such program")


class FakeDriver:
    """Keeps sandboxes in memory; passes the same conformance suite as the real drivers."""

    name = "fake"

    def __init__(self, options: DriverOptions | None = None) -> None:
        self.options = options or DriverOptions()
        self.sandboxes: dict[UUID, FakeSandbox] = {}
        self.missing_images: set[str] = set()
        self.disk: DiskLeft | None = None
        self.calls: list[str] = []
        self._failures: dict[str, list[str]] = {}
        self._events: list[RuntimeEvent] = []
        self._changed = threading.Condition()

    # --- scripting ----------------------------------------------------------------------------

    def fail_next(self, operation: str, reason: str = "engine-down") -> None:
        """Make the next call of `operation` fail: a launch with `reason`, others as engine down."""
        self._failures.setdefault(operation, []).append(reason)

    def machine(self, handle: Handle, name: str) -> FakeMachine:
        """Return a machine to look at or change.

        Raises:
            SandboxGone: The sandbox was stopped.
            NoSuchMachine: It never was.
        """
        if name not in handle.machines:
            raise NoSuchMachine(name)
        return self._sandbox(handle).machines[name]

    def exit_machine(self, handle: Handle, name: str, *, exit_code: int = 0) -> None:
        """Let a machine end by itself."""
        self.machine(handle, name).exited = True
        self.record("exited", handle, name, exit_code=exit_code)

    def record(
        self, kind: str, handle: Handle, machine: str, *, exit_code: int | None = None
    ) -> None:
        """Add an event that `events` yields."""
        with self._changed:
            self._events.append(
                RuntimeEvent(
                    at=datetime.now(UTC),
                    kind=kind,
                    sandbox_id=handle.sandbox_id,
                    machine=machine,
                    container_id=handle.machines[machine].container_id,
                    exit_code=exit_code,
                )
            )
            self._changed.notify_all()

    def _enter(self, operation: str) -> None:
        self.calls.append(operation)
        if reasons := self._failures.get(operation):
            reason = reasons.pop(0)
            if operation in {"start", "prepare", "reset"}:
                raise LaunchFailed("The fake was told to fail.", reason=reason, retryable=True)
            raise SandboxGone if reason == "sandbox-gone" else EngineDown(reason)

    def _sandbox(self, handle: Handle) -> FakeSandbox:
        try:
            return self.sandboxes[handle.sandbox_id]
        except KeyError:
            raise SandboxGone from None

    def _alive(self, handle: Handle, name: str) -> FakeMachine:
        machine = self.machine(handle, name)
        if machine.exited:
            raise SandboxGone
        return machine

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
        """Start at once, or fail as scripted; what was prepared makes no difference."""
        self._enter("start")
        report = progress or (lambda step, detail: None)
        self.sandboxes.pop(sandbox_id, None)
        if deadline <= datetime.now(UTC):
            raise LaunchFailed("The sandbox was not ready in time.", reason="deadline")
        for machine in topology.machines:
            self._refuse_missing(machine)
        handle = _handle(sandbox_id, topology, self.options.network_pool)
        for network in topology.networks:
            report("network", network.name)
        machines = {machine.name: booted(machine) for machine in topology.machines}
        self.sandboxes[sandbox_id] = FakeSandbox(
            handle=handle, topology=topology, machines=machines
        )
        for machine in topology.machines:
            report("machine", machine.name)
            self.record("started", handle, machine.name)
        report("healthy", "")
        return handle

    def prepare(self, sandbox_id: UUID, topology: Topology, *, deadline: datetime) -> Handle:
        """Start machines without files and set-up."""
        self._enter("prepare")
        bare = [replace(machine, files=(), setup=()) for machine in topology.machines]
        for machine in bare:
            self._refuse_missing(machine)
        handle = _handle(sandbox_id, topology, self.options.network_pool)
        self.sandboxes[sandbox_id] = FakeSandbox(
            handle=handle,
            topology=topology,
            machines={machine.name: booted(machine) for machine in bare},
        )
        return handle

    def shape(self, topology: Topology) -> str:
        """Digest what the engine would be asked for."""
        return shape(topology)

    def _refuse_missing(self, machine: Machine) -> None:
        if machine.image in self.missing_images:
            message = f"The image of machine {machine.name} has not been built yet."
            raise LaunchFailed(message, reason="image-missing", retryable=True)

    def stop(self, handle: Handle) -> None:
        """Forget the sandbox."""
        self._enter("stop")
        sandbox = self.sandboxes.pop(handle.sandbox_id, None)
        for machine in sandbox.machines.values() if sandbox else ():
            end_terminals(machine)

    def status(self, handle: Handle) -> Status:
        """Tell how the sandbox is."""
        self._enter("status")
        sandbox = self.sandboxes.get(handle.sandbox_id)
        if sandbox is None:
            return Status.GONE
        if any(machine.exited for machine in sandbox.machines.values()):
            return Status.EXITED
        return Status.PAUSED if sandbox.paused else Status.RUNNING

    def running(self) -> Iterator[Handle]:
        """Yield what was started and not stopped."""
        self._enter("running")
        yield from [sandbox.handle for sandbox in self.sandboxes.values()]

    def reset(
        self, handle: Handle, machine: str, *, topology: Topology, deadline: datetime
    ) -> Handle:
        """Replace a machine by a fresh one."""
        end_terminals(self.machine(handle, machine))
        self._enter("reset")
        sandbox = self._sandbox(handle)
        sandbox.machines[machine] = booted(topology.machine(machine))
        fresh = replace(handle.machines[machine], container_id=f"fake-{len(self.calls)}")
        sandbox.handle = replace(handle, machines={**handle.machines, machine: fresh})
        return sandbox.handle

    def halt(self, handle: Handle, machine: str) -> None:
        """End a machine from outside."""
        self._enter("halt")
        if not self.machine(handle, machine).exited:
            self.exit_machine(handle, machine, exit_code=137)

    def pause(self, handle: Handle) -> None:
        """Note that it is paused."""
        self._enter("pause")
        self._sandbox(handle).paused = True

    def resume(self, handle: Handle) -> None:
        """Note that it is not paused."""
        self._enter("resume")
        self._sandbox(handle).paused = False

    @contextmanager
    def held_still(self, handle: Handle, machine: str) -> Iterator[None]:
        """Find the machine; nothing moves in it anyway."""
        self._enter("held_still")
        self.machine(handle, machine)
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
        """Answer as scripted, else as `echo`, `cat`, `true`, `false` and `sleep` would."""
        self._enter("exec")
        target = self._alive(handle, machine)
        if argv[0] in target.programs:
            return target.programs[argv[0]](argv)
        if argv[0] == "sleep" and timedelta(seconds=float(argv[1])) > timeout:
            return ExecResult(exit_code=137, timed_out=True)
        if argv[0] == "cat":
            found = target.files.get(argv[1])
            return ExecResult(exit_code=0, stdout=found.data) if found else ExecResult(exit_code=1)
        known = {"true": (0, b""), "sleep": (0, b""), "false": (1, b"")}
        known["echo"] = (0, " ".join(argv[1:]).encode() + b"\n")
        if argv[0] not in known:
            return _MISSING
        code, output = known[argv[0]]
        return ExecResult(exit_code=code, stdout=output)

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
        """Answer as scripted, else as the image's `cat` would of the files given."""
        self._enter("tool")
        target = self._alive(handle, machine)
        if argv[0] in target.tools:
            return target.tools[argv[0]](argv, files)
        if argv[0] != "cat":
            return _MISSING
        found = files.get(argv[1])
        return ExecResult(exit_code=1) if found is None else ExecResult(exit_code=0, stdout=found)

    def read_file(
        self, handle: Handle, machine: str, path: str, *, limit_bytes: int = 1 << 20
    ) -> bytes | None:
        """Return a regular file's content."""
        self._enter("read_file")
        file = self._alive(handle, machine).files.get(path)
        if file is None or file.is_directory or file.link_target:
            return None
        if len(file.data) > limit_bytes:
            raise FileTooLarge(path, limit_bytes=limit_bytes)
        return file.data

    def look(
        self, handle: Handle, machine: str, path: str, *, limit_bytes: int = 1 << 20
    ) -> tuple[FileStat, bytes | None] | None:
        """Tell what lies at `path`, with its content."""
        self._enter("look")
        file = self._alive(handle, machine).files.get(path.rstrip("/") or "/")
        if file is None:
            return None
        is_fit = not (file.is_directory or file.link_target or len(file.data) > limit_bytes)
        return file.stat(path), file.data if is_fit else None

    def stat(self, handle: Handle, machine: str, path: str) -> FileStat | None:
        """Tell what lies at `path`."""
        self._enter("stat")
        file = self._alive(handle, machine).files.get(path.rstrip("/") or "/")
        return file.stat(path) if file else None

    def list_files(
        self, handle: Handle, machine: str, path: str, *, limit: int = 2000
    ) -> list[FileStat]:
        """Return what lies below a folder."""
        self._enter("list_files")
        below = path.rstrip("/") + "/"
        files = sorted(self._alive(handle, machine).files.items())
        return [file.stat(name) for name, file in files if name.startswith(below)][:limit]

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
        """Write a file and the folders above it."""
        self._enter("put_file")
        put(self._alive(handle, machine).files, path, data, mode=mode, uid=uid, gid=gid)

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
        """Return a socket whose other end says the machine's banner and hangs up."""
        self._enter("connect")
        machine = self._reachable(handle, from_network, host)
        if port not in machine.banners and port not in machine.web:
            raise ConnectionRefusedError(f"{host}:{port}")
        kind = socket.SOCK_DGRAM if datagrams else socket.SOCK_STREAM
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        theirs.sendall(machine.banners.get(port, b""))
        theirs.close()
        return ours

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
        """Ask the scripted web server."""
        self._enter("http")
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        request = FakeRequest(method=method, path=path, headers=tuple(headers), body=body)
        try:
            server = self._reachable(handle, from_network, parts.hostname or "").web.get(port)
        except OSError:
            return None
        return server(request) if server else None

    def _reachable(self, handle: Handle, from_network: str, host: str) -> FakeMachine:
        sandbox = self._sandbox(handle)
        if from_network not in handle.networks:
            raise NoSuchMachine(from_network)
        for name, machine in handle.machines.items():
            known = {name, *machine.aliases, machine.addresses.get(from_network)}
            if host in known and from_network in machine.addresses:
                if sandbox.machines[name].exited:
                    break
                return sandbox.machines[name]
        raise OSError(f"no route from {from_network} to {host}")

    # --- observation --------------------------------------------------------------------------

    def processes(self, handle: Handle, machine: str) -> list[Process]:
        """Return the scripted processes."""
        self._enter("processes")
        return list(self._alive(handle, machine).processes)

    def usage(self, handle: Handle) -> Usage:
        """Return the scripted usage."""
        self._enter("usage")
        machines = self._sandbox(handle).machines
        return Usage(machines={name: machine.usage for name, machine in machines.items()})

    def survey(self, *, sizes: bool = False) -> list[MachineLook]:
        """Look at every machine, with scripted sizes."""
        self._enter("survey")
        return [
            MachineLook(
                sandbox_id=sandbox.handle.sandbox_id,
                machine=name,
                container_id=sandbox.handle.machines[name].container_id,
                is_running=not machine.exited,
                disk_bytes=machine.usage.disk_bytes if sizes else 0,
                limit_bytes=machine.spec.limits.disk_mb << 20,
            )
            for sandbox in list(self.sandboxes.values())
            for name, machine in sandbox.machines.items()
        ]

    def disk_left(self) -> DiskLeft | None:
        """Return the scripted room."""
        return self.disk

    def events(self, since: datetime, *, until: datetime | None = None) -> Iterator[RuntimeEvent]:
        """Yield what was recorded, waiting for more until `until`."""
        seen = 0
        while True:
            with self._changed:
                news = self._events[seen:]
                if not news and not self._wait(until):
                    return
                seen += len(news)
            yield from (event for event in news if event.at >= since)

    def _wait(self, until: datetime | None) -> bool:
        if until is None:
            return self._changed.wait() or True
        return self._changed.wait(max((until - datetime.now(UTC)).total_seconds(), 0))

    # --- consoles -----------------------------------------------------------------------------

    async def open_console(
        self, handle: Handle, machine: str, size: Size, *, console_id: str = "main"
    ) -> FakeConsole:
        """Open a terminal that echoes what is typed."""
        self._enter("open_console")
        target = self._alive(handle, machine)
        user = handle.machines[machine].console_user
        if not user or not _CONSOLE_ID.fullmatch(console_id):
            raise ConsoleUnavailable(f"Machine {machine} has no console.")
        prompt = f"{user}@{machine}:~$ ".encode()
        terminal = target.terminals.setdefault(console_id, FakeTerminal(prompt))
        return terminal.attach(size)

    def kill_consoles(self, handle: Handle, machine: str, *, console_id: str = "") -> None:
        """End one terminal of a machine, or all."""
        self._enter("kill_consoles")
        target = self.machine(handle, machine)
        if not console_id:
            end_terminals(target)
        elif terminal := target.terminals.pop(console_id, None):
            terminal.end()


def _handle(sandbox_id: UUID, topology: Topology, pool: str) -> Handle:
    subnets = _subnets(topology, pool)
    machines = {
        machine.name: MachineHandle(
            container_id=f"fake-{machine.name}",
            addresses={n: address(topology, machine.name, n, subnets[n]) for n in machine.networks},
            console_user=machine.console.user if machine.console else "",
            aliases=machine.aliases,
        )
        for machine in topology.machines
    }
    networks = {
        name: NetworkHandle(network_id=f"fake-{name}", subnet=str(subnet))
        for name, subnet in subnets.items()
    }
    return Handle(driver="fake", sandbox_id=sandbox_id, machines=machines, networks=networks)


def _subnets(topology: Topology, pool: str) -> Mapping[str, IPv4Network]:
    free = IPv4Network(pool).subnets(new_prefix=24)
    lengths = {n.name: prefix_length(topology, n.name) for n in topology.networks}
    return {name: next(next(free).subnets(new_prefix=length)) for name, length in lengths.items()}
