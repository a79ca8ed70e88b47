"""The seam between the range and what runs its sandboxes: protocol, values and errors."""

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, Self
from uuid import UUID

from range.runtime.driver_errors import ConsoleUnavailable as ConsoleUnavailable
from range.runtime.driver_errors import EngineDown as EngineDown
from range.runtime.driver_errors import EngineError as EngineError
from range.runtime.driver_errors import FileTooLarge as FileTooLarge
from range.runtime.driver_errors import LaunchFailed as LaunchFailed
from range.runtime.driver_errors import NoSuchMachine as NoSuchMachine
from range.runtime.driver_errors import SandboxGone as SandboxGone
from range.runtime.driver_errors import SandboxPaused as SandboxPaused
from range.runtime.handle import Handle as Handle
from range.runtime.handle import MachineHandle as MachineHandle
from range.runtime.handle import NetworkHandle as NetworkHandle
from range.runtime.topology import Topology

# Step and detail, such as ("machine", "web"); called in the thread that called `start`.
type Progress = Callable[[str, str], None]

OUTPUT_LIMIT_BYTES = 1 << 20
HTTP_BODY_LIMIT_BYTES = 1 << 20


class Status(StrEnum):
    """How a sandbox as a whole is; one exited machine makes it EXITED."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    EXITED = "EXITED"
    GONE = "GONE"


@dataclass(frozen=True, kw_only=True)
class Size:
    """A terminal's size, clamped to 2..500 whatever a browser claims."""

    columns: int = 80
    rows: int = 24

    @classmethod
    def clamped(cls, *, columns: int, rows: int) -> Self:
        """Return the nearest size a terminal can have."""
        return cls(columns=min(max(columns, 2), 500), rows=min(max(rows, 2), 500))

    def __post_init__(self) -> None:
        """Clamp, so that no other value of this type exists."""
        object.__setattr__(self, "columns", min(max(int(self.columns), 2), 500))
        object.__setattr__(self, "rows", min(max(int(self.rows), 2), 500))


@dataclass(frozen=True, kw_only=True)
class ExecResult:
    """What a command did.

    Args:
        exit_code: 126 or 127 if the program cannot be run; 137 after a time-out.
        stdout: At most `OUTPUT_LIMIT_BYTES`.
        stderr: At most `OUTPUT_LIMIT_BYTES`.
        truncated: Whether output beyond the limit was dropped.
    """

    exit_code: int
    stdout: bytes = b""
    stderr: bytes = b""
    timed_out: bool = False
    truncated: bool = False


@dataclass(frozen=True, kw_only=True)
class FileStat:
    """What lies at a path; told by the engine, a final link not followed.

    Args:
        mode: Permission bits with setuid, setgid and sticky, without the file type.
        modified_at: Seconds since 1970; 0.0 where it cannot be told.
        is_special: Whether it is a pipe, a socket or a device.
        capabilities: The raw `security.capability` attribute (the archive's PAX record
            `SCHILY.xattr.security.capability`); empty when the file has none.
    """

    path: str
    mode: int
    uid: int
    gid: int
    size_bytes: int
    is_link: bool = False
    is_directory: bool = False
    is_special: bool = False
    link_target: str = ""
    modified_at: float = 0.0
    capabilities: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process of a machine as the engine's host sees it.

    Args:
        pid: Number in the host's process table, which the machine itself does not know.
        executable: Resolved executable inside the machine, empty where it cannot be told.
    """

    pid: int
    uid: int
    argv: tuple[str, ...]
    executable: str = ""


@dataclass(frozen=True, kw_only=True)
class HttpReply:
    """What a machine answered over HTTP; the body is cut at `HTTP_BODY_LIMIT_BYTES`.

    Args:
        is_cut: Whether there was more of the body.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    is_cut: bool = False


