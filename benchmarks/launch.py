"""Click to prompt through the running range, beside the engine's own floor in the same run.

Ours: POST of the launch form until the prompt's first byte at a WebSocket client, the way a page
does it (server-sent events tell when the console is there). Floor: the same network, container and
terminal made by bare engine calls one after the other, without a web server, a database or checks.
Both are done in turn, so that whatever else the machine does hits both.
"""

import argparse
import json
import re
import secrets
import statistics
import time
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import docker
import httpx
from websockets.sync.client import connect

from range.runtime import docker_spec
from range.runtime.topology import Console, Limits, Machine, Network, Topology

BASE = Path(__file__).resolve().parent.parent
# The floor's networks: outside the range's own pool, so that neither side waits for the other.
FLOOR_SUBNETS = IPv4Network("10.214.0.0/16").subnets(new_prefix=29)
PROMPT = re.compile(rb"\x1b\]133;[AB]|[$#] ")
CONSOLE = re.compile(r'data-console-url="([^"]+)"')
ATTEMPT = re.compile(r"/attempts/([0-9a-f-]{36})/")


class Site:
    """A signed-in browser's worth of requests."""

    def __init__(self, address: str, *, username: str, password: str) -> None:
        self.address = address
        self.client = httpx.Client(base_url=address, timeout=30)
        self.client.get("/sign-in/").raise_for_status()
        self.post("/sign-in/", username=username, password=password)

    def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form as this person."""
        fields["csrfmiddlewaretoken"] = self.client.cookies.get("csrftoken") or ""
        answer = self.client.post(path, data=fields, headers={"Referer": self.address})
        if answer.status_code >= 400:
            raise SystemExit(f"{path} answered {answer.status_code}: {answer.text[:300]}")
        return answer

    def launch(self, slug: str) -> tuple[float, str]:
        """Launch and wait for the prompt; return milliseconds and the attempt's id."""
        began = time.perf_counter()
        location = self.post(f"/scenarios/{slug}/launch/").headers["Location"]
        found = ATTEMPT.search(location)
        if found is None:
            raise SystemExit(f"The launch led to {location}, not to a workspace.")
        self._prompt(self._console(found[1]))
        return (time.perf_counter() - began) * 1000, found[1]

    def _console(self, attempt: str) -> str:
        """Return the console's address as soon as the page would know it."""
        for _ in self._changes(attempt):
            page = self.client.get(f"/attempts/{attempt}/consoles/", headers={"HX-Request": "true"})
            if found := CONSOLE.search(page.text):
                return found[1]
            if "could not be started" in page.text:
                raise SystemExit("The range could not start the machines; see its log.")
        raise SystemExit("The page's event stream ended before the console was there.")

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
                message = socket.recv(timeout=30)
                seen += message if isinstance(message, bytes) else b""

    def end(self, attempt: str) -> None:
        """Stop the attempt's machines and wait until they are gone."""
        self.post(f"/attempts/{attempt}/stop/")
        for _ in self._changes(attempt):
            page = self.client.get(f"/attempts/{attempt}/sandbox/", headers={"HX-Request": "true"})
            if "machines are stopped" in page.text:
                return


class Floor:
    """The same sandbox by bare engine calls."""

    def __init__(self, image: str) -> None:
        self.engine = docker.APIClient(timeout=60)
        self.topology = Topology(
            machines=(
                Machine(
                    name="floor",
                    image=image,
                    networks=("lan",),
                    console=Console(user="root"),
                    limits=Limits(),
                    allow_privilege_gain=True,
                ),
            ),
            networks=(Network(name="lan"),),
        )

    def launch(self) -> tuple[float, tuple[str, str]]:
        """Return milliseconds to the prompt, and what must be removed."""
        place = docker_spec.Place(
            installation=f"floor-{secrets.token_hex(4)}",
            sandbox_id=uuid4(),
            subnets={"lan": next(FLOOR_SUBNETS)},
        )
        began = time.perf_counter()
        network = self._network(place)
        container = self._container(place, place.sandbox_id)
        self.engine.start(container)
        self._prompt(container)
        return (time.perf_counter() - began) * 1000, (container, network)

    def _network(self, place: docker_spec.Place) -> str:
        arguments = docker_spec.network_arguments(
            self.topology, "lan", place.subnets["lan"], place=place
        )
        return str(self.engine.create_network(**arguments)["Id"])

    def _container(self, place: docker_spec.Place, sandbox_id: UUID) -> str:
        machine = self.topology.machines[0]
        body = docker_spec.container_arguments(self.topology, machine, place=place)
        name = docker_spec.container_name(sandbox_id, machine.name)
        return str(self.engine.create_container_from_config(body, name)["Id"])  # type: ignore[no-untyped-call]

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

    def end(self, made: tuple[str, str]) -> None:
        """Remove what a launch made."""
        self.engine.remove_container(made[0], force=True)
        self.engine.remove_network(made[1])


def run(site: Site, floor: Floor, *, slug: str, rounds: int) -> dict[str, Any]:
    """Launch both in turn and return medians, the 95th percentiles and the ratio, in ms."""
    ours, bare = [], []
    for _ in range(rounds):
        took, attempt = site.launch(slug)
        ours.append(took)
        site.end(attempt)
        took, made = floor.launch()
        bare.append(took)
        floor.end(made)
    return {
        "ours_p50_ms": round(statistics.median(ours)),
        "ours_p95_ms": round(_p95(ours)),
        "floor_p50_ms": round(statistics.median(bare)),
        "floor_p95_ms": round(_p95(bare)),
        "ratio_p50": round(statistics.median(ours) / statistics.median(bare), 2),
        "rounds": rounds,
    }


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[max(0, round(len(values) * 0.95) - 1)]


def _credentials() -> tuple[str, str]:
    try:
        accounts = json.loads((BASE / "var" / "demo-accounts.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SystemExit(
            "There are no demo accounts here. Start the range first: bin/up --detach"
        ) from None
    account = next(each for each in accounts if each["username"] == "trainee")
    return account["username"], account["password"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run against the range that bin/up started, and print a table or one JSON object."""
    parser = argparse.ArgumentParser(prog="launch", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--address", default="http://127.0.0.1:8000")
    parser.add_argument("--scenario", default="sudo-says")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--image", default="range/base:bookworm", help="what the floor starts")
    options = parser.parse_args(argv)
    username, password = _credentials()
    try:
        site = Site(options.address, username=username, password=password)
    except httpx.ConnectError:
        raise SystemExit(
            f"No range answers at {options.address}. Start it first: bin/up --detach"
        ) from None
    floor = Floor(options.image)
    result = run(site, floor, slug=options.scenario, rounds=options.rounds)
    if options.json:
        print(json.dumps(result))
    else:
        print("click to prompt   p50 ms   p95 ms")
        print(f"ours             {result['ours_p50_ms']:>7}  {result['ours_p95_ms']:>7}")
        print(f"engine's floor   {result['floor_p50_ms']:>7}  {result['floor_p95_ms']:>7}")
        print(f"ratio of medians {result['ratio_p50']:>7}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
