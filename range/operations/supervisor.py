"""Starts every role, restarts what ends, and stops everything in order."""

import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from range.lib import clock
from range.lib.logs import get_logger
from range.lib.roles import READY_VARIABLE
from range.operations import status
from range.operations.status import RoleState, RoleStatus

log = get_logger(__name__)

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# A role that ran this long is forgiven its earlier failures.
FORGIVEN_AFTER_SECONDS = 60.0
LOG_LIMIT_BYTES = 10 * 1024 * 1024
BEAT_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Role:
    """One long-running process of the range.

    Args:
        argv: Program and arguments, already wrapped where it has to drop rights.
        stage: Roles stop from the highest stage to the lowest.
        stop_signal: Asks it to end cleanly.
        patience_seconds: How long it may take to end before it is killed.
        ready: Asked while it is STARTING; once true, it is RUNNING.
        tells_ready: Whether it tells by `range.lib.roles` when it does its work.
    """

    name: str
    argv: tuple[str, ...]
    stage: int = 1
    stop_signal: int = signal.SIGTERM
    patience_seconds: float = 10.0
    ready: Callable[[], bool] = lambda: True
    tells_ready: bool = False


@dataclass
class _Child:
    role: Role
    process: subprocess.Popen[bytes] | None = None
    state: RoleState = RoleState.STOPPED
    since: str = ""
    restarts: int = 0
    started_at: float = 0.0
    pause_seconds: float = 0.0
    next_start_at: float = 0.0
    told: int | None = None

    def is_ready(self) -> bool:
        if self.told is not None:
            try:
                if not os.read(self.told, 16):
                    return False
            except BlockingIOError:
                return False
            self.forget_pipe()
        return self.role.ready()

    def forget_pipe(self) -> None:
        if self.told is not None:
            os.close(self.told)
            self.told = None

    def move(self, state: RoleState) -> None:
        if state is not self.state or not self.since:
            self.state, self.since = state, clock.now().isoformat()


@dataclass
class Supervisor:
    """Keeps roles running until it is told to stop.

    Args:
        base: The clone; every role's working folder.
        state_dir: Where the status file goes.
        environment: Every role's environment.
    """

    base: Path
    state_dir: Path
    environment: Mapping[str, str]
    _children: dict[str, _Child] = field(default_factory=dict)
    _stopping: bool = False

    def add(self, role: Role) -> None:
        """Start a role and keep it running from now on."""
        child = self._children[role.name] = _Child(role)
        self._start(child)
        self._publish()

    def request_stop(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Ask `run` to return; usable as a signal handler."""
        self._stopping = True

    @property
    def stopping(self) -> bool:
        """Whether somebody asked for the end."""
        return self._stopping

    def alive(self, name: str) -> bool:
        """Tell whether a role's process runs now."""
        process = self._children[name].process
        return process is not None and process.poll() is None

    def run(self) -> None:
        """Watch until a stop is requested; the caller then calls `stop`."""
        with _Wakeups() as wakeups:
            while not self._stopping:
                self.tick()
                wakeups.wait(BEAT_SECONDS if self._quiet() else FIRST_PAUSE_SECONDS)

    def tick(self) -> None:
        """Look once at every role, and start what is due."""
        for child in self._children.values():
            self._look_after(child)
        self._publish()

    def stop(self) -> None:
        """Stop every role, the highest stage first, and kill what does not end in time."""
        stages = sorted({child.role.stage for child in self._children.values()}, reverse=True)
        for stage in stages:
            self._stop_stage([each for each in self._children.values() if each.role.stage == stage])
        self._publish()

    def statuses(self) -> list[RoleStatus]:
        """Return every role's status."""
        return [
            RoleStatus(name=name, state=child.state, since=child.since, restarts=child.restarts)
            for name, child in self._children.items()
        ]

    def _look_after(self, child: _Child) -> None:
        if child.process is not None and child.process.poll() is not None:
            self._ended(child)
        if child.state is RoleState.STARTING and child.is_ready():
            child.move(RoleState.RUNNING)
        if child.process is None and time.monotonic() >= child.next_start_at:
            self._start(child)

    def _start(self, child: _Child) -> None:
        with _open_log(self.base / "var" / "log" / f"{child.role.name}.log") as output:
            child.process = self._process(child, output)
        child.started_at = time.monotonic()
        child.move(RoleState.STARTING)
        log.info("role.started", role=child.role.name, pid=child.process.pid)

    def _process(self, child: _Child, output: BinaryIO) -> "subprocess.Popen[bytes]":
        """Start a role's process, with a pipe to tell by where it uses one."""
        environment, passed = dict(self.environment), []
        if child.role.tells_ready:
            child.told, telling = os.pipe()
            os.set_blocking(child.told, False)
            environment[READY_VARIABLE] = str(telling)
            passed.append(telling)
        try:
            return subprocess.Popen(
                child.role.argv,
                cwd=self.base,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=passed,
                # Ctrl-C must reach the supervisor alone, so that it can stop roles in order.
                start_new_session=True,
            )
        finally:
            for telling in passed:
                os.close(telling)

    def _ended(self, child: _Child) -> None:
        code = child.process.returncode if child.process else None
        _kill_group(child.process)
        child.process = None
        child.forget_pipe()
        child.restarts += 1
        if time.monotonic() - child.started_at >= FORGIVEN_AFTER_SECONDS:
            child.pause_seconds = 0.0
        child.next_start_at = time.monotonic() + child.pause_seconds
        child.move(RoleState.RESTARTING)
        log.warning(
            "role.ended", role=child.role.name, code=code, restart_in_seconds=child.pause_seconds
        )
        # Somebody waits for a role that ran well; one that ends again and again is given time.
        longer = child.pause_seconds * 2 or FIRST_PAUSE_SECONDS
        child.pause_seconds = min(longer, LONGEST_PAUSE_SECONDS)

    def _stop_stage(self, children: Sequence[_Child]) -> None:
        running = [(child, child.process) for child in children if child.process is not None]
        for child, process in running:
            if process.poll() is None:
                process.send_signal(child.role.stop_signal)
        asked_at = time.monotonic()
        for child, process in running:
            left = asked_at + child.role.patience_seconds - time.monotonic()
            try:
                process.wait(max(0.1, left))
            except subprocess.TimeoutExpired:
                log.warning("role.killed", role=child.role.name)
            _kill_group(process)
            process.wait()
            child.process = None
            child.forget_pipe()
        for child in children:
            child.move(RoleState.STOPPED)

    def _quiet(self) -> bool:
        return all(child.state is RoleState.RUNNING for child in self._children.values())

    def _publish(self) -> None:
        status.write(self.state_dir, self.statuses())


class _Wakeups:
    """Lets a wait end as soon as any signal arrives, such as a child's death."""

    def __enter__(self) -> "_Wakeups":
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        self._before = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        # Without a handler the kernel would not tell of a child's death at all.
        self._handler = signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._read, selectors.EVENT_READ)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._before)
        signal.signal(signal.SIGCHLD, self._handler)
        self._selector.close()
        self._read.close()
        self._write.close()

    def wait(self, seconds: float) -> None:
        """Return after the time, or at the next signal."""
        if self._selector.select(seconds):
            self._read.recv(4096)


def _kill_group(process: subprocess.Popen[bytes] | None) -> None:
    """Kill what a role may have left running beside it."""
    if process is None:
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _open_log(path: Path) -> BinaryIO:
    """Open a role's log for more; a large one is kept once under another name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")
