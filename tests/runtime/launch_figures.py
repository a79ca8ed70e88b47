"""How long a launch takes beside the engine's own floor, measured in turns; no test by itself."""

import asyncio
import statistics
import time
from uuid import uuid4

from range.runtime import docker_spec
from range.runtime.driver import Size
from range.runtime.engine_socket import hijack
from tests.contracts.rigs import DockerRig, single, soon

PROMPT = b"$ "


def floor(rig):
    """Do what any launch must: network, container, start, a shell's prompt; one after another."""
    engine, sandbox_id, topology = rig.driver.engine, uuid4(), single()
    subnet = docker_spec.IPv4Network("10.198.0.0/28")
    place = docker_spec.Place(
        installation=rig.driver.options.installation,
        sandbox_id=sandbox_id,
        subnets={"lan": subnet},
    )
    network = docker_spec.network_arguments(topology, "lan", subnet, place=place)
    container = docker_spec.container_arguments(topology, topology.machines[0], place=place)
    began = time.perf_counter()
    with engine.client() as client:
        client.create_network(**network)
        name = docker_spec.container_name(sandbox_id, "desk")
        client.create_container_from_config(container, name)
        client.start(name)
        made = client.exec_create(name, ["bash", "-l"], tty=True, stdin=True, user="nobody")
    path = f"/v{engine.version()}/exec/{made['Id']}/start"
    stream = hijack(engine.socket_path, path, {"Detach": False, "Tty": True}, timeout=10)
    seen = b""
    while PROMPT not in seen:
        seen += stream._some(4096)
    took = time.perf_counter() - began
    stream.close()
    for handle in rig.driver.running():
        rig.driver.stop(handle)
    return took


def ours(rig):
    """Launch through the driver, to a console's first prompt."""

    async def prompt(handle):
        console = await rig.driver.open_console(handle, "desk", Size())
        seen = b""
        while PROMPT not in seen:
            seen += await console.read()
        took = time.perf_counter() - began
        await console.close()
        return took

    began = time.perf_counter()
    handle = rig.driver.start(uuid4(), single(), deadline=soon())
    started = time.perf_counter() - began
    took = asyncio.run(prompt(handle))
    began = time.perf_counter()
    rig.driver.stop(handle)
    return took, started, time.perf_counter() - began


def figures(rounds=10):
    """Measure in turns and return medians in seconds."""
    rig = DockerRig()
    try:
        floor(rig)
        pairs = [(floor(rig), ours(rig)) for _ in range(rounds)]
    finally:
        rig.close()
    lowest = statistics.median(low for low, _ in pairs)
    took, started, stopped = (
        statistics.median(values) for values in zip(*(high for _, high in pairs), strict=True)
    )
    return {
        "floor": lowest,
        "prompt": took,
        "start": started,
        "stop": stopped,
        "ratio": took / lowest,
    }


if __name__ == "__main__":
    for name, value in figures().items():
        print(f"{name:8} {value:.3f}")
