import io
import json
import os
import socket
from pathlib import Path

import pytest

from range.operations import single, start
from range.operations.start import Options, StartFailed, refuse_taken_ports, welcome
from range.operations.steps import STEPS
from range.operations.supervisor import Role, Supervisor


@pytest.fixture
def options(tmp_path):
    return Options(
        base=tmp_path,
        state_dir=tmp_path,
        database_url="postgresql://db.example/muster",
        host="127.0.0.1",
        port=8000,
        demo=True,
    )


@pytest.fixture
def supervisor(tmp_path):
    made = Supervisor(base=tmp_path, state_dir=tmp_path, environment=dict(os.environ))
    yield made
    made.stop()


def test_a_taken_port_is_refused_with_a_way_out(loopback):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartFailed) as refused:
            refuse_taken_ports("127.0.0.1", [port])
    assert str(port) in refused.value.message
    assert f"--port {port + 100}" in refused.value.message
    refuse_taken_ports("127.0.0.1", [port])


def test_an_address_of_another_machine_is_refused(loopback):
    with pytest.raises(StartFailed, match=r"192\.0\.2\.1"):
        refuse_taken_ports("192.0.2.1", [8000])


def test_the_welcome_shows_where_and_who(options):
    (options.base / "var").mkdir()
    accounts = [{"role": "TRAINEE", "username": "ada", "password": "pw1"}]
    (options.base / "var" / "demo-accounts.json").write_text(json.dumps(accounts))
    text = welcome(options)
    assert "http://localhost:8000/" in text
    assert "trainee" in text
    assert "ada" in text
    assert "pw1" in text


def test_without_a_demo_no_account_is_shown(options):
    (options.base / "var").mkdir()
    (options.base / "var" / "demo-accounts.json").write_text("not read")
    text = welcome(Options(**{**vars(options), "demo": False}))
    assert "Demo" not in text


def wanted(options, **changes):
    chosen = Options(**{**vars(options), **changes})
    return {step.command[0] for step in STEPS if start._wanted(step, chosen)}


def test_only_what_is_asked_for_is_done(options):
    everything = wanted(options)
    assert everything - wanted(options, demo=False) == {"create_demo"}
    assert everything - wanted(options, offline=True) == {"fetch_weights"}


def test_a_role_that_keeps_ending_is_told_with_the_end_of_its_log(supervisor, options):
    supervisor.add(Role(name="worker", argv=("sh", "-c", "echo it cannot work; exit 1")))
    supervisor._children["worker"].pause_seconds = 0.01
    with pytest.raises(StartFailed) as failed:
        start._until(lambda: False, supervisor, role="web", within=start.READY_WITHIN)
    assert "worker" in failed.value.message
    assert "it cannot work" in failed.value.message
    assert "doctor" in failed.value.message


def test_a_stop_while_it_starts_ends_the_start(supervisor):
    supervisor.request_stop()
    with pytest.raises(KeyboardInterrupt):
        start._until(lambda: False, supervisor, role="web", within=start.READY_WITHIN)


def test_a_second_start_of_a_clone_is_refused(options):
    with single.claim(options.base), pytest.raises(single.AlreadyRunning):
        start.run(options, {}, output=io.StringIO())


def test_a_site_that_is_away_does_not_answer(loopback):
    assert start.answers("127.0.0.1", 1) is False


def test_another_database_in_its_place_has_another_fingerprint(options):
    from django.conf import settings

    from range.lib.notify import conninfo

    url = conninfo({**settings.DATABASES["default"], "NAME": "postgres"})
    other = conninfo({**settings.DATABASES["default"], "NAME": "template1"})
    first = start.fingerprint(Options(**{**vars(options), "database_url": url}))
    again = start.fingerprint(Options(**{**vars(options), "database_url": url}))
    second = start.fingerprint(Options(**{**vars(options), "database_url": other}))
    assert first == again
    assert first != second


def test_the_supervisors_own_words_go_to_its_log(tmp_path, capsys):
    from range.lib.logs import get_logger

    with start._own_log(tmp_path):
        get_logger("range.test").warning("role.ended", role="web")
    assert "role.ended" in Path(tmp_path, "var", "log", "supervisor.log").read_text()
    assert "role.ended" not in capsys.readouterr().err
