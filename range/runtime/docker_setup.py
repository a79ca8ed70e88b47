"""Runs a machine's set-up commands: as its first process where it has none, else in an exec."""

import secrets
import shlex
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import cache
from typing import Any

from range.runtime import docker_exec
from range.runtime.driver import LaunchFailed, SandboxGone
from range.runtime.engine_client import Engine
from range.runtime.engine_socket import Hijacked, hijack
from range.runtime.topology import Machine

# What our base image runs: nothing.
_IDLE = ["sleep", "infinity"]
_ROOT = ("", "0", "root", "0:0", "root:root")
# Whoever lists processes later sees this, and of the commands nothing. It is one shell less than
# an exec, which takes a tenth of a second on a busy machine.
_FIRST = (
    'read -r word && read -r size && script=$(head -c "$size") &&'
    ' { sh -c "$script" </dev/null; printf "\\n%s %s\\n" "$word" "$?"; };'
    " exec sleep infinity </dev/null >/dev/null 2>&1"
)
_TAIL_BYTES = 4096


def script_of(machine: Machine) -> str:
    """Return one shell script for all set-up commands; the first that fails ends it."""
    return "\n".join(["set -e", *(shlex.join(argv) for argv in machine.setup)])


def run(
    engine: Engine,
    container: str,
    machine: Machine,
    *,
    seconds: float,
    before: Callable[[], None] | None = None,
) -> int:
    """Run the commands in a machine that runs already; return the script's exit code.

    Args:
        before: Done while the engine enters the machine.

    Raises:
        SandboxGone: The machine does not run.
    """
    result = docker_exec.run(
        engine,
        container,
        ["/bin/sh", "-c", script_of(machine)],
        user="root",
        timeout=timedelta(seconds=seconds),
        before=before,
    )
    return result.exit_code


def first(engine: Engine, machine: Machine, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a container's arguments with the set-up as its first process.

    None where there is no set-up, or where the image runs something of its own.
    """
    if not machine.setup or not is_idle(engine, machine.image):
        return None
    return {
        **arguments,
        "Cmd": ["/bin/sh", "-c", _FIRST],
        "OpenStdin": True,
        "StdinOnce": True,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
    }


class First:
    """The line to a container whose first process waits for its set-up.

    Args:
        container: Created with what `first` returned, and not started yet.
    """

    def __init__(self, engine: Engine, container: str) -> None:
        path = f"/v{engine.version()}/containers/{container}/attach"
        self._line = hijack(
            engine.socket_path, f"{path}?stream=1&stdin=1&stdout=1&stderr=1", {}, timeout=10
        )

    def run(self, machine: Machine, *, seconds: float) -> int:
        """Run the commands in the started container; return the script's exit code.

        Raises:
            LaunchFailed: It ended, or the commands took longer than `seconds`.
        """
        script, word = script_of(machine).encode(), secrets.token_hex(8)
        with suppress(OSError):
            self._line.connection.sendall(f"{word}\n{len(script)}\n".encode() + script)
        try:
            code = _answer(self._line, word.encode(), until=time.monotonic() + seconds)
        except TimeoutError as error:
            raise LaunchFailed(
                f"The set-up of machine {machine.name} took too long. Try again in a moment.",
                reason="deadline",
                retryable=True,
            ) from error
        if code is None:
            raise LaunchFailed(f"Machine {machine.name} ended during its set-up.", reason="exited")
        return code

    def close(self) -> None:
        """Hang up."""
        self._line.close()


def _answer(line: Hijacked, word: bytes, *, until: float) -> int | None:
    tail = b""
    line.connection.settimeout(max(until - time.monotonic(), 0.05))
    for _, data in line.frames():
        tail = (tail + data)[-_TAIL_BYTES:]
        _, found, rest = tail.rpartition(b"\n" + word + b" ")
        if found and rest.endswith(b"\n"):
            return int(rest)
        # Whoever talks without an end must not outlast the time.
        line.connection.settimeout(max(until - time.monotonic(), 0.001))
    return None


def is_idle(engine: Engine, image: str) -> bool:
    """Tell whether a machine of this image runs nothing by itself, as our base image does."""
    try:
        return _config_is_idle(engine, image)
    except SandboxGone:
        # Whoever creates the container finds out, and says it better.
        return False


@cache
def _config_is_idle(engine: Engine, image: str) -> bool:
    with engine.client() as client:
        config = client.inspect_image(image)["Config"]  # type: ignore[no-untyped-call]
    return (
        config["Cmd"] == _IDLE
        and not config.get("Entrypoint")
        and str(config.get("User") or "") in _ROOT
    )
