"""Which roles make up the range on one machine, and with which rights each of them runs."""

import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from range.lib import embedded_postgres
from range.lib.privileges import Confinement, interpreter_folders
from range.lib.state import SYSTEM_USER
from range.operations.supervisor import Role

ENGINE_SOCKETS = (Path("/run/docker.sock"), Path("/var/run/docker.sock"))
# What a role may inherit from whoever started the range, beside the range's own settings.
INHERITED = (
    "PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "HOME", "DOCKER_HOST", "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
    "http_proxy", "https_proxy", "no_proxy", "PYTHONDONTWRITEBYTECODE",
)  # fmt: skip
# Niceness, which only root may lower.
URGENT = -10
URGENTLY = Path(__file__).with_name("urgently.sh")
# How roles that answer people reach the database: requests share connections, or the console
# role's two threads keep one each, which takes 2 MB less.
CONNECTIONS = {
    "web": "RANGE_DATABASE_POOL=16",
    "console": "RANGE_DATABASE_KEEP_SECONDS=120",
    "view": "RANGE_DATABASE_POOL=4",
}
OURS = ("RANGE_", "TUTOR_", "DJANGO_", "DATABASE_URL", "PIP_")


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The roles of one clone.

    Args:
        state_dir: Where every role may find what must survive.
        host: Address that web and console listen on.
        port: Web's port; console takes the next one, web views the third after it.
        offline: Whether nothing may be fetched.
    """

    base: Path
    state_dir: Path
    host: str
    port: int
    offline: bool = False

    def postgres(self) -> Role:
        """Return the embedded database; it starts first and stops last."""
        server = embedded_postgres.cluster(self.state_dir)
        # SIGINT is Postgres's "fast": SIGTERM would wait for every client to leave.
        argv = _first(server.serve_argv())
        return Role(name="postgres", argv=argv, stage=0, stop_signal=signal.SIGINT)

    def roles(self) -> list[Role]:
        """Return every other role, in the order in which they start."""
        return [
            self._loop("reconciler", "run_reconciler", stage=1, engine=True),
            self._listening("web", self.port, self.confinement().wrap(self._web())),
            self._listening("console", self.port + 1, Confinement().wrap(self._console())),
            self._view(),
            self._loop("checker", "run_checker", engine=True),
            self._loop("builder", "run_builder", engine=True),
            self._loop("workshop", "run_workshop", engine=True),
            self._loop("worker", "run_worker", engine=False),
            self._model(),
        ]

    def confinement(self) -> Confinement:
        """Return what the roles that need no engine run under."""
        return Confinement(
            user=SYSTEM_USER if os.geteuid() == 0 else None,
            readable=(self.base, *interpreter_folders(), self.state_dir),
            hidden=ENGINE_SOCKETS,
        )

    def _loop(self, name: str, command: str, *, engine: bool, stage: int = 2) -> Role:
        """Return a role that tells by itself when its loop begins."""
        rights = Confinement() if engine else self.confinement()
        argv = tuple(rights.wrap(self._manage(command)))
        return Role(name=name, argv=argv, stage=stage, tells_ready=True)

    def _listening(self, name: str, port: int, argv: list[str]) -> Role:
        """Return a role that is ready once its port answers."""
        return Role(
            name=name,
            argv=_first(("env", CONNECTIONS[name], *argv)),
            stage=3,
            ready=lambda: port_answers(self.host, port),
        )

    def _view(self) -> Role:
        """Return the role that shows machines' web pages; keys and pages come before it."""
        port = self.port + 3
        listen = ("--host", self.host, "--port", str(port))
        argv = Confinement().wrap([*self._manage("run_view"), *listen])
        return Role(
            name="view",
            argv=("env", CONNECTIONS["view"], *argv),
            stage=3,
            ready=lambda: port_answers(self.host, port),
        )

    def _model(self) -> Role:
        """Return the local model, which fetches its weights by itself."""
        argv = [*self._manage("run_model"), *(["--no-fetch"] if self.offline else [])]
        wrapped = tuple(self.confinement().wrap(argv))
        # It holds nothing worth waiting for; a download goes on where it was.
        return Role(name="model", argv=wrapped, stage=2, patience_seconds=2.0)

    def _manage(self, command: str) -> list[str]:
        return [sys.executable, "manage.py", command]

    def _console(self) -> list[str]:
        listen = ("--host", self.host, "--port", str(self.port + 1))
        return [*self._manage("run_console"), "--settings", "range.settings_console", *listen]

    def _web(self) -> list[str]:
        return [
            *(sys.executable, "-m", "uvicorn", "range.asgi:application"),
            *("--host", self.host, "--port", str(self.port), "--ws", "none"),
            *("--no-server-header", "--no-access-log", "--lifespan", "off"),
            # Event streams stay open for hours; a stop must not wait for them.
            *("--timeout-graceful-shutdown", "3"),
        ]


def _first(argv: Sequence[str]) -> tuple[str, ...]:
    """Return a program that comes before others where cores are short: somebody waits for it.

    Fifty launches at once keep every core busy; pages, keys and rows must not stand behind them.
    """
    if os.geteuid() != 0:
        return tuple(argv)
    return ("/bin/sh", str(URGENTLY), str(URGENT), *argv)


def local_address(host: str) -> str:
    """Return the address at which this machine reaches what listens on a host."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def port_answers(host: str, port: int) -> bool:
    """Tell whether a program on this machine listens on a port."""
    try:
        with socket.create_connection((local_address(host), port), timeout=1):
            return True
    except OSError:
        return False


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return what every role's environment holds, and nothing a starter happened to have."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in INHERITED or name.startswith(OURS)
    }
    return {
        **settings,
        **kept,
        "DJANGO_SETTINGS_MODULE": "range.settings",
        "PYTHONUNBUFFERED": "1",
        # The roles were told everything; those that dropped rights could not read the file.
        "RANGE_RUNTIME_ENV": "",
    }
