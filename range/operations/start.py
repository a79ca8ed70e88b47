"""Starts the whole range on one machine, from the database to the address it is reached at."""

import json
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import TextIO

import psycopg

from range.lib import embedded_postgres, logs
from range.lib.errors import RangeError
from range.operations import single
from range.operations.fleet import Fleet, environment, local_address
from range.operations.steps import STEPS, Runner, Step, tail
from range.operations.supervisor import Supervisor

# Generous: on a busy machine every role takes its time, and hopeless ones are told apart anyway.
READY_WITHIN = timedelta(minutes=3)
# A role that ended this often while everything starts will not start by itself.
HOPELESS_RESTARTS = 4


class StartFailed(RangeError):
    """The range could not be started; the message says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="start", status=500)


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to start.

    Args:
        host: Address that web and console listen on.
        port: Web's port; console, model and web views take the three after it.
        demo: Whether demo accounts are made and shown.
        offline: Whether nothing may be fetched.
    """

    base: Path
    state_dir: Path
    database_url: str
    host: str
    port: int
    demo: bool
    offline: bool = False


def run(options: Options, settings: Mapping[str, str], *, output: TextIO) -> None:
    """Start everything, tell the address, watch until told to stop, and stop in order.

    Raises:
        AlreadyRunning: This clone runs already.
        StartFailed: A port is taken, or the site does not answer.
        StepFailed: A step before the roles failed.
    """
    with single.claim(options.base), _own_log(options.base):
        refuse_taken_ports(options.host, [options.port, options.port + 1, options.port + 3])
        handed = environment(settings)
        supervisor = Supervisor(base=options.base, state_dir=options.state_dir, environment=handed)
        with _signals(supervisor):
            try:
                _bring_up(options, supervisor, handed, output)
                supervisor.run()
            except KeyboardInterrupt:
                pass
            finally:
                output.write("\nStopping every role; sandboxes stay.\n")
                output.flush()
                supervisor.stop()


def _bring_up(
    options: Options, supervisor: Supervisor, handed: Mapping[str, str], output: TextIO
) -> None:
    fleet = Fleet(
        base=options.base,
        state_dir=options.state_dir,
        host=options.host,
        port=options.port,
        offline=options.offline,
    )
    _start_database(options, fleet, supervisor, output)
    Runner(
        base=options.base, fingerprint=fingerprint(options), environment=handed, output=output
    ).run(step for step in STEPS if _wanted(step, options))
    _give_to_starter(_accounts_file(options))
    with _told("Start every role", output):
        for role in fleet.roles():
            supervisor.add(role)
        wait_until_ready(options, supervisor)
    output.write(welcome(options))
    output.flush()


def _wanted(step: Step, options: Options) -> bool:
    return not (step.demo and not options.demo) and not (step.fetches and options.offline)


def _start_database(options: Options, fleet: Fleet, supervisor: Supervisor, output: TextIO) -> None:
    server = embedded_postgres.cluster(options.state_dir)
    if options.database_url != server.url():
        return
    with _told("Start the database", output):
        # One that outlived a killed supervisor is in the way of the new one.
        server.stop()
        supervisor.add(fleet.postgres())
        _until(server.answers, supervisor, role="postgres", within=timedelta(seconds=30))
        server.ensure_database()


def wait_until_ready(options: Options, supervisor: Supervisor) -> None:
    """Wait until the site itself says that every role runs.

    Raises:
        StartFailed: It does not, within the time.
    """
    _until(lambda: answers(options.host, options.port), supervisor, role="web", within=READY_WITHIN)


