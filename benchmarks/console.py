"""Keys, floods and memory of consoles: ours beside terminado, ttyd and the engine's own socket.

Runs a range of its own, whose machines every server shows. Keys of ours pass everything a page's
do: checks of who may, the console role as `bin/up` starts it, holder and recorder. terminado and
ttyd run `docker exec` for each terminal; the raw socket has no server at all. One client types on
all of them in turn, so that whatever else this machine does hits all alike. A hundred consoles are
those of nine trainees on nine machines. Ratios are those of medians, or of 95th percentiles where
the name says so; those of throughput are the median of each turn's ratio. Null is what was not
measured: parts left out, and ttyd where it is not on PATH.
"""

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import batched
from typing import Any

from benchmarks._beside import Bustle
from benchmarks._keys import LETTER, Typing, cpu_seconds, memory_kb, tend
from benchmarks._lines import PROMPT, Line, OurLine
from benchmarks._people import desks
from benchmarks._servers import Place, Server, servers
from benchmarks._whole_range import BASE, WholeRange, whole_range

SCENARIO = BASE / "benchmarks" / "scenarios" / "one-desk"
ROLES = ("reconciler", "web", "console")
PARTS = ("echo", "flood", "throughput", "open")
RATIOS = (
    "echo_p50_ratio_terminado_1",
    "echo_p50_ratio_terminado_50",
    "echo_p95_ratio_terminado_100",
    "echo_p50_ratio_raw_1",
    "echo_p50_ratio_raw_50",
    "flood_ratio",
    "throughput_ratio_raw",
    "memory_ratio_terminado",
    "open_consoles",
    "echo_p50_ratio_ttyd_1",
    "echo_p50_ratio_ttyd_50",
    "throughput_ratio_ttyd",
)
# Browsers run on machines of their own: what measures must not wait for what is measured.
URGENT = -15
# Keys a second on each console: few consoles get more, so that there are enough for a median.
RATES = {1: 25.0, 10: 10.0}
RATE = 5.0
TRAINEES = 9
# As many as one trainee may have.
CONSOLES_EACH = 12
OPENED_AT_ONCE = 4
SETTLE_SECONDS = 5
IDLE_SECONDS = 5
# A console counts as open while its keys come back within this.
OPEN_P95_MS = 50.0

# As range/operations/fleet.py starts it.
AS_THE_ROLE = {
    "RANGE_DATABASE_KEEP_SECONDS": "120",
    "DJANGO_SETTINGS_MODULE": "range.settings_console",
}

type Figures = dict[str, Any]


class Stage:
    """A range, its desks, the servers, and the terminals that are open on each of them."""

    def __init__(self, site: WholeRange, made: Sequence[Server], places: Sequence[Place]) -> None:
        self.site = site
        self.servers = made
        self.lines: dict[str, list[Line]] = {server.name: [] for server in made}
        self._places = places

    def open(self, number: int) -> None:
        """Open terminals until every server shows so many."""
        for server in self.servers:
            say(f"{server.name}: opening {number}")
            opens = partial(_opened, server)
            grow(self.lines[server.name], self._places[:number], opens, self.tend)
        time.sleep(1)

    def tend(self) -> None:
        """Answer whatever servers ask of terminals nobody types on, such as whether they live."""
        tend([line for lines in self.lines.values() for line in lines])

    def typing(self, server: Server, number: int) -> Typing:
        """Return somebody at so many terminals of a server."""
        rate = RATES.get(number, RATE)
        return Typing(self.lines[server.name][:number], rate=rate)


def grow[P](
    lines: list[Line], places: Sequence[P], opens: Callable[[P], Line], tended: Callable[[], None]
) -> None:
    """Open a line for each place that has none yet, a few at once."""
    with ThreadPoolExecutor(OPENED_AT_ONCE) as crowd:
        for batch in batched(places[len(lines) :], 4 * OPENED_AT_ONCE):
            lines.extend(crowd.map(opens, batch))
            tended()


def say(text: str) -> None:
    """Tell whoever waits how far it is."""
    print(f"{time.strftime('%X')} {text}", file=sys.stderr, flush=True)


def _opened(server: Server, place: Place) -> Line:
    line = server.open(place)
    line.until(PROMPT)
    return line


def echo(stage: Stage, options: argparse.Namespace) -> Figures:
    """Type on every server in turn, with ever more terminals, and ask what that costs."""
    found: Figures = {}
    before = {server.name: _memory_mb(server) for server in stage.servers}
    for number in options.consoles:
        stage.open(number)
        typing = {server.name: stage.typing(server, number) for server in stage.servers}
        took: dict[str, list[float]] = {name: [] for name in typing}
        used = dict.fromkeys(typing, 0.0)
        found |= _idle(stage, number, before)
        say(f"typing on {number}")
        for _ in range(options.rounds):
            for server in stage.servers:
                began = cpu_seconds(server.pid) if server.pid else 0.0
                took[server.name] += typing[server.name].run(options.seconds)
                used[server.name] += cpu_seconds(server.pid) - began if server.pid else 0.0
                stage.tend()
        for server in stage.servers:
            found |= _percentiles(f"echo_{server.name}_{number}", took[server.name])
            if server.pid:
                per_key = 1e6 * used[server.name] / len(took[server.name])
                found[f"cpu_us_a_key_{server.name}_{number}"] = round(per_key)
                found[f"memory_mb_{server.name}_{number}"] = round(_memory_mb(server), 1)
    return found


