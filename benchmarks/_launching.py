"""Both sides of the launch benchmark: a browser's worth of requests, and bare engine calls."""

import re
import secrets
import time
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any, cast
from uuid import uuid4

import docker
import httpx
from websockets.sync.client import connect

from range.runtime import docker_spec
from range.runtime.topology import Topology

# The floor's networks: outside the range's own pool, so that neither side waits for the other.
FLOOR_SUBNETS = IPv4Network("10.214.0.0/16").subnets(new_prefix=28)
PROMPT = re.compile(rb"\x1b\]133;[AB]|[$#] ")
CONSOLE = re.compile(r'data-console-url="([^"]+)"')
ATTEMPT = re.compile(r"/attempts/([0-9a-f-]{36})/")
IN_LINE = re.compile(r"before yours|next in line|Starting your machines|data-state=\"RUNNING\"")


class Visitor:
    """A signed-in browser's worth of requests."""

    def __init__(self, address: str, cookie: dict[str, str]) -> None:
        self.address = address
        self.client = httpx.Client(base_url=address, timeout=60, cookies=cookie)
        self.client.get("/catalogue/").raise_for_status()

    def get(self, path: str) -> float:
        """Ask for a page and return its milliseconds."""
        began = time.perf_counter()
        self.client.get(path, follow_redirects=True).raise_for_status()
        return (time.perf_counter() - began) * 1000

    def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form as this person."""
        fields["csrfmiddlewaretoken"] = self.client.cookies.get("csrftoken") or ""
        answer = self.client.post(path, data=fields, headers={"Referer": self.address})
        if answer.status_code >= 400:
            raise SystemExit(f"{path} answered {answer.status_code}: {answer.text[:300]}")
        return answer

    def press_launch(self, slug: str) -> str:
        """Press Launch and return the attempt's id."""
        return self._pressed(slug)[0]

    def press_and_look(self, slug: str) -> float:
        """Press Launch; return milliseconds until a page tells where one stands, or what goes on.

        Whoever stands behind others is told by the answer itself, everybody else by the workspace.
        """
        began = time.perf_counter()
        attempt, told = self._pressed(slug)
        while not told:
            told = bool(IN_LINE.search(self.client.get(f"/attempts/{attempt}/").text))
        return (time.perf_counter() - began) * 1000

    def _pressed(self, slug: str) -> tuple[str, bool]:
        answer = self.post(f"/scenarios/{slug}/launch/")
        found = ATTEMPT.search(answer.headers.get("Location", answer.text))
        if found is None:
            raise SystemExit("The launch led to no workspace.")
        return found[1], bool(IN_LINE.search(answer.text))

    def launch(self, slug: str) -> tuple[float, str]:
        """Launch and wait for the prompt; return milliseconds and the attempt's id."""
        began = time.perf_counter()
        attempt = self.press_launch(slug)
        self._prompt(self._console(attempt))
        return (time.perf_counter() - began) * 1000, attempt

    def end(self, attempt: str) -> None:
        """Stop the attempt's machines and wait until they are gone."""
        self.post(f"/attempts/{attempt}/stop/")
        for _ in self._changes(attempt):
            page = self.client.get(f"/attempts/{attempt}/sandbox/", headers={"HX-Request": "true"})
            if "machines are stopped" in page.text:
                return

    def _console(self, attempt: str) -> str:
        """Return the address the page would connect to, which waits for the machines."""
        page = self.client.get(f"/attempts/{attempt}/")
        found = CONSOLE.search(page.text)
        if found is None:
            raise SystemExit("The workspace shows no console to connect to.")
        return found[1]

    def _changes(self, attempt: str) -> Iterator[None]:
        with self.client.stream("GET", f"/attempts/{attempt}/stream/") as stream:
            yield
            for line in stream.iter_lines():
                if line.startswith("event: sandbox"):
                    yield

    def _prompt(self, url: str) -> None:
        cookies = "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())
        with connect(
            url, origin=cast(Any, self.address), additional_headers={"Cookie": cookies}
        ) as socket:
            seen = b""
            while not PROMPT.search(seen):
                message = socket.recv(timeout=120)
                seen += message if isinstance(message, bytes) else b""


class Floor:
    """The same machines and networks by bare engine calls, one after the other."""

    def __init__(self, topology: Topology) -> None:
        self.engine = docker.APIClient(timeout=60)
        self.topology = topology

    def launch(self) -> tuple[float, tuple[list[str], list[str]]]:
        """Return milliseconds to the prompt, and the containers and networks to remove."""
        place = docker_spec.Place(
            installation=f"floor-{secrets.token_hex(4)}",
            sandbox_id=uuid4(),
            subnets={network.name: next(FLOOR_SUBNETS) for network in self.topology.networks},
        )
        began = time.perf_counter()
        networks = [self._network(network.name, place) for network in self.topology.networks]
        containers = [self._machine(machine.name, place) for machine in self.topology.machines]
        self._prompt(containers[0])
        return (time.perf_counter() - began) * 1000, (containers, networks)

    def end(self, made: tuple[list[str], list[str]]) -> None:
        """Remove what a launch made."""
        for container in made[0]:
            self.engine.remove_container(container, force=True, v=True)
        for network in made[1]:
            self.engine.remove_network(network)

    def _network(self, name: str, place: docker_spec.Place) -> str:
        arguments = docker_spec.network_arguments(
            self.topology, name, place.subnets[name], place=place
        )
        return str(self.engine.create_network(**arguments)["Id"])

    def _machine(self, name: str, place: docker_spec.Place) -> str:
        machine = self.topology.machine(name)
        body = docker_spec.container_arguments(self.topology, machine, place=place)
        called = docker_spec.container_name(place.sandbox_id, machine.name)
        container = str(self.engine.create_container_from_config(body, called)["Id"])  # type: ignore[no-untyped-call]
        for network in machine.networks[1:]:
            self.engine.connect_container_to_network(
                container, docker_spec.network_name(place.sandbox_id, network)
            )
        self.engine.start(container)
        return container

    def _prompt(self, container: str) -> None:
        made = self.engine.exec_create(
            container, ["/bin/bash", "-l"], stdin=True, tty=True, environment=["TERM=xterm"]
        )
        socket: Any = self.engine.exec_start(made["Id"], tty=True, socket=True)
        seen = b""
        while not PROMPT.search(seen):
            seen += socket._sock.recv(4096)
        # The library's response would flush a socket that is closed already.
        socket._response.raw._fp.fp = None
        socket.close()
