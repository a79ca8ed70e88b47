"""Which roles make up the range on one machine, and with which rights each of them runs."""

import os
import shlex
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
    "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip
OURS = ("RANGE_", "TUTOR_", "DJANGO_", "DATABASE_URL", "PIP_")

# Roles that reach the engine, and roles that must not be able to.
ENGINE_COMMANDS = {
    "reconciler": "run_reconciler",
    "checker": "run_checker",
    "builder": "run_builder",
}
WEIGHTS = "{python} manage.py fetch_weights --all && {python} manage.py ingest_knowledge"


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The roles of one clone.

    Args:
        state_dir: Where every role may find what must survive.
        host: Address that web and console listen on.
        port: Web's port; console takes the next one.
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
        return Role(
            name="postgres", argv=tuple(server.serve_argv()), stage=0, stop_signal=signal.SIGINT
        )

    def roles(self) -> list[Role]:
        """Return every other role, in the order in which they start."""
        roles = [
            self._engine_role("reconciler", self._manage(ENGINE_COMMANDS["reconciler"]), stage=1),
            self._plain_role("web", self._web(), stage=3),
            self._engine_role("console", self._console(), stage=3),
            *(
                self._engine_role(name, self._manage(ENGINE_COMMANDS[name]), stage=2)
                for name in ("checker", "builder")
            ),
            self._plain_role("worker", self._manage("run_worker"), stage=2),
            replace(
                self._plain_role("model", self._manage("run_model"), stage=2),
                may_start=self._weights_are_here,
            ),
        ]
        return roles if self.offline else [*roles, self._fetching()]

    def _fetching(self) -> Role:
        """Return what fetches the weights beside everything else, and then embeds what waits."""
        line = WEIGHTS.format(python=shlex.quote(sys.executable))
        return replace(self._plain_role("weights", ["/bin/sh", "-c", line], stage=2), once=True)

    def _weights_are_here(self) -> bool:
        return any((self.state_dir / "weights").glob("*.gguf"))

    def confinement(self) -> Confinement:
        """Return what the roles that need no engine run under."""
        return Confinement(
            user=SYSTEM_USER if os.geteuid() == 0 else None,
            readable=(self.base, *interpreter_folders(), self.state_dir),
            hidden=ENGINE_SOCKETS,
        )

    def _plain_role(self, name: str, argv: list[str], *, stage: int) -> Role:
        return Role(name=name, argv=tuple(self.confinement().wrap(argv)), stage=stage)

    @staticmethod
    def _engine_role(name: str, argv: list[str], *, stage: int) -> Role:
        return Role(name=name, argv=tuple(Confinement().wrap(argv)), stage=stage)

    def _manage(self, command: str) -> list[str]:
        return [sys.executable, "manage.py", command]

    def _console(self) -> list[str]:
        listen = ("--host", self.host, "--port", str(self.port + 1))
        return [*self._manage("run_console"), *listen]

    def _web(self) -> list[str]:
        return [
            *(sys.executable, "-m", "uvicorn", "range.asgi:application"),
            *("--host", self.host, "--port", str(self.port), "--ws", "none"),
            *("--no-server-header", "--no-access-log", "--lifespan", "off"),
            # Event streams stay open for hours; a stop must not wait for them.
            *("--timeout-graceful-shutdown", "3"),
        ]


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