def _idle(stage: Stage, number: int, before: dict[str, float]) -> Figures:
    """Ask what open terminals cost while nobody types."""
    asked = [server for server in stage.servers if server.pid]
    began = {server.name: cpu_seconds(server.pid or 0) for server in asked}
    time.sleep(IDLE_SECONDS)
    found = {}
    for server in asked:
        used = cpu_seconds(server.pid or 0) - began[server.name]
        memory = _memory_mb(server) - before[server.name]
        found[f"idle_cpu_percent_{server.name}_{number}"] = round(100 * used / IDLE_SECONDS, 2)
        found[f"idle_kb_a_console_{server.name}_{number}"] = round(1024 * memory / number)
    return found


def _memory_mb(server: Server) -> float:
    return memory_kb(server.pid) / 1024 if server.pid else 0.0


def flood(stage: Stage, options: argparse.Namespace, beside: Place, page: str) -> Figures:
    """Type on quiet terminals while one floods and a heavy page is drawn five times a second."""
    found: Figures = {}
    stage.open(max(options.consoles))
    for server in stage.servers:
        bustle = Bustle(server, beside, page)
        try:
            for number in options.consoles:
                typing = stage.typing(server, number)
                quiet, loud = list[float](), list[float]()
                say(f"{server.name}: flooding beside {number}")
                stage.tend()
                for _ in range(max(1, options.rounds // 3)):
                    quiet += typing.run(options.seconds)
                    with bustle.going():
                        loud += typing.run(options.seconds)
                    quiet += typing.run(options.seconds)
                found |= _percentiles(f"flood_{server.name}_{number}", loud)
                found[f"flood_ratio_{server.name}_{number}"] = _ratio(
                    statistics.median(loud), statistics.median(quiet)
                )
        finally:
            bustle.end()
    return found


def throughput(stage: Stage, options: argparse.Namespace, places: Sequence[Place]) -> Figures:
    """Show a long file through every server in turn; the first turn of each only warms up."""
    say("showing files")
    lines = {server.name: _opened(server, places[0]) for server in stage.servers}
    size = options.bulk * 1_000_000
    _run(lines["raw"], f"yes {'0123456789' * 7} | head -c {size} >/tmp/bulk")
    rates: dict[str, list[float]] = {name: [] for name in lines}
    order = list(lines)
    for _ in range(options.rounds * 2 + 1):
        for name in order:
            began = time.perf_counter()
            shown = _run(lines[name], "cat /tmp/bulk")
            rates[name].append(shown / 1e6 / (time.perf_counter() - began))
        # Whoever follows a busy server would always be the same.
        order.append(order.pop(0))
    for line in lines.values():
        line.close()
    steady = {name: each[1:] for name, each in rates.items()}
    found = {f"throughput_mb_s_{name}": statistics.median(each) for name, each in steady.items()}
    for peer in steady.keys() - {"ours"}:
        turns = zip(steady["ours"], steady[peer], strict=True)
        found[f"throughput_ratio_{peer}"] = statistics.median(our / their for our, their in turns)
    return {name: _rounded(value) for name, value in found.items()}


def _run(line: Line, command: str) -> int:
    """Run a command and return how much was shown until the shell was ready again."""
    line.send(f"{command}\r".encode())
    return line.until(PROMPT)


def open_consoles(site: WholeRange, options: argparse.Namespace) -> Figures:
    """Open ever more consoles of as many people against an engine in memory, and type on all."""
    # It would take these sandboxes for lost ones.
    for role in ("reconciler", "console"):
        site.end(role)
    file, port = site.state / "instant.json", site.port + 1
    words = [sys.executable, "-m", "benchmarks._instant", str(port), str(max(options.open))]
    log = (BASE / "var" / "log" / "bench-instant.log").open("ab")
    process = subprocess.Popen(
        [*words, str(file)], cwd=BASE, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        start_new_session=True, env={**os.environ, **AS_THE_ROLE},
    )  # fmt: skip
    try:
        _until_it_serves(process, port)
        places = json.loads(file.read_text())
        return _open_and_type(process.pid, port, site.url, places, options)
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def _open_and_type(
    pid: int, port: int, origin: str, places: list[tuple[str, str]], options: argparse.Namespace
) -> Figures:
    found: Figures = {"open_consoles": 0}
    lines: list[Line] = []
    for number in sorted(options.open):
        say(f"in memory: opening {number}")
        opens = partial(_instant_line, port, origin)
        grow(lines, places[:number], opens, lambda: tend(lines))
        began = cpu_seconds(pid)
        took = Typing(lines, rate=RATE, keys=[LETTER]).run(options.seconds * 5)
        per_key = 1e6 * (cpu_seconds(pid) - began) / len(took)
        found |= _percentiles(f"open_{number}", took)
        found[f"open_cpu_us_a_key_{number}"] = round(per_key)
        found[f"open_memory_mb_{number}"] = round(memory_kb(pid) / 1024, 1)
        if found[f"open_{number}_p95_ms"] >= OPEN_P95_MS:
            break
        found["open_consoles"] = number
    for line in lines:
        line.close()
    return found


def _instant_line(port: int, origin: str, place: tuple[str, str]) -> Line:
    path, cookie = place
    line = OurLine(port, path, cookie=cookie, origin=origin)
    line.until(b"$ ")
    return line


def _until_it_serves(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + 120
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("The role in memory did not start; see var/log/bench-instant.log.")
        time.sleep(0.2)


def _answers(port: int) -> bool:
    from range.operations.fleet import port_answers

    return port_answers("127.0.0.1", port)


def _percentiles(name: str, took: Sequence[float]) -> Figures:
    ordered = sorted(took)
    return {
        f"{name}_{each}_ms": _rounded(ordered[max(0, round(len(ordered) * share) - 1)])
        for each, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    }


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return round(ours / theirs, 3) if ours is not None and theirs else None


def _rounded(value: float) -> float:
    return round(value, 3)


def ratios(found: Figures) -> Figures:
    """Return what the design promises, each from its two figures; null where one is missing."""

    def of(figure: str, peer: str) -> float | None:
        return _ratio(found.get(figure.format("ours")), found.get(figure.format(peer)))

    told: Figures = dict.fromkeys(RATIOS)
    for peer in ("terminado", "raw", "ttyd"):
        for number in (1, 50):
            told[f"echo_p50_ratio_{peer}_{number}"] = of(f"echo_{{}}_{number}_p50_ms", peer)
    told["echo_p95_ratio_terminado_100"] = of("echo_{}_100_p95_ms", "terminado")
    told["memory_ratio_terminado"] = of("memory_mb_{}_100", "terminado")
    for peer in ("raw", "ttyd"):
        told[f"throughput_ratio_{peer}"] = found.get(f"throughput_ratio_{peer}")
    beside = [found[key] for key in found if key.startswith("flood_ratio_ours_")]
    told["flood_ratio"] = max(beside, default=None)
    told["open_consoles"] = found.get("open_consoles")
    return told


def table(result: Figures) -> str:
    """Return the figures for a person."""
    width = max(map(len, result))
    return "\n".join(f"{name:<{width}}  {value!s:>9}" for name, value in result.items())


def measure(options: argparse.Namespace) -> Figures:
    """Start everything, measure the wanted parts, and return every figure."""
    found: Figures = {}
    wanted = options.only or PARTS
    with whole_range([SCENARIO], ROLES) as site:
        if os.geteuid() == 0:
            os.setpriority(os.PRIO_PROCESS, 0, URGENT)
        if {"echo", "flood", "throughput"} & set(wanted):
            found |= _beside_others(site, options, wanted)
        if "open" in wanted:
            found |= open_consoles(site, options)
    return {**ratios(found), **found}


def _beside_others(site: WholeRange, options: argparse.Namespace, wanted: Sequence[str]) -> Figures:
    made = desks(TRAINEES + 1, CONSOLES_EACH, SCENARIO.name)
    *rows, (attempt, spare) = made
    # The first console of each, then the second of each, and so on.
    places = [place for row in zip(*(row for _, row in rows), strict=True) for place in row]
    page = f"{site.url}/attempts/{attempt}/"
    found: Figures = {}
    with servers(site, [places[0].container for _, places in made]) as running:
        stage = Stage(site, running, places)
        # A range looks at itself when it starts, which is not what is measured.
        time.sleep(SETTLE_SECONDS)
        gc.disable()
        parts: dict[str, Callable[[], Figures]] = {
            "echo": lambda: echo(stage, options),
            "flood": lambda: flood(stage, options, spare[0], page),
            "throughput": lambda: throughput(stage, options, places[-1:]),
        }
        for name, part in parts.items():
            if name in wanted:
                found |= part()
        for lines in stage.lines.values():
            for line in lines:
                with suppress(OSError):
                    line.close()
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print a table or one JSON object."""
    parser = argparse.ArgumentParser(prog="console", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", choices=PARTS, action="append", help="parts to measure; all")
    parser.add_argument(
        "--rounds", type=int, default=8, help="turns of each server, twice as many of files"
    )
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each types in a turn")
    parser.add_argument("--consoles", type=int, nargs="+", default=[1, 10, 50, 100])
    parser.add_argument("--open", type=int, nargs="+", default=[500, 1000, 1500])
    parser.add_argument("--bulk", type=int, default=8, help="megabytes of output in a turn")
    options = parser.parse_args(argv)
    result = measure(options)
    print(json.dumps(result) if options.json else table(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