@dataclass(frozen=True, kw_only=True)
class MachineUsage:
    """Resources one machine holds at this moment.

    Args:
        disk_bytes: What it takes of the disk; a file counts for 4 KiB at least.
    """

    memory_bytes: int = 0
    cpu_seconds: float = 0.0
    pids: int = 0
    disk_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Resources a sandbox holds, by machine name."""

    machines: dict[str, MachineUsage]


@dataclass(frozen=True, kw_only=True)
class MachineLook:
    """One machine as the engine knows it at this moment.

    Args:
        container_id: As in the machine's handle; another one after a reset.
        is_running: Whether its programs exist; true of a paused one too.
        disk_bytes: As in its usage; 0 unless sizes were asked for.
        limit_bytes: What its topology lets it write; 0 where nobody wrote that down.
    """

    sandbox_id: UUID
    machine: str
    container_id: str
    is_running: bool
    disk_bytes: int = 0
    limit_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class DiskLeft:
    """What the file system that machines write to still has.

    Args:
        files: Files, folders and links that can still be made.
    """

    free_bytes: int
    files: int


@dataclass(frozen=True, kw_only=True)
class RuntimeEvent:
    """Something the engine noticed.

    Args:
        kind: `started`, `exited`, `out-of-memory`, `paused` or `resumed`.
        container_id: As in the machine's handle; it tells a machine from the one it replaced.
        exit_code: Only for `exited`.
    """

    at: datetime
    kind: str
    sandbox_id: UUID
    machine: str
    container_id: str = ""
    exit_code: int | None = None


class ConsoleStream(Protocol):
    """A terminal's bytes; one reader and one writer at a time."""

    async def read(self) -> bytes:
        """Return what the terminal printed next, b"" once it has ended."""
        ...

    def listen(self, take: Callable[[bytes], bool]) -> None:
        """Offer what is printed while `read` waits to `take`; `read` returns what it refuses."""
        ...

    async def write(self, data: bytes) -> None:
        """Type `data`; waits while the terminal does not take more.

        Raises:
            SandboxGone: The terminal has ended.
        """
        ...

    def has_room(self) -> bool:
        """Tell whether `write_now` may be called: everything typed before has left."""
        ...

    def write_now(self, data: bytes) -> None:
        """Type a little without waiting."""
        ...

    async def resize(self, size: Size) -> None:
        """Tell programs the terminal's new size; too late is no error."""
        ...

    async def close(self) -> None:
        """Leave the terminal; the shell in it stays for the next `open_console`."""
        ...


class Consoles(Protocol):
    """Opens terminals on machines, and ends what they left open."""

    async def open_console(
        self, handle: Handle, machine: str, size: Size, *, console_id: str = "main"
    ) -> ConsoleStream:
        """Open the machine's terminal, or the one left open under the same `console_id`.

        Raises:
            ConsoleUnavailable: The machine has no console, or the id is malformed.
        """
        ...

    def kill_consoles(self, handle: Handle, machine: str, *, console_id: str = "") -> None:
        """End the shells that consoles left open in a machine; already ended is success.

        Args:
            console_id: Only the console of this name; empty for all of them.
        """
        ...


