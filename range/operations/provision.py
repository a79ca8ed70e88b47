"""Makes what must exist before any setting can be read: folders, a system user, secrets."""

import os
import pwd
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from range.lib import embedded_postgres, privileges
from range.lib.signing import keyring
from range.lib.state import SYSTEM_USER, default_state_dir

HEADER = (
    "# Written by bin/up, which keeps what it finds here. Holds secrets: never share it.\n"
    "# A name set in the environment wins over its line.\n"
)
# Names that bin/up may be given in the environment and that every later start needs again.
KEPT = ("DATABASE_URL", "RANGE_STATE_DIR", "DJANGO_ALLOWED_HOSTS", "DJANGO_TRUSTED_ORIGINS")


def runtime_file(base: Path) -> Path:
    """Return where the generated settings lie."""
    return base / "var" / "runtime.env"


def read_runtime(base: Path) -> dict[str, str]:
    """Return the generated settings; none before the first start."""
    try:
        lines = runtime_file(base).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


def provision(base: Path, *, host: str, port: int) -> dict[str, str]:
    """Make folders, user and secrets, and return the settings; what exists is kept.

    Raises:
        PrivilegeError: The system user cannot be made.
        PostgresError: The embedded database's folder cannot be made.
        KeyringBroken: The keys that sign evidence are there but damaged.
    """
    settings = read_runtime(base)
    settings.update({name: os.environ[name] for name in KEPT if os.environ.get(name)})
    settings.setdefault("DJANGO_SECRET_KEY", secrets.token_urlsafe(48))
    settings.setdefault("RANGE_FLAG_SECRET", secrets.token_urlsafe(48))
    settings.setdefault("RANGE_STATE_DIR", str(default_state_dir(base)))
    settings["RANGE_WEB_PORT"] = str(port)
    settings["RANGE_CONSOLE_PORT"] = str(port + 1)
    settings["RANGE_VIEW_PORT"] = str(port + 3)
    settings["TUTOR_LOCAL_PORT"] = str(port + 2)
    settings["TUTOR_LOCAL_URL"] = f"http://127.0.0.1:{port + 2}/v1"
    settings.setdefault("DJANGO_ALLOWED_HOSTS", ",".join(_names_of(host)))
    state = Path(settings["RANGE_STATE_DIR"])
    _make_state(state)
    server = embedded_postgres.cluster(state)
    if settings.setdefault("DATABASE_URL", server.url()) == server.url():
        server.create()
    _write(runtime_file(base), settings)
    return settings


def _names_of(host: str) -> list[str]:
    names = ["localhost", "127.0.0.1", "[::1]"]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - the operator asked for every address
        return ["*"]
    return names if host in names else [*names, host]


def _make_state(state: Path) -> None:
    """Make the state folder; as root, two owners share it without trusting each other.

    The console role writes recordings as root where the web role may only read; weights, keys
    and the database belong to the system user.
    """
    state.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    state.mkdir(exist_ok=True, mode=0o755)
    for name in ("recordings", "weights"):
        (state / name).mkdir(exist_ok=True)
    ring = keyring(state)
    if os.geteuid() != 0:
        return
    privileges.ensure_system_user(SYSTEM_USER)
    account = pwd.getpwnam(SYSTEM_USER)
    os.chown(state / "recordings", 0, account.pw_gid)
    # The group bit on the folder hands every new recording to the system user's group.
    (state / "recordings").chmod(0o2750)
    os.chown(state / "weights", account.pw_uid, account.pw_gid)
    # Web and worker sign; everybody else reads the public halves from a page.
    for path in (ring.folder, *ring.folder.iterdir()):
        os.chown(path, account.pw_uid, account.pw_gid)


def _write(path: Path, settings: Mapping[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(HEADER + "".join(f"{name}={settings[name]}\n" for name in sorted(settings)))
    new.replace(path)


def main(arguments: list[str]) -> None:
    """Provision for the host and port given; bin/up calls this before Django can start."""
    base = Path(__file__).resolve().parents[2]
    host, port = arguments
    provision(base, host=host, port=int(port))


if __name__ == "__main__":
    main(sys.argv[1:])
