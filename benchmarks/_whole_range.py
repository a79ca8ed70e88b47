"""A whole range of a benchmark's own: database, state, ports and sandboxes, removed at the end."""

import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from range.lib.embedded_postgres import cluster
from range.operations.fleet import Fleet
from range.operations.supervisor import Role

BASE = Path(__file__).resolve().parent.parent
ROLES = ("reconciler", "web", "console", "checker", "worker")
STOP_WITHIN_SECONDS = 20
READY_WITHIN_SECONDS = 180


class WholeRange:
    """The roles of a range, as `bin/up` runs them, against scenarios of the caller's choice."""

    def __init__(
        self, folder: Path, scenarios: Sequence[Path], wanted: Sequence[str] = ROLES
    ) -> None:
        self.state = folder
        self._wanted = wanted
        self.port = _free_pair()
        self.url = f"http://127.0.0.1:{self.port}"
        self._scenarios = folder / "scenarios"
        for scenario in scenarios:
            shutil.copytree(scenario, self._scenarios / scenario.name)
        self._cluster = cluster(folder)
        self._database: subprocess.Popen[bytes] | None = None
        self._roles: dict[str, subprocess.Popen[bytes]] = {}
        self._fleet = Fleet(base=BASE, state_dir=folder, host="127.0.0.1", port=self.port)
        os.environ.update(
            {
                "DATABASE_URL": self._cluster.url(),
                "DJANGO_SECRET_KEY": secrets.token_hex(),
                "RANGE_FLAG_SECRET": secrets.token_hex(),
                "RANGE_RUNTIME_ENV": "",
                "RANGE_STATE_DIR": str(folder),
                "RANGE_SCENARIOS_DIR": str(self._scenarios),
                "RANGE_WEB_PORT": str(self.port),
                "RANGE_CONSOLE_PORT": str(self.port + 1),
                "RANGE_SPARE_SANDBOXES": "0",
                "RANGE_LOG_FORMAT": "json",
            }
        )

    def start(self) -> None:
        """Prepare everything and return once the sign-in page answers."""
        self._cluster.create()
        self._database = self._spawn(self._fleet.postgres(), "postgres")
        _until(self._cluster.answers, "The database did not answer.")
        self._cluster.ensure_database()
        for command in (
            ("migrate", "--no-input", "--verbosity", "0"),
            ("load_starter_frameworks",),
            ("publish_scenarios",),
            ("run_builder", "--once"),
            ("create_demo", "--file", str(self.state / "accounts.json")),
        ):
            self.manage(*command)
        for name in self._wanted:
            self.begin(name)
        _wait_for(self.url + "/sign-in/")

    def pid(self, name: str) -> int:
        """Return the process of a role."""
        return self._roles[name].pid

    def end(self, name: str) -> None:
        """End a role, if it runs."""
        if (old := self._roles.pop(name, None)) is not None:
            _end(old)

    def begin(self, name: str, **settings: str) -> None:
        """Start a role, or start it again with other settings."""
        self.end(name)
        role = next(role for role in self._fleet.roles() if role.name == name)
        self._roles[name] = self._spawn(role, name, **settings)

    def _spawn(self, role: Role, name: str, **settings: str) -> "subprocess.Popen[bytes]":
        with (self.state / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                role.argv,
                cwd=BASE,
                env={**os.environ, **settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # As the range's own supervisor does it: a session has a share of the processor.
                start_new_session=True,
            )

    def manage(self, *arguments: str) -> None:
        """Run a management command of this range."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{arguments[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")

    def stop(self) -> None:
        """End every role, then every sandbox, then the database."""
        for role in self._roles.values():
            role.send_signal(signal.SIGTERM)
        for name, role in self._roles.items():
            _end(role)
            shutil.copy(self.state / f"{name}.log", BASE / "var" / "log" / f"bench-{name}.log")
        from django.conf import settings

        from range.runtime.registry import get_driver

        driver = get_driver(settings.RANGE_DRIVER)
        for handle in list(driver.running()):
            driver.stop(handle)
        self._cluster.stop()


@contextmanager
def whole_range(scenarios: Sequence[Path], wanted: Sequence[str] = ROLES) -> Iterator[WholeRange]:
    """Run a range for as long as the block lasts, with this process as one of its own.

    Args:
        wanted: The roles to start, beside the database.
    """
    # As root, the database's account must reach the folder.
    parent = Path("/var/lib/muster") if os.geteuid() == 0 else None
    if parent is not None:
        parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=parent) as name:
        folder = Path(name)
        folder.chmod(0o755)
        made = WholeRange(folder, scenarios, wanted)
        try:
            # Whoever ends this run ends its range as well.
            signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
            made.start()
            import django

            django.setup()
            logging.getLogger("httpx").setLevel(logging.WARNING)
            yield made
        finally:
            made.stop()


def _end(role: subprocess.Popen[bytes]) -> None:
    role.send_signal(signal.SIGTERM)
    try:
        role.wait(STOP_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        role.kill()
        role.wait()


def _free_pair() -> int:
    """Return a port that is free together with the next one."""
    for port in (20_000 + os.getpid() % 1000 * 2 + step for step in (0, 2000, 4000, 6000)):
        try:
            for each in (port, port + 1):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", each))
        except OSError:
            continue
        return port
    raise SystemExit("There are no two free ports side by side.")


def _wait_for(address: str) -> None:
    def answers() -> bool:
        try:
            with urllib.request.urlopen(address, timeout=3):  # noqa: S310
                return True
        except (OSError, urllib.error.URLError):
            return False

    _until(answers, f"{address} did not answer.")


def _until(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(otherwise)
        time.sleep(0.1)
