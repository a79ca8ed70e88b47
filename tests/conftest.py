"""Gives every test run a real Postgres of its own, and settings that touch nothing else."""

import os
import secrets
import shutil
import tempfile
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import pytest

CONTROLLER = "MUSTER_TEST_CONTROLLER"
REASON_CHARS = 1500
QUICK = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # A statement that hangs ends before its test does (120 s), and says what it was. Left behind
    # by a test that was given up, it would hold its locks against all that follow.
    "statement_timeout": "100s",
}


def _base() -> Path:
    """Where a run's folders lie: reachable for the system user when the run is root's."""
    if os.geteuid() == 0:
        return Path("/var/lib/muster")
    return Path(tempfile.gettempdir())


def _is_controller() -> bool:
    return os.environ.get(CONTROLLER) == str(os.getpid())


def _prepare_environment() -> None:
    """Set what settings read; workers inherit it from the controller."""
    if CONTROLLER in os.environ and "PYTEST_XDIST_WORKER" in os.environ:
        return
    from range.lib.embedded_postgres import cluster

    state = _base() / f"test-{os.getpid()}"
    for name in [name for name in os.environ if name.startswith(("RANGE_", "TUTOR_"))]:
        del os.environ[name]
    os.environ.update(
        {
            CONTROLLER: str(os.getpid()),
            "DJANGO_SETTINGS_MODULE": "range.settings",
            "DJANGO_SECRET_KEY": secrets.token_hex(),
            "RANGE_FLAG_SECRET": secrets.token_hex(),
            "RANGE_RUNTIME_ENV": "",
            # Where spares are what a test is about, it asks for them.
            "RANGE_SPARE_SANDBOXES": "0",
            "RANGE_STATE_DIR": str(state),
        }
    )
    os.environ.setdefault("DATABASE_URL", cluster(state, settings=QUICK).url())


_prepare_environment()


def _embedded():
    from range.lib.embedded_postgres import cluster

    return cluster(Path(os.environ["RANGE_STATE_DIR"]), settings=QUICK)


def _remove_leftovers() -> None:
    """Remove the folders of runs that were killed."""
    for folder in _base().glob("test-*"):
        number = folder.name.removeprefix("test-")
        if number.isdigit() and not Path("/proc", number).exists():
            shutil.rmtree(folder, ignore_errors=True)


_server = []


def pytest_configure(config: pytest.Config) -> None:
    """Read the settings, which makes pytest-django set Django up."""
    from django.conf import settings

    assert settings.DATABASES


def pytest_sessionstart(session: pytest.Session) -> None:
    # Only now is Django set up, and the fixtures make rows.
    for name in ("fixtures", "flushing", "assessing", "consoles", "capacity", "teaching", "views"):
        session.config.pluginmanager.import_plugin(f"tests.support.{name}")
    if not _is_controller() or session.config.option.collectonly:
        return
    state = Path(os.environ["RANGE_STATE_DIR"])
    _remove_leftovers()
    state.mkdir(parents=True, exist_ok=True, mode=0o755)
    embedded = _embedded()
    if os.environ["DATABASE_URL"] == embedded.url():
        embedded.create()
        _server.append(embedded.start())
        embedded.ensure_database()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note each failure in a few lines, which `bin/test` shows last of all."""
    place = os.environ.get("MUSTER_TEST_FAILURES")
    if not (report.failed and place and _is_controller()):
        return
    crash = getattr(report.longrepr, "reprcrash", None)
    said = (crash.message if crash else report.longreprtext)[:REASON_CHARS]
    begun = datetime.fromtimestamp(report.start, UTC).strftime("%H:%M:%S")
    worker = getattr(report, "worker_id", "")
    with Path(place).open("a") as file:
        head = f"{report.nodeid} ({report.when}; {begun}, {report.duration:.1f} s; {worker})"
        file.write(f"{head}\n{textwrap.indent(said, '    ')}\n")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not _is_controller():
        return
    for child in _server:
        child.terminate()
        child.wait(timeout=20)
    shutil.rmtree(os.environ["RANGE_STATE_DIR"], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Open loopback to tests of running parts, and sandboxes' own networks to engine tests."""
    # Verifying takes minutes: begun last, one worker would end alone.
    items.sort(key=lambda item: item.path.name != "test_verified.py")
    for item in items:
        if item.get_closest_marker("docker"):
            item.add_marker(pytest.mark.enable_socket)
        elif any(item.get_closest_marker(name) for name in ("swarm", "llm", "browser")):
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost"]))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """End what threads of a test left connected, so that the run's databases can be dropped."""
    yield
    from django.db import connection

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            "AND datname = current_database() AND usename = current_user"
        )


@pytest.fixture
def state_dir(tmp_path: Path, settings) -> Path:
    """A state folder of the test's own."""
    settings.RANGE_STATE_DIR = tmp_path
    return tmp_path


@pytest.fixture
def loopback(socket_enabled) -> None:
    """Sockets, for a test that runs a server of its own on a loopback address."""
