"""Waits until a machine serves, asked from inside its own network namespace."""

import socket
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from range.runtime import docker_exec, host_namespaces, host_processes
from range.runtime.driver import EngineError, LaunchFailed
from range.runtime.engine_client import Engine
from range.runtime.http_probe import ask
from range.runtime.topology import Health, Machine

_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.5
_ATTEMPT = timedelta(seconds=2)


def wait_until_healthy(
    engine: Engine,
    container: str,
    machine: Machine,
    *,
    seconds: float,
    cancelled: Callable[[], bool],
) -> None:
    """Return once the machine runs and its health check passes.

    Raises:
        LaunchFailed: It exited, or was not healthy in time.
    """
    health = machine.health
    state = _inspected(engine, container, machine)
    if health is None:
        return
    end = time.monotonic() + min(seconds, health.within.total_seconds())
    pause = _FIRST_PAUSE_SECONDS
    while not _healthy(engine, state, health):
        if cancelled() or time.monotonic() + pause > end:
            raise LaunchFailed(
                f"Machine {machine.name} started but did not become ready in time.",
                reason="unhealthy",
                retryable=True,
            )
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        if pause == _LONGEST_PAUSE_SECONDS:
            state = _inspected(engine, container, machine)


def _inspected(engine: Engine, container: str, machine: Machine) -> Mapping[str, Any]:
    with engine.client() as client:
        found: Mapping[str, Any] = client.inspect_container(container)
    if not found["State"]["Running"]:
        code = found["State"].get("ExitCode")
        raise LaunchFailed(
            f"Machine {machine.name} ended as soon as it was started, with code {code}.",
            reason="exited",
        )
    return found


def _healthy(engine: Engine, state: Mapping[str, Any], health: Health) -> bool:
    if health.kind == "command":
        return _passes(engine, state, health.target.split("\0"))
    pid = int(state["State"]["Pid"])
    if not (host_processes.belongs(pid, state["Id"]) and host_processes.may_enter(pid)):
        return _passes(engine, state, _asked_inside(health))
    if health.kind == "tcp":
        return _accepts(pid, state, int(health.target))
    reply = ask(
        lambda host, port: _connect(pid, state, port), "GET", health.target, timeout=_ATTEMPT
    )
    return reply is not None and reply.status < 400


def _accepts(pid: int, state: Mapping[str, Any], port: int) -> bool:
    try:
        _connect(pid, state, port).close()
    except OSError:
        return False
    return True


def _connect(pid: int, state: Mapping[str, Any], port: int) -> socket.socket:
    networks = state["NetworkSettings"]["Networks"].values()
    own = [network["IPAddress"] for network in networks if network.get("IPAddress")]
    seconds = _ATTEMPT.total_seconds()
    return host_namespaces.connect_in(pid, ["127.0.0.1", *own], port, timeout=seconds)


def _asked_inside(health: Health) -> list[str]:
    """Return a command of the machine's own; nobody has entered it yet, so it can be trusted."""
    if health.kind == "tcp":
        return ["nc", "-z", "-w", "2", "127.0.0.1", health.target]
    port = urlsplit(health.target).port
    local = f"127.0.0.1:{port}" if port else "127.0.0.1"
    url = urlsplit(health.target)._replace(netloc=local).geturl()
    return ["curl", "-fsSk", "-m", "2", "-o", "/dev/null", url]


def _passes(engine: Engine, state: Mapping[str, Any], argv: list[str]) -> bool:
    try:
        result = docker_exec.run(
            engine, state["Id"], argv, user="root", timeout=timedelta(seconds=10)
        )
    except EngineError:
        return False
    return result.exit_code == 0