class Driver(Consoles, Protocol):
    """Starts sandboxes and reaches into them; synchronous and thread-safe but for consoles.

    Every method that takes a handle raises `SandboxGone` if the machine it needs has gone,
    `NoSuchMachine` if it never was, and `EngineDown` if nobody can tell.
    """

    name: str

    def start(
        self,
        sandbox_id: UUID,
        topology: Topology,
        *,
        deadline: datetime,
        progress: Progress | None = None,
        prepared: Handle | None = None,
    ) -> Handle:
        """Start every machine; return once all run and are healthy.

        What an interrupted start of the same sandbox left behind is replaced.

        Args:
            prepared: What `prepare` returned for this sandbox and a topology of the same shape;
                it is used as far as it is still there.

        Raises:
            LaunchFailed: With a reason slug; nothing of the sandbox is left.
        """
        ...

    def prepare(self, sandbox_id: UUID, topology: Topology, *, deadline: datetime) -> Handle:
        """Make what does not depend on an attempt, so that a later start is short.

        That is networks, and machines without their files and set-up. It is stopped like any
        sandbox, and `running` tells of it.

        Raises:
            LaunchFailed: Nothing of it is left.
        """
        ...

    def shape(self, topology: Topology) -> str:
        """Return a digest of everything that `prepare` would make."""
        ...

    def stop(self, handle: Handle) -> None:
        """Remove everything of the sandbox; already gone is success."""
        ...

    def status(self, handle: Handle) -> Status:
        """Tell how the sandbox as a whole is."""
        ...

    def running(self) -> Iterator[Handle]:
        """Yield every sandbox of this installation that exists, owned or orphaned."""
        ...

    def reset(
        self, handle: Handle, machine: str, *, topology: Topology, deadline: datetime
    ) -> Handle:
        """Replace one machine by a fresh one at the same addresses; return the new handle.

        Raises:
            LaunchFailed: The fresh machine did not become healthy; the others still run.
        """
        ...

    def halt(self, handle: Handle, machine: str) -> None:
        """End one machine and leave it for a reset; already ended is success."""
        ...

    def pause(self, handle: Handle) -> None:
        """Freeze every machine that runs; already paused is success."""
        ...

    def resume(self, handle: Handle) -> None:
        """Thaw every machine; not paused is success."""
        ...

    def held_still(self, handle: Handle, machine: str) -> AbstractContextManager[None]:
        """Let nothing move in one machine for a moment, where the driver can; not a pause.

        The machine goes on when the context ends, and soon after whoever opened it has died.
        Meanwhile programs, consoles and pauses wait for it.
        """
        ...

    def exec(
        self,
        handle: Handle,
        machine: str,
        argv: Sequence[str],
        *,
        user: str = "root",
        timeout: timedelta = timedelta(seconds=30),
    ) -> ExecResult:
        """Run a program of the machine's own; for grading it proves nothing.

        At the time-out the program is killed. A missing program is exit code 126 or 127.
        """
        ...

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
        """Run a program of the machine's image, as it was built, beside the machine.

        It sees no network, no process of the machine, and of its files only those given.

        Args:
            files: Content by path, placed before it runs.
            replaced: Files and folders of the image that are taken away before that.
        """
        ...

    def read_file(
        self, handle: Handle, machine: str, path: str, *, limit_bytes: int = 1 << 20
    ) -> bytes | None:
        """Return a regular file's content, None if no regular file is there.

        Raises:
            FileTooLarge: It holds more than `limit_bytes`.
        """
        ...

    def look(
        self, handle: Handle, machine: str, path: str, *, limit_bytes: int = 1 << 20
    ) -> tuple[FileStat, bytes | None] | None:
        """Tell what lies at `path`, with its content, in one look; None if nothing does.

        The content is None where it is no regular file, or holds more than `limit_bytes`.
        """
        ...

    def stat(self, handle: Handle, machine: str, path: str) -> FileStat | None:
        """Tell what lies at `path`, None if nothing does."""
        ...

    def list_files(
        self, handle: Handle, machine: str, path: str, *, limit: int = 2000
    ) -> list[FileStat]:
        """Return at most `limit` entries below a folder; empty if there is no such folder."""
        ...

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
        """Write a file, making missing folders above it."""
        ...

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
        """Connect to `host:port` as an ordinary peer on `from_network` would.

        Args:
            datagrams: Over UDP; each send and receive is one datagram.
            place: Which of the network's free addresses it comes from, counted round and round,
                where the driver can choose.

        Raises:
            OSError: Nothing accepted the connection; that is an observation, not a fault.
        """
        ...

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
        """Ask over HTTP as an ordinary peer would; None if nothing answered in HTTP.

        Redirects are not followed; certificates of https are not verified.
        """
        ...

    def processes(self, handle: Handle, machine: str) -> list[Process]:
        """Return the machine's processes, seen from outside."""
        ...

    def usage(self, handle: Handle) -> Usage:
        """Tell what the sandbox's machines hold."""
        ...

    def survey(self, *, sizes: bool = False) -> list[MachineLook]:
        """Look at every machine of this installation in one go.

        Args:
            sizes: Whether to measure what they take of the disk, which costs more.
        """
        ...

    def disk_left(self) -> DiskLeft | None:
        """Tell how much more machines could write; None where that cannot be seen from here."""
        ...

    def events(self, since: datetime, *, until: datetime | None = None) -> Iterator[RuntimeEvent]:
        """Yield what happened to this installation's machines, waiting for more.

        Args:
            until: End of the stream; None means it never ends by itself.
        """
        ...
