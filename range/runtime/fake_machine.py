"""What a fake machine consists of: files, programs, web servers and terminals a test may script."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from range.runtime.driver import (
    ExecResult,
    FileStat,
    Handle,
    HttpReply,
    MachineUsage,
    Process,
)
from range.runtime.fake_console import FakeTerminal
from range.runtime.topology import Machine, Topology


@dataclass(frozen=True, kw_only=True)
class FakeRequest:
    """What a scripted web server is asked."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class FakeFile:
    """A file, folder or link of a fake machine."""

    data: bytes = b""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    is_directory: bool = False
    link_target: str = ""
    modified_at: float = 0.0
    capabilities: bytes = b""

    def stat(self, path: str) -> FileStat:
        """Return what `Driver.stat` tells of it."""
        return FileStat(
            path=path,
            mode=self.mode,
            uid=self.uid,
            gid=self.gid,
            size_bytes=len(self.data),
            is_link=bool(self.link_target),
            is_directory=self.is_directory,
            link_target=self.link_target,
            modified_at=self.modified_at,
            capabilities=self.capabilities,
        )


@dataclass(kw_only=True)
class FakeMachine:
    """What a test may look at and change while a fake sandbox runs.

    Args:
        programs: What `exec` answers, by the program's name.
        tools: What `tool` answers, by the program's name, given its files.
        banners: Ports that accept a connection, and what they say first.
        web: Web servers by port.
    """

    spec: Machine
    files: dict[str, FakeFile] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)
    programs: dict[str, Callable[[Sequence[str]], ExecResult]] = field(default_factory=dict)
    tools: dict[str, Callable[[Sequence[str], Mapping[str, bytes]], ExecResult]] = field(
        default_factory=dict
    )
    banners: dict[int, bytes] = field(default_factory=dict)
    web: dict[int, Callable[[FakeRequest], HttpReply]] = field(default_factory=dict)
    setup_run: list[tuple[str, ...]] = field(default_factory=list)
    terminals: dict[str, FakeTerminal] = field(default_factory=dict)
    usage: MachineUsage = field(default_factory=lambda: MachineUsage(memory_bytes=1 << 20, pids=1))
    exited: bool = False


@dataclass(kw_only=True)
class FakeSandbox:
    """A started sandbox of the fake driver."""

    handle: Handle
    topology: Topology
    machines: dict[str, FakeMachine]
    paused: bool = False


def booted(spec: Machine) -> FakeMachine:
    """Return a machine as it is right after its start."""
    machine = FakeMachine(spec=spec, setup_run=list(spec.setup))
    for file in spec.files:
        put(machine.files, file.path, file.data, mode=file.mode, uid=file.uid, gid=file.gid)
    return machine


def put(
    files: dict[str, FakeFile], path: str, data: bytes, *, mode: int, uid: int, gid: int
) -> None:
    """Add a file and the folders above it."""
    parts = path.strip("/").split("/")
    for depth in range(1, len(parts)):
        folder = "/" + "/".join(parts[:depth])
        files.setdefault(folder, FakeFile(is_directory=True, mode=0o755))
    files[path] = FakeFile(data=data, mode=mode, uid=uid, gid=gid)


def end_terminals(machine: FakeMachine) -> None:
    """End every shell of a machine."""
    for terminal in machine.terminals.values():
        terminal.end()
    machine.terminals.clear()
