"""Click to prompt, beside the engine's own floor in the same run; a herd; how much fits.

Runs a range of its own. Ours: POST of the launch form until the prompt's first byte at a WebSocket
client, the way a page does it (it loads, and connects a console that waits for its machines).
Floor: the same networks, containers and terminal made by bare engine calls one after the other,
without a web server, a database, files or checks. Both are done in turn, so that whatever else the
machine does hits both. The herd: everybody presses Launch at once, while others go on reading
pages.
"""

import argparse
import json
import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import IPv4Network
from itertools import cycle
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from benchmarks._launching import Floor, Visitor
from benchmarks._whole_range import BASE, WholeRange, whole_range

if TYPE_CHECKING:
    from range.accounts.models import User

ONE, THREE = "sudo-says", "three-machines"
SCENARIOS = (BASE / "scenarios" / ONE, BASE / "benchmarks" / "scenarios" / THREE)
PARTS = ("one", "warm", "three", "herd", "networks", "density")
PAGES_PER_SECOND = 5
READERS = 8
# Browsers run on machines of their own: what measures must not wait for what is measured.
URGENT = -15
SETTLE_SECONDS = 10
NETWORKS = 200


def person_called(name: str) -> "User":
    """Return a trainee of the demo school, made if need be."""
    from range.accounts.models import Cohort, Membership, Organisation, User

    person, is_new = User.objects.get_or_create(username=name)
    if is_new:
        school = Organisation.objects.get(kind=Organisation.Kind.SCHOOL)
        Membership.objects.create(
            person=person,
            organisation=school,
            role=Membership.Role.TRAINEE,
            cohort=Cohort.objects.filter(organisation=school).first(),
        )
    return person


def visitor(site: WholeRange, name: str) -> Visitor:
    """Return somebody who is signed in: passwords are not what is measured."""
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(person_called(name))
    cookie = settings.SESSION_COOKIE_NAME
    return Visitor(site.url, {cookie: client.cookies[cookie].value})


def floor_of(slug: str) -> Floor:
    """Return the floor for a published scenario, with everything but its files."""
    from range.catalog.models import ScenarioVersion
    from range.catalog.services import topology_for

    version = ScenarioVersion.objects.get(scenario__slug=slug)
    return Floor(topology_for(version, uuid4(), 1))


def in_turn(
    site: WholeRange, slug: str, rounds: int, before: Callable[[], None] = lambda: None
) -> tuple[list[float], list[float]]:
    """Return milliseconds of both sides, done in turn."""
    who, floor = visitor(site, "solo"), floor_of(slug)
    ours, bare = [], []
    for _ in range(rounds):
        before()
        took, attempt = who.launch(slug)
        ours.append(took)
        who.end(attempt)
        took, made = floor.launch()
        bare.append(took)
        floor.end(made)
    return ours, bare


def one(site: WholeRange, rounds: int) -> dict[str, Any]:
    """Measure one machine on its own network, made from nothing."""
    ours, bare = in_turn(site, ONE, rounds)
    return {
        "one_p50_s": _seconds(statistics.median(ours)),
        "one_p95_s": _seconds(_p95(ours)),
        "one_floor_p50_s": _seconds(statistics.median(bare)),
        "one_p50_ratio": round(statistics.median(ours) / statistics.median(bare), 2),
    }


def warm(site: WholeRange, rounds: int) -> dict[str, Any]:
    """Measure one machine where a spare waits."""
    from range.catalog.models import ScenarioVersion
    from range.sandboxes.models import Spare

    site.begin("reconciler", RANGE_SPARE_SANDBOXES="2")
    version = ScenarioVersion.objects.get(scenario__slug=ONE)

    def until_there() -> None:
        _until(lambda: Spare.objects.filter(version=version, state="READY").exists(), 60)

    ours, bare = in_turn(site, ONE, rounds, until_there)
    site.begin("reconciler")
    return {
        "warm_p50_s": _seconds(statistics.median(ours)),
        "warm_p95_s": _seconds(_p95(ours)),
        "warm_p50_ratio": round(statistics.median(ours) / statistics.median(bare), 2),
    }


def three(site: WholeRange, rounds: int) -> dict[str, Any]:
    """Measure three machines on two networks, made from nothing."""
    ours, bare = in_turn(site, THREE, rounds)
    return {
        "three_p50_s": _seconds(statistics.median(ours)),
        "three_p95_s": _seconds(_p95(ours)),
        "three_floor_p50_s": _seconds(statistics.median(bare)),
        "three_p50_ratio": round(statistics.median(ours) / statistics.median(bare), 2),
    }


