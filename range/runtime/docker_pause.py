"""Freezes and thaws containers by way of their engine."""

import time
from datetime import timedelta

from docker.errors import APIError

from range.runtime import docker_exec, host_stillness
from range.runtime.driver import SandboxGone, SandboxPaused
from range.runtime.engine_client import Engine, explanation

# The kernel cannot always freeze what starts processes all the time; the runtime then gives up
# and lets it go on. Source: runc, on control groups of the first version.
_SLIPPED_AWAY = "unable to freeze"
_ATTEMPTS, _BETWEEN_ATTEMPTS_SECONDS = 20, 0.1
_ENTERED_WITHIN = timedelta(seconds=10)
# A machine that ended is as still as a frozen one, and cannot be thawed either.
_NOTHING_TO_DO = ("already paused", "already running", "is not paused", "not running")


def pause(engine: Engine, container: str) -> None:
    """Freeze a container.

    Raises:
        SandboxGone: There is no such container.
        EngineError: The engine refused.
    """
    _wait_until_free(engine, container)
    for left in reversed(range(_ATTEMPTS)):
        with engine.client() as client:
            try:
                client.pause(container)
                return
            except APIError as error:
                said = explanation(error).lower()
                if _SLIPPED_AWAY not in said or not left:
                    _bear(error)
                    return
        time.sleep(_BETWEEN_ATTEMPTS_SECONDS)


def resume(engine: Engine, container: str) -> None:
    """Thaw a container, and return once it can be entered.

    Raises:
        SandboxGone: There is no such container.
        EngineError: The engine refused.
    """
    with engine.client() as client:
        try:
            client.unpause(container)
        except APIError as error:
            _bear(error)
            return
    _enter(engine, container)


def _bear(error: APIError) -> None:
    said = explanation(error).lower()
    if not any(phrase in said for phrase in _NOTHING_TO_DO):
        raise error


def _wait_until_free(engine: Engine, container: str) -> None:
    # Whoever holds it still would let it go again later, unseen by the engine.
    with engine.client() as client:
        found = client.inspect_container(container)
    if not found["State"]["Paused"]:
        host_stillness.wait_until_free(int(found["State"]["Pid"]), found["Id"])


def _enter(engine: Engine, container: str) -> None:
    # The engine is told late of what it did itself: one that heard only now of a pause would take
    # the container for paused again, for a moment. It hears in order, so whoever has seen a
    # program end there has seen it hear of all before.
    end = time.monotonic() + _ENTERED_WITHIN.total_seconds()
    while True:
        try:
            docker_exec.run(engine, container, ["true"], user="root", timeout=_ENTERED_WITHIN)
        except SandboxPaused:
            if time.monotonic() > end:
                raise
            time.sleep(_BETWEEN_ATTEMPTS_SECONDS)
        except SandboxGone:
            return
        else:
            return
