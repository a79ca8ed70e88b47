"""Runs a program inside a container, with a time-out that ends it and a bound on its output."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from range.runtime import host_processes
from range.runtime.driver import OUTPUT_LIMIT_BYTES, ExecResult
from range.runtime.engine_http import EngineSocket
from range.runtime.engine_socket import (
    STDERR,
    Hijacked,
    failed_to_enter,
    hijack,
    is_held_still,
)

_KILLED = 137
_NOT_BEGUN = 126
_GRACE_SECONDS = 5.0
_PAUSE_SECONDS = 0.02
# Holds a program back until a line comes; it then reads nothing of whoever sent that line.
_GATE = ["/bin/sh", "-c", 'read -r _ && exec "$@" </dev/null', "gate"]


class _Output:
    """Collects what a program prints, up to a limit on each stream."""

    def __init__(self) -> None:
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.truncated = False

    def add(self, stream: int, data: bytes) -> None:
        target = self.stderr if stream == STDERR else self.stdout
        room = OUTPUT_LIMIT_BYTES - len(target)
        self.truncated = self.truncated or len(data) > room
        target += data[:room]


def run(
    engine: EngineSocket,
    container: str,
    argv: Sequence[str],
    *,
    user: str,
    timeout: timedelta,
    before: Callable[[], None] | None = None,
) -> ExecResult:
    """Run `argv` and collect its output; a container held still is waited for.

    Args:
        before: Done each time the engine enters the container; the program begins afterwards.

    Raises:
        SandboxGone: The container does not run.
        EngineDown: The engine does not answer.
    """
    end = time.monotonic() + timeout.total_seconds()
    while True:
        seconds = max(end - time.monotonic(), 0.05)
        result = _run(engine, container, argv, user=user, seconds=seconds, before=before)
        is_held = result.exit_code == _NOT_BEGUN and is_held_still(result.stderr)
        if not is_held or time.monotonic() > end:
            return result
        time.sleep(_PAUSE_SECONDS)


def _run(
    engine: EngineSocket,
    container: str,
    argv: Sequence[str],
    *,
    user: str,
    seconds: float,
    before: Callable[[], None] | None,
) -> ExecResult:
    bounded = not host_processes.can_signal()
    command = _bounded(argv, seconds) if bounded else list(argv)
    if before is not None:
        command = [*_GATE, *command]
    wanted = {"User": user, "Cmd": command, "AttachStdin": before is not None}
    wanted |= {"AttachStdout": True, "AttachStderr": True}
    exec_id = engine.ask("POST", f"/containers/{container}/exec", wanted)["Id"]
    path = f"/v{engine.version()}/exec/{exec_id}/start"
    stream = hijack(engine.socket_path, path, {"Detach": False, "Tty": False}, timeout=10)
    output = _Output()
    try:
        if before is not None:
            before()
            with suppress(OSError):
                stream.connection.sendall(b"go\n")
        in_time = _collect(stream, output, seconds)
        if not in_time:
            _kill(engine, exec_id)
            _collect(stream, output, _GRACE_SECONDS)
    finally:
        stream.close()
    result = _result(engine, exec_id, output, timed_out=not in_time)
    return replace(result, timed_out=result.timed_out or (bounded and result.exit_code == _KILLED))


def _bounded(argv: Sequence[str], seconds: float) -> list[str]:
    # Without a way to signal it from the host, the program must be ended from inside.
    return ["timeout", "-s", "KILL", f"{seconds:.3f}", *argv]


def _collect(stream: Hijacked, output: _Output, seconds: float) -> bool:
    end = time.monotonic() + seconds
    stream.connection.settimeout(seconds)
    try:
        for number, data in stream.frames():
            output.add(number, data)
            left = end - time.monotonic()
            if left <= 0:
                return False
            stream.connection.settimeout(left)
    except TimeoutError:
        return False
    return True


def _kill(engine: EngineSocket, exec_id: str) -> None:
    # On a busy machine the time may be over before the program has even begun.
    end = time.monotonic() + _GRACE_SECONDS
    while time.monotonic() < end:
        found = engine.ask("GET", f"/exec/{exec_id}/json")
        if found.get("ExitCode") is not None:
            return
        host_processes.kill(int(found.get("Pid") or 0), found["ContainerID"], group=True)
        time.sleep(_PAUSE_SECONDS)


def _result(engine: EngineSocket, exec_id: str, output: _Output, *, timed_out: bool) -> ExecResult:
    found = engine.ask("GET", f"/exec/{exec_id}/json")
    code = found.get("ExitCode")
    stdout, stderr = bytes(output.stdout), bytes(output.stderr)
    if code in {126, 127} and failed_to_enter(stdout):
        stdout, stderr = b"", stdout
    return ExecResult(
        exit_code=_KILLED if timed_out or code is None else int(code),
        stdout=stdout,
        stderr=stderr,
        timed_out=timed_out,
        truncated=output.truncated,
    )