def herd(site: WholeRange, size: int) -> dict[str, Any]:
    """Let everybody press Launch at once while others read pages."""
    from range.sandboxes.models import Sandbox

    people = [visitor(site, f"herd-{number:02}") for number in range(size)]
    reader = visitor(site, "reader")
    page = f"/attempts/{reader.press_launch(ONE)}/"
    _until(lambda: Sandbox.objects.filter(state="RUNNING").count() == 1, 60)
    ended, read = threading.Event(), list[float]()
    reading = threading.Thread(target=_read, args=(reader, page, ended, read))
    reading.start()
    began = time.perf_counter()
    with ThreadPoolExecutor(size, initializer=_urgently) as crowd:
        told = list(crowd.map(lambda each: each.press_and_look(ONE), people))
    started = Sandbox.objects.filter(attempt__trainee__username__startswith="herd-")
    _until(lambda: not started.filter(state__in=["REQUESTED", "STARTING"]).exists(), 300)
    took = time.perf_counter() - began
    ended.set()
    reading.join()
    running = started.filter(state="RUNNING").count()
    _stop_all()
    return {
        "herd_started": running,
        "herd_size": size,
        "herd_s": round(took, 1),
        "herd_told_p95_s": _seconds(_p95(told)),
        "herd_pages_p95_ms": round(_p95(read)),
        "herd_pages": len(read),
    }


def _urgently() -> None:
    """Let this thread go first, which only root may."""
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, URGENT)


def _read(reader: Visitor, page: str, ended: threading.Event, read: list[float]) -> None:
    """Ask for pages at a steady pace, however long each of them takes."""
    pages = cycle(["/", "/catalogue/", page, "/skills/"])
    with ThreadPoolExecutor(READERS, initializer=_urgently) as readers:
        while not ended.wait(1 / PAGES_PER_SECOND):
            readers.submit(lambda path: read.append(reader.get(path)), next(pages))


def networks(_site: WholeRange, number: int = NETWORKS) -> dict[str, Any]:
    """Measure what one more network costs as their number grows."""
    from range.runtime.topology import Network, Topology

    floor = Floor(Topology(machines=(), networks=(Network(name="lan"),)))
    made, took = list[str](), list[float]()
    try:
        for subnet in list(IPv4Network("10.215.0.0/16").subnets(new_prefix=28))[:number]:
            began = time.perf_counter()
            made.append(_network(floor, subnet))
            took.append((time.perf_counter() - began) * 1000)
    finally:
        for network in made:
            floor.engine.remove_network(network)
    tenth = max(1, number // 10)
    return {
        "network_first_ms": round(statistics.median(took[:tenth])),
        "network_last_ms": round(statistics.median(took[-tenth:])),
        "networks": number,
    }


def _network(floor: Floor, subnet: IPv4Network) -> str:
    from range.runtime import docker_spec

    place = docker_spec.Place(
        installation="floor-networks", sandbox_id=uuid4(), subnets={"lan": subnet}
    )
    return floor._network("lan", place)


def density(_site: WholeRange, most: int) -> dict[str, Any]:
    """Start three-machine sandboxes until one is refused or fails, or there are enough."""
    from range.exercises.models import Exercise
    from range.lib.memory import available_mb
    from range.sandboxes import services
    from range.sandboxes.models import Sandbox

    exercise = Exercise.objects.filter(version__scenario__slug=THREE).first()
    if exercise is None:
        raise SystemExit(f"{THREE} is not offered to anybody.")
    before = available_mb() or 0
    for number in range(most):
        attempt = exercise.attempts.create(trainee=person_called(f"dense-{number:03}"))
        services.insert(attempt, epoch=1)
    live = Sandbox.objects.filter(attempt__exercise=exercise)
    _until(lambda: not live.filter(state__in=["REQUESTED", "STARTING"]).exists(), 900)
    running = live.filter(state="RUNNING").count()
    used = before - (available_mb() or 0)
    _stop_all()
    return {"density": running, "density_tried": most, "density_mb_each": round(used / most, 1)}


def _stop_all() -> None:
    from range.sandboxes.models import Sandbox

    Sandbox.objects.live().update(wanted="STOPPED", reason="stopped")
    _until(lambda: not Sandbox.objects.live().exists(), 600)


def _until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("The range did not come to rest in time; see var/log/bench-*.log.")
        time.sleep(0.1)


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[max(0, round(len(values) * 0.95) - 1)]


def _seconds(milliseconds: float) -> float:
    return round(milliseconds / 1000, 3)


def table(result: dict[str, Any]) -> str:
    """Return the figures for a person."""
    width = max(map(len, result))
    return "\n".join(f"{name:<{width}}  {value:>9}" for name, value in result.items())


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print a table or one JSON object."""
    parser = argparse.ArgumentParser(prog="launch", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=15, help="launches of each kind")
    parser.add_argument("--herd", type=int, default=50, help="how many press at once")
    parser.add_argument("--density", type=int, default=60, help="how many sandboxes to try")
    parser.add_argument("--only", choices=PARTS, action="append", help="parts to measure; all")
    options = parser.parse_args(argv)
    parts: dict[str, Callable[[WholeRange], dict[str, Any]]] = {
        "one": lambda site: one(site, options.rounds),
        "warm": lambda site: warm(site, options.rounds),
        "three": lambda site: three(site, options.rounds),
        "herd": lambda site: herd(site, options.herd),
        "networks": networks,
        "density": lambda site: density(site, options.density),
    }
    result: dict[str, Any] = {}
    with whole_range(SCENARIOS) as site:
        # A range looks at itself when it starts, which is not what is measured.
        time.sleep(SETTLE_SECONDS)
        for name in PARTS:
            if not options.only or name in options.only:
                result |= parts[name](site)
    print(json.dumps(result) if options.json else table(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
