"""Runs a program of a machine's image, as it was built, in a container beside the machine."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from range.runtime import docker_exec, docker_files, docker_remove, docker_spec
from range.runtime.driver import EngineError, ExecResult, SandboxGone
from range.runtime.engine_client import Engine, create_container
from range.runtime.topology import SeedFile

_PREPARED_WITHIN = timedelta(seconds=10)


def run(
    engine: Engine,
    container: str,
    argv: Sequence[str],
    *,
    sandbox_id: UUID,
    installation: str,
    files: Mapping[str, bytes],
    replaced: Iterable[str],
    timeout: timedelta,
) -> ExecResult:
    """Run `argv` as nobody, with no network and none of the machine's processes.

    Args:
        container: The machine's; only its image is used.
        files: Placed at these paths, readable by all.
        replaced: Files and folders of the image that are taken away first.

    Raises:
        SandboxGone: The machine has gone.
        EngineError: The container beside it could not be made ready.
    """
    with engine.client() as client:
        image = str(client.inspect_container(container)["Image"])
    place = docker_spec.Place(
        installation=installation,
        sandbox_id=sandbox_id,
        subnets={},
        root_ids=engine.root_ids(),
    )
    name = docker_spec.container_name(sandbox_id, f"tool.{secrets.token_hex(6)}")
    with engine.client() as client:
        create_container(client, name, docker_spec.tool_arguments(image, place=place))
    try:
        with engine.client() as client:
            client.start(name)
        _place(engine, name, files, replaced)
        return docker_exec.run(engine, name, argv, user=docker_spec.NOBODY, timeout=timeout)
    except SandboxGone as error:
        raise EngineError("the container for a tool has gone") from error
    finally:
        with suppress(EngineError):
            docker_remove.container(engine, name)


def _place(engine: Engine, name: str, files: Mapping[str, bytes], replaced: Iterable[str]) -> None:
    gone = list(replaced)
    if gone:
        command = ["rm", "-rf", "--", *gone]
        cleared = docker_exec.run(engine, name, command, user="0", timeout=_PREPARED_WITHIN)
        if cleared.exit_code != 0:
            raise EngineError(cleared.stderr.decode(errors="replace")[:200])
    seeds = [SeedFile(path=path, data=data, mode=0o444) for path, data in files.items()]
    docker_files.put(engine, name, seeds)
