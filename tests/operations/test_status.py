from datetime import UTC, datetime, timedelta

import pytest

from range.lib import clock
from range.operations import status
from range.operations.status import RoleState, RoleStatus

START = datetime(2030, 1, 1, tzinfo=UTC)
WEB = RoleStatus(name="web", state=RoleState.RUNNING, since=START.isoformat(), restarts=2)


def test_what_is_written_is_read(tmp_path):
    status.write(tmp_path, [WEB])
    assert status.read(tmp_path).roles == (WEB,)


def test_an_old_status_does_not_count_as_supervised(tmp_path):
    with clock.frozen(START):
        status.write(tmp_path, [WEB])
        assert status.read(tmp_path).supervised
        clock.sleep(status.STALE_AFTER + timedelta(seconds=1))
        assert not status.read(tmp_path).supervised


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"at": 1}', '{"at": "x", "roles": []}', '{"roles": [{"a": 1}]}']
)
def test_an_unreadable_status_counts_as_none(tmp_path, content):
    status.path(tmp_path).write_text(content)
    assert status.read(tmp_path) == status.Status(at=None)
    assert not status.read(tmp_path).supervised


def test_no_status_counts_as_none(tmp_path):
    assert not status.read(tmp_path / "absent").supervised


@pytest.mark.parametrize(
    ("state", "healthy"),
    [
        (RoleState.RUNNING, True),
        (RoleState.STARTING, False),
        (RoleState.RESTARTING, False),
        (RoleState.STOPPED, False),
    ],
)
def test_a_role_is_healthy_while_nobody_needs_to_look(state, healthy):
    assert RoleStatus(name="web", state=state, since="").healthy is healthy
