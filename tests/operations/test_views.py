import pytest
from django.db import OperationalError

from range.operations import status, views
from range.operations.status import RoleState, RoleStatus

pytestmark = pytest.mark.django_db


def put(state_dir, state):
    status.write(state_dir, [RoleStatus(name="checker", state=state, since="s", restarts=3)])


def test_nobody_needs_to_sign_in_to_ask(client, state_dir):
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["supervised"] is False


def test_every_roles_state_is_told(client, state_dir):
    put(state_dir, RoleState.RUNNING)
    answer = client.get("/healthz").json()
    assert answer["roles"] == {"checker": {"state": "RUNNING", "since": "s", "restarts": 3}}
    assert answer["supervised"] is True


def test_a_role_that_is_away_makes_it_503(client, state_dir):
    put(state_dir, RoleState.RESTARTING)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "degraded"


def test_a_database_that_is_away_makes_it_503(client, state_dir, monkeypatch):
    class Away:
        def cursor(self):
            raise OperationalError("gone, and here is the password")

    monkeypatch.setattr(views, "connection", Away())
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["database"] is False
    assert "password" not in answer.content.decode()


def test_the_answer_is_never_cached(client, state_dir):
    assert "no-store" in client.get("/healthz")["Cache-Control"]


def test_only_reading_is_allowed(client, state_dir):
    assert client.post("/healthz").status_code == 405
