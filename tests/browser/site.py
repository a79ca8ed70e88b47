"""A whole range in processes of its own, beside whatever else runs on this machine."""

import contextlib
import json
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from range.lib.state import SYSTEM_USER
from range.operations.fleet import Fleet

BASE = Path(__file__).resolve().parents[2]
ROLES = ("reconciler", "web", "console", "view", "checker", "worker")
PREPARATION = (
    ("migrate", "--no-input", "--verbosity", "0"),
    ("load_starter_frameworks",),
    ("publish_scenarios", "sudo-says"),
    ("run_builder", "--once", "sudo-says"),
)
STOP_WITHIN_SECONDS = 15
ANSWER_WITHIN_SECONDS = 900


class Site:
    """One range: its own database, state, ports and installation label."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.port = _free_ports()
        self.url = f"http://127.0.0.1:{self.port}"
        self.accounts: dict[str, str] = {}
        # An attempt that was solved and graded, once a test has done so.
        self.finished = ""
        self._database = f"browser_{os.getpid()}_{secrets.token_hex(3)}"
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._asker: subprocess.Popen[str] | None = None
        self._fleet = Fleet(base=BASE, state_dir=state_dir, host="127.0.0.1", port=self.port)

    def start(self) -> None:
        """Prepare everything and return once the sign-in page answers."""
        self._create_database()
        for command in PREPARATION:
            self.manage(*command)
        for command in (("publish_scenarios",), ("ingest_knowledge",)):
            self._try(*command)
        self.open(ROLES)

    def open(self, roles: Sequence[str]) -> None:
        """Make the demo's people, start roles and return once the sign-in page answers."""
        file = self.state_dir / "accounts.json"
        self.manage("create_demo", "--file", str(file))
        self.accounts = {a["username"]: a["password"] for a in json.loads(file.read_text())}
        for name in roles:
            self.begin(name)
        _wait_for(lambda: self._answers("/sign-in/"), "the sign-in page", seconds=120)

    def stop(self) -> None:
        """End every role and leave no container behind."""
        for child in self._children.values():
            child.send_signal(signal.SIGTERM)
        for child in self._children.values():
            try:
                child.wait(STOP_WITHIN_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.ask(_REMOVE_ALL)
        self._close_asker()
        self._drop_database()

    def _close_asker(self) -> None:
        if self._asker is not None:
            self._asker.communicate()
            self._asker = None

    def _try(self, *command: str) -> None:
        """Do what the journey can do without: other scenarios' faults are other tests' matter."""
        try:
            self.manage(*command)
        except AssertionError as error:
            print(error)

    def manage(self, *arguments: str) -> str:
        """Run a management command of this range and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def ask(self, code: str, **values: str) -> str:
        """Run a few lines inside this range, with values at hand, and return what they print."""
        if self._asker is None or self._asker.poll() is not None:
            self._asker = self._open_asker()
        asker = self._asker
        print(json.dumps({"code": code, "values": values}), file=asker.stdin, flush=True)
        if not select.select([asker.stdout], [], [], ANSWER_WITHIN_SECONDS)[0]:
            asker.kill()
            raise AssertionError(f"No answer within {ANSWER_WITHIN_SECONDS} s: {code}")
        answer = json.loads(asker.stdout.readline() or '{"error": "It ended."}')
        assert not answer["error"], f"{code}: {answer['error'][-3000:]}"
        return answer["printed"].strip()

    def _open_asker(self) -> subprocess.Popen[str]:
        with (self.state_dir / "asker.log").open("a") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.browser.asking"],
                cwd=BASE,
                env=self.environment | {"DJANGO_SETTINGS_MODULE": "range.settings"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    @property
    def environment(self) -> dict[str, str]:
        """What every process of this range gets."""
        parts = urlsplit(os.environ["DATABASE_URL"])
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RANGE_", "TUTOR_"))}
        return kept | {
            "DATABASE_URL": urlunsplit(parts._replace(path=f"/{self._database}")),
            "DJANGO_SECRET_KEY": os.environ["DJANGO_SECRET_KEY"],
            "RANGE_FLAG_SECRET": os.environ["RANGE_FLAG_SECRET"],
            "RANGE_RUNTIME_ENV": "",
            "RANGE_STATE_DIR": str(self.state_dir),
            "RANGE_WEB_PORT": str(self.port),
            "RANGE_CONSOLE_PORT": str(self.port + 1),
            "RANGE_VIEW_PORT": str(self.port + 3),
            "PYTHONUNBUFFERED": "1",
        }

    def log(self, role: str) -> str:
        """Return what a role has written so far."""
        return (self.state_dir / f"{role}.log").read_text(errors="replace")

    def begin(self, name: str) -> None:
        """Start a role, unless it runs."""
        if name in self._children and self._children[name].poll() is None:
            return
        argv = self._argv(name)
        with (self.state_dir / f"{name}.log").open("ab") as log:
            self._children[name] = subprocess.Popen(
                argv,
                cwd=BASE,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _argv(self, name: str) -> Sequence[str]:
        return next(role.argv for role in self._fleet.roles() if role.name == name)

    def kill(self, name: str) -> None:
        """Kill a role as a power cut would, and wait until it is gone."""
        self._children[name].kill()
        self._children[name].wait()

    def _create_database(self) -> None:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {self._database}")

    def _drop_database(self) -> None:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {self._database} WITH (FORCE)")

    def _answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(self.url + path, timeout=3) as reply:
                return bool(reply.status == 200)
        except (OSError, urllib.error.URLError):
            return False


@contextlib.contextmanager
def running[S: Site](name: str, made: Callable[[Path], S] = Site) -> Iterator[S]:
    """Run a range of one's own; its state lies in a folder of this test run's."""
    state_dir = Path(os.environ["RANGE_STATE_DIR"]) / f"{name}-{os.getpid()}"
    for folder in (state_dir, state_dir / "recordings", state_dir / "weights"):
        folder.mkdir(parents=True, mode=0o755)
    if os.geteuid() == 0:
        # As bin/up does it: the roles without an engine read what the console role writes.
        shutil.chown(state_dir / "recordings", group=SYSTEM_USER)
        (state_dir / "recordings").chmod(0o2750)
        shutil.chown(state_dir / "weights", SYSTEM_USER, SYSTEM_USER)
    site = made(state_dir)
    try:
        site.start()
        yield site
    finally:
        site.stop()


_REMOVE_ALL = """
from django.conf import settings
from range.runtime.registry import get_driver
driver = get_driver(settings.RANGE_DRIVER)
for handle in list(driver.running()):
    driver.stop(handle)
"""


def _free_ports() -> int:
    """Return a port that is free together with those of the other servers."""
    for port in range_of_ports():
        try:
            for each in (port, port + 1, port + 3):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", each))
        except OSError:
            continue
        return port
    raise AssertionError("no free ports side by side")


def range_of_ports():
    """Yield ports to try, beginning where the process number says."""
    start = 12000 + os.getpid() % 1000 * 4
    yield from (start + 4 * step for step in (0, 1, 2, 5, 11, 101))


def _wait_for(condition, what: str, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
        time.sleep(0.1)
