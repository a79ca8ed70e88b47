"""A neighbour's command while a hostile trainee floods, beside the same command when it is quiet.

Two sandboxes on the driver. In one, a machine with a full core is flooded; in the other a console
is open, as the console role opens it. Measured is the time from a typed command to its output on
that console. Each flood, and all of them at once, lies between two quiet times of the same run; a
ratio is that of the medians of a flood and of the quiet around it.
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from benchmarks._floods import FLOODS, begun
from range.operations.fleet import URGENT
from range.runtime.docker_engine import DockerDriver
from range.runtime.driver import ConsoleStream, Handle, Size
from range.runtime.options import DriverOptions, current
from range.runtime.topology import Console, Limits, Machine, Network, Topology

HOSTILE = Limits(cpu_cores=1.0)
SIZE = Size(rows=24, columns=80)
LAN, DESK = "lan", "desk"
# A flood has begun within this, and has ended within this.
SETTLE_SECONDS = 1.0
# What somebody who types leaves between two commands.
PAUSE_SECONDS = 0.05
ALL = "all"


def topology(limits: Limits) -> Topology:
    """Return a sandbox of one plain machine."""
    machine = Machine(
        name=DESK,
        image=current().base_image,
        networks=(LAN,),
        limits=limits,
        console=Console(user="nobody"),
    )
    return Topology(machines=(machine,), networks=(Network(name=LAN),))


@dataclass(frozen=True, kw_only=True)
class Arena:
    """A hostile trainee's sandbox and their neighbour's."""

    driver: DockerDriver
    hostile: Handle
    neighbour: Handle

    def begin(self, flood: str) -> None:
        """Let a flood loose, and every one for `all`."""
        for name in FLOODS if flood == ALL else [flood]:
            self.driver.exec(self.hostile, DESK, begun(FLOODS[name]))

    def end(self) -> None:
        """Give the flooded machine way to a fresh one."""
        deadline = datetime.now(UTC) + timedelta(minutes=1)
        self.driver.reset(self.hostile, DESK, topology=topology(HOSTILE), deadline=deadline)


@contextmanager
def arena() -> Iterator[Arena]:
    """Start both sandboxes, and remove them whatever happens."""
    driver = DockerDriver(DriverOptions(installation=f"bench-{uuid4().hex[:8]}"))
    deadline = datetime.now(UTC) + timedelta(minutes=2)
    try:
        hostile, neighbour = (
            driver.start(uuid4(), topology(limits), deadline=deadline)
            for limits in (HOSTILE, Limits())
        )
        yield Arena(driver=driver, hostile=hostile, neighbour=neighbour)
    finally:
        for handle in list(driver.running()):
            driver.stop(handle)
        driver.engine.close()


class Typist:
    """Somebody at the neighbour's console."""

    def __init__(self, console: ConsoleStream) -> None:
        self._console = console
        self._count = 1000

    async def command(self) -> float:
        """Enter a command and return the milliseconds to its output."""
        self._count += 1
        # What is typed comes back too; the output is not in it.
        began = time.perf_counter()
        await self._console.write(f"echo ${{PPID:+said}}-{self._count}\n".encode())
        seen, wanted = b"", f"said-{self._count}".encode()
        while wanted not in seen:
            got = await asyncio.wait_for(self._console.read(), 60)
            if not got:
                raise SystemExit("The neighbour's console ended.")
            seen += got
        return (time.perf_counter() - began) * 1000

    async def commands(self, count: int) -> list[float]:
        """Enter some commands, one after the other."""
        took = []
        for _ in range(count):
            took.append(await self.command())
            await asyncio.sleep(PAUSE_SECONDS)
        return took


async def rounds(place: Arena, attacks: Sequence[str], *, count: int) -> dict[str, list[float]]:
    """Return what commands took, by attack; `quiet` 0 and 1 of each around it."""
    console = await place.driver.open_console(place.neighbour, DESK, SIZE)
    typist = Typist(console)
    try:
        await typist.commands(5)
        took = {}
        for attack in attacks:
            took[f"{attack}-before"] = await typist.commands(count)
            await asyncio.to_thread(place.begin, attack)
            await asyncio.sleep(SETTLE_SECONDS)
            took[attack] = await typist.commands(count)
            await asyncio.to_thread(place.end)
            await asyncio.sleep(SETTLE_SECONDS)
            took[f"{attack}-after"] = await typist.commands(count)
        return took
    finally:
        await console.close()


def summary(took: Mapping[str, Sequence[float]], attacks: Sequence[str]) -> dict[str, float]:
    """Return the medians in milliseconds, and the worst of an attack by the quiet around it."""
    quiet = {each: [*took[f"{each}-before"], *took[f"{each}-after"]] for each in attacks}
    ratios = {
        each: statistics.median(took[each]) / statistics.median(quiet[each]) for each in attacks
    }
    everything = [each for times in quiet.values() for each in times]
    return {
        "quiet_p50_ms": round(statistics.median(everything), 2),
        **{f"{each}_p50_ms": round(statistics.median(took[each]), 2) for each in attacks},
        **{f"{each}_ratio": round(ratios[each], 2) for each in attacks},
        "worst_ratio": round(max(ratios.values()), 2),
    }


def measure(attacks: Sequence[str], *, count: int) -> dict[str, float]:
    """Run it all once."""
    if os.geteuid() == 0:
        # As the console role, which stands between a trainee and the engine.
        os.setpriority(os.PRIO_PROCESS, 0, URGENT)
    with arena() as place:
        return summary(asyncio.run(rounds(place, attacks, count=count)), attacks)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and print a table, or one JSON object with `--json`."""
    parser = argparse.ArgumentParser(prog="neighbour", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--commands", type=int, default=40, help="in each quiet time and flood")
    parser.add_argument("--only", choices=[*FLOODS, ALL], nargs="*", default=[*FLOODS, ALL])
    options = parser.parse_args(argv)
    result = measure(options.only, count=options.commands)
    if options.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{name:<24}{value:>9}" for name, value in result.items()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
