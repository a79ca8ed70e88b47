"""Removes containers and networks of a sandbox, whatever state they are in."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import UUID

from docker import APIClient
from docker.errors import APIError

from range.runtime import docker_spec, host_processes
from range.runtime.docker_networks import labelled_networks
from range.runtime.engine_client import Engine, explanation

_PARALLEL = 4
_PATIENCE_SECONDS = 15.0
_PAUSE_SECONDS = 0.05
# What stands in the way for a moment: somebody else who removes it, whose reading of its files
# has mounted it once more, or who is just leaving the network.
_PASSING = ("in progress", "failed to remove root filesystem", "active endpoints")


def sandbox(engine: Engine, installation: str, sandbox_id: UUID) -> None:
    """Remove everything that carries the sandbox's label; nothing there is success.

    Raises:
        EngineDown: The engine does not answer.
        EngineError: Something could not be removed.
    """
    labels = [
        f"{docker_spec.INSTALLATION}={installation}",
        f"{docker_spec.SANDBOX}={sandbox_id}",
    ]
    with engine.client() as client:
        containers = [c["Id"] for c in client.containers(all=True, filters={"label": labels})]
        networks = [n["Id"] for n in labelled_networks(client, labels)]
    _each(lambda name: container(engine, name), containers)
    _each(lambda name: _network(engine, name), networks)
    _volumes(engine, labels)


def container(engine: Engine, name: str) -> None:
    """Kill and remove a container with its volumes; already gone is success.

    Raises:
        EngineDown: The engine does not answer.
        EngineError: The engine would not remove it.
    """
    unstarted = _unstarted(engine, name)
    _remove(engine, lambda client: client.remove_container(name, force=True, v=True))
    if unstarted:
        host_processes.end_forgotten(unstarted)


def _unstarted(engine: Engine, name: str) -> str:
    """Return the id of a container that the engine takes for never started, else nothing."""
    with engine.client() as client:
        try:
            found = client.inspect_container(name)
        except APIError as error:
            if error.status_code == 404:
                return ""
            raise
    return str(found["Id"]) if found["State"]["Status"] == "created" else ""


def _volumes(engine: Engine, labels: list[str]) -> None:
    # They go with their container, unless somebody else removed that one without them.
    with engine.client() as client:
        left = client.volumes(filters={"label": labels})["Volumes"] or ()
        for volume in left:
            with suppress(APIError):
                client.remove_volume(volume["Name"], force=True)


def _network(engine: Engine, network_id: str) -> None:
    _remove(engine, lambda client: client.remove_network(network_id))


def _remove(engine: Engine, remove: Callable[[APIClient], object]) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        with engine.client() as client:
            try:
                remove(client)
                return
            except APIError as error:
                if error.status_code == 404:
                    return
                passes = any(words in explanation(error) for words in _PASSING)
                if not passes or time.monotonic() > end:
                    raise
        time.sleep(_PAUSE_SECONDS)


def _each(work: Callable[[str], None], names: Sequence[str]) -> None:
    if len(names) < 2:
        for name in names:
            work(name)
        return
    with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="remove") as threads:
        for done in [threads.submit(work, name) for name in names]:
            done.result()
