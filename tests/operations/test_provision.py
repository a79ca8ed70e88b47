import os
import pwd
import stat
from pathlib import Path

import pytest

from range.lib.state import SYSTEM_USER
from range.operations import provision as module
from range.operations.provision import provision, read_runtime, runtime_file


@pytest.fixture
def base(monkeypatch):
    """A clone whose state the system user reaches."""
    folder = Path(os.environ["RANGE_STATE_DIR"]) / f"clone-{os.getpid()}-{os.urandom(4).hex()}"
    folder.mkdir(parents=True, mode=0o755)
    for name in module.KEPT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RANGE_STATE_DIR", str(folder / "state"))
    return folder


@pytest.fixture
def elsewhere(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example/muster")


def test_secrets_are_made_once_and_kept(base, elsewhere):
    first = provision(base, host="127.0.0.1", port=8000)
    second = provision(base, host="127.0.0.1", port=8000)
    for name in ("DJANGO_SECRET_KEY", "RANGE_FLAG_SECRET"):
        assert len(first[name]) >= 48
        assert second[name] == first[name]
    assert first["DJANGO_SECRET_KEY"] != first["RANGE_FLAG_SECRET"]


def test_the_file_of_secrets_is_closed_to_others(base, elsewhere):
    provision(base, host="127.0.0.1", port=8000)
    assert stat.S_IMODE(runtime_file(base).stat().st_mode) == 0o600


def test_the_key_that_signs_evidence_is_made_at_the_first_start_and_kept(base, elsewhere):
    state = Path(provision(base, host="127.0.0.1", port=8000)["RANGE_STATE_DIR"])
    listed = (state / "keys" / "keyring.json").read_text()
    private = next((state / "keys").glob("*.key"))
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700
    if os.geteuid() == 0:
        owners = {path.stat().st_uid for path in (private, private.parent)}
        assert owners == {pwd.getpwnam(SYSTEM_USER).pw_uid}
    provision(base, host="127.0.0.1", port=8000)
    assert (state / "keys" / "keyring.json").read_text() == listed


def test_the_ports_follow_the_one_chosen(base, elsewhere):
    provision(base, host="127.0.0.1", port=8000)
    provision(base, host="127.0.0.1", port=9100)
    kept = read_runtime(base)
    assert kept["RANGE_WEB_PORT"] == "9100"
    assert kept["RANGE_CONSOLE_PORT"] == "9101"
    assert kept["RANGE_VIEW_PORT"] == "9103"
    assert kept["TUTOR_LOCAL_URL"] == "http://127.0.0.1:9102/v1"


@pytest.mark.parametrize(
    ("host", "accepted"),
    [
        ("127.0.0.1", "localhost,127.0.0.1,[::1]"),
        ("range.example", "localhost,127.0.0.1,[::1],range.example"),
        ("0.0.0.0", "*"),
    ],
)
def test_the_site_answers_to_the_name_it_listens_on(base, elsewhere, host, accepted):
    assert provision(base, host=host, port=8000)["DJANGO_ALLOWED_HOSTS"] == accepted


def test_a_database_given_once_is_used_again(base, elsewhere, monkeypatch):
    provision(base, host="127.0.0.1", port=8000)
    monkeypatch.delenv("DATABASE_URL")
    kept = provision(base, host="127.0.0.1", port=8000)
    assert kept["DATABASE_URL"] == "postgresql://db.example/muster"
    assert not (base / "state" / "postgres").exists()


def test_without_a_database_one_is_made(base):
    kept = provision(base, host="127.0.0.1", port=8000)
    assert kept["DATABASE_URL"].startswith("postgresql://muster@/muster?host=")
    assert (base / "state" / "postgres" / "data" / "PG_VERSION").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="gives folders to other users")
def test_recordings_can_be_read_but_not_changed_by_the_system_user(base, elsewhere):
    provision(base, host="127.0.0.1", port=8000)
    status = (base / "state" / "recordings").stat()
    assert status.st_uid == 0
    assert status.st_gid == pwd.getpwnam(SYSTEM_USER).pw_gid
    assert stat.S_IMODE(status.st_mode) == 0o2750 & 0o777 | stat.S_ISGID


def test_before_the_first_start_there_are_no_settings(tmp_path):
    assert read_runtime(tmp_path) == {}