def answers(host: str, port: int) -> bool:
    """Tell whether the site on this machine answers that all is well."""
    address = local_address(host)
    place = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    try:
        with urllib.request.urlopen(f"http://{place}/healthz", timeout=3) as reply:
            return bool(reply.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def refuse_taken_ports(host: str, ports: list[int]) -> None:
    """Refuse ports that another program listens on.

    Raises:
        StartFailed: One is taken; the message names a way out.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in ports:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise StartFailed(
                    f"Port {port} on {host} cannot be used: {error.strerror}. "
                    f"Choose another, such as bin/up --port {ports[0] + 100}."
                ) from error


def fingerprint(options: Options) -> str:
    """Return what tells this database from one that took its place."""
    server = embedded_postgres.cluster(options.state_dir)
    query = "SELECT oid FROM pg_database WHERE datname = current_database()"
    with psycopg.connect(options.database_url) as connection:
        row = connection.execute(query).fetchone()
    version = server.data / "PG_VERSION"
    made_at = version.stat().st_mtime_ns if options.database_url == server.url() else 0
    return f"{options.database_url} {row} {made_at}"


def welcome(options: Options) -> str:
    """Return what a person needs next: the address and the demo accounts."""
    host = "localhost" if options.host in ("127.0.0.1", "0.0.0.0", "::") else options.host  # noqa: S104
    lines = ["", f"Muster runs at http://{host}:{options.port}/", ""]
    accounts = _accounts_file(options)
    if options.demo and accounts.is_file():
        lines += ["Demo accounts (also in var/demo-accounts.json):"]
        lines += [f"  {line}" for line in _accounts(accounts)]
        lines.append("")
    lines += ["Ctrl-C or bin/up --stop ends it; sandboxes stay.", ""]
    return "\n".join(lines)


def _accounts_file(options: Options) -> Path:
    return options.base / "var" / "demo-accounts.json"


def _give_to_starter(path: Path) -> None:
    """Let whoever started this with sudo read a file that only its owner may read."""
    starter = os.environ.get("SUDO_UID", "")
    if starter.isdigit() and os.geteuid() == 0 and path.is_file():
        os.chown(path, int(starter), -1, follow_symlinks=False)


def _accounts(path: Path) -> Iterator[str]:
    for account in json.loads(path.read_text(encoding="utf-8")):
        role = str(account["role"]).lower()
        yield f"{role:<11} {account['username']:<12} {account['password']}"


def _until(
    condition: Callable[[], bool], supervisor: Supervisor, *, role: str, within: timedelta
) -> None:
    deadline = time.monotonic() + within.total_seconds()
    while not condition():
        supervisor.tick()
        if supervisor.stopping:
            raise KeyboardInterrupt
        hopeless = any(each.restarts >= HOPELESS_RESTARTS for each in supervisor.statuses())
        if hopeless or time.monotonic() > deadline:
            raise StartFailed(_why_not(supervisor, role))
        time.sleep(0.1)


def _why_not(supervisor: Supervisor, role: str) -> str:
    ailing = [each.name for each in supervisor.statuses() if not each.healthy] or [role]
    logs = "\n".join(
        f"--- {name} ---\n{tail(supervisor.base / 'var' / 'log' / f'{name}.log', lines=8)}"
        for name in ailing
    )
    return (
        f"These roles do not run as they should: {', '.join(ailing)}.\n{logs}\n"
        "The whole logs lie in var/log; '.venv/bin/python manage.py doctor' tells what is missing."
    )


@contextmanager
def _told(title: str, output: TextIO) -> Iterator[None]:
    output.write(f"  {title:<46} ")
    output.flush()
    started = time.monotonic()
    try:
        yield
    except BaseException:
        output.write("failed\n")
        raise
    output.write(f"{time.monotonic() - started:4.0f} s\n")
    output.flush()


@contextmanager
def _own_log(base: Path) -> Iterator[None]:
    """Keep the supervisor's own words out of the progress a person reads."""
    path = base / "var" / "log" / "supervisor.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        logs.configure(as_json=False, stream=stream)
        yield
    logs.configure(as_json=False)


@contextmanager
def _signals(supervisor: Supervisor) -> Iterator[None]:
    """Turn every polite request to end into one stop in order."""

    def end(number: int, frame: FrameType | None) -> None:
        if supervisor.stopping:
            return
        supervisor.request_stop(number, frame)
        # A step may be waiting for its command, which gets no Ctrl-C from a closing terminal.
        raise KeyboardInterrupt

    before = {each: signal.signal(each, end) for each in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
