"""A database of a benchmark's own with the library's knowledge, and the local model if wanted."""

import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from range.lib.embedded_postgres import cluster

BASE = Path(__file__).resolve().parent.parent
WEIGHTS = BASE / "var" / "weights"
MODEL_WITHIN_SECONDS = 120
STOP_WITHIN_SECONDS = 20


@contextmanager
def own_range() -> Iterator[None]:
    """Hold a migrated, empty database for as long as the block lasts, with Django set up."""
    # As root, the database's account must reach the folder.
    parent = Path("/var/lib/muster") if os.geteuid() == 0 else None
    if parent is not None:
        parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=parent) as name:
        folder = Path(name)
        folder.chmod(0o755)
        made = cluster(folder)
        port = _free_port()
        os.environ.update(
            {
                "DATABASE_URL": made.url(),
                "DJANGO_SECRET_KEY": secrets.token_hex(),
                "RANGE_FLAG_SECRET": secrets.token_hex(),
                "RANGE_RUNTIME_ENV": "",
                "RANGE_STATE_DIR": str(folder),
                "RANGE_LOG_FORMAT": "json",
                "TUTOR_WEIGHTS_DIR": str(WEIGHTS),
                "TUTOR_LOCAL_PORT": str(port),
                "TUTOR_LOCAL_URL": f"http://127.0.0.1:{port}/v1",
            }
        )
        # Whoever ends this run ends its database as well.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
        made.create()
        server = made.start()
        try:
            made.ensure_database()
            import django

            django.setup()
            # Every publication and every hit of the guard would be a line among the figures.
            logging.disable(logging.WARNING)
            from django.core.management import call_command

            call_command("migrate", "--no-input", "--verbosity", "0")
            yield
        finally:
            made.stop()
            server.wait(STOP_WITHIN_SECONDS)


@contextmanager
def local_model() -> Iterator[str]:
    """Serve the local model as the range's own role does; yields why it cannot, or nothing."""
    from tutor.providers.weights import CHAT_MODEL

    if not (WEIGHTS / CHAT_MODEL.filename).is_file():
        yield "the weights are not here: manage.py fetch_weights fetches 1.1 GB"
        return
    role = subprocess.Popen(
        [sys.executable, "manage.py", "run_model", "--no-fetch"],
        cwd=BASE,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield "" if _serves(role) else "the local model's server did not start"
    finally:
        role.send_signal(signal.SIGTERM)
        try:
            role.wait(STOP_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            role.kill()
            role.wait()


def _serves(role: "subprocess.Popen[bytes]") -> bool:
    address = f"http://127.0.0.1:{os.environ['TUTOR_LOCAL_PORT']}/health"
    deadline = time.monotonic() + MODEL_WITHIN_SECONDS
    while time.monotonic() < deadline and role.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=3):
                return True
        except (OSError, urllib.error.URLError):
            time.sleep(1)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
