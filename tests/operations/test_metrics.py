"""Metrics: who may read them, that they parse, and that each figure is the row's or machine's."""

import pytest
from django.db import OperationalError
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families

from range.exercises.models import Attempt
from range.operations import load, metrics, room, status
from range.operations.room import Disk, Memory
from range.operations.status import RoleState, RoleStatus
from range.sandboxes.models import Refusal, Sandbox
from range.timeline.services import record

pytestmark = pytest.mark.django_db
State = Sandbox.State
TOKEN = "a-token-of-twenty-characters-or-more"


@pytest.fixture(autouse=True)
def no_supervisor(state_dir):
    """A state folder of the test's own."""


def samples(text):
    """Every sample by name and labels, after a parse that refuses what Prometheus would."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def read(client):
    def ask(name, **labels):
        found = samples(client.get("/metrics").content.decode())
        return found.get((name, *sorted(labels.items())))

    return ask


# --- who may read -----------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_without_a_token_programs_of_this_machine_read(client, address):
    assert client.get("/metrics", REMOTE_ADDR=address).status_code == 200


@pytest.mark.parametrize(
    "address",
    ["10.0.0.5", "172.17.0.2", "::ffff:10.0.0.5", "fe80::1", "", "unix", "127.0.0.1.evil"],
)
def test_without_a_token_nobody_else_reads(client, address):
    answer = client.get("/metrics", REMOTE_ADDR=address)
    assert answer.status_code == 403
    assert "muster_" not in answer.content.decode()


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via", "x-forwarded-for"]
)
@pytest.mark.parametrize("value", ["203.0.113.9", "127.0.0.1", ""])
def test_whoever_comes_through_a_proxy_is_not_of_this_machine(client, header, value):
    assert client.get("/metrics", headers={header: value}).status_code == 403


@pytest.fixture
def token(settings):
    settings.RANGE_METRICS_TOKEN = TOKEN
    return TOKEN


@pytest.mark.parametrize("address", ["127.0.0.1", "203.0.113.9"])
def test_with_a_token_whoever_holds_it_reads_from_anywhere(client, token, address):
    answer = client.get(
        "/metrics",
        REMOTE_ADDR=address,
        headers={"Authorization": f"Bearer {token}", "X-Forwarded-For": "203.0.113.9"},
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}x",
        "Bearer none",
        "Bearer ü",
    ],
)
def test_with_a_token_set_this_machine_needs_it_too(client, token, sent):
    answer = client.get("/metrics", headers={"Authorization": sent} if sent else {})
    assert answer.status_code == 403
    assert TOKEN not in answer.content.decode()
    assert "muster_" not in answer.content.decode()


def test_an_administrators_sign_in_is_no_token(client, token, administrator):
    client.force_login(administrator)
    assert client.get("/metrics").status_code == 403


def test_tokens_are_compared_in_constant_time(client, token, monkeypatch):
    asked = []
    monkeypatch.setattr(
        metrics, "constant_time_compare", lambda given, kept: asked.append((given, kept))
    )
    client.get("/metrics", headers={"Authorization": "Bearer guess"})
    assert asked == [("guess", TOKEN)]


def test_only_reading_is_allowed_and_nothing_keeps_it(client):
    assert client.post("/metrics").status_code == 405
    assert "no-store" in client.get("/metrics")["Cache-Control"]


# --- the text ---------------------------------------------------------------------------------


def test_prometheus_reads_it_as_its_own_form(client):
    answer = client.get("/metrics")
    assert answer["Content-Type"].startswith("text/plain; version=")
    families = list(text_string_to_metric_families(answer.content.decode()))
    assert len({family.name for family in families}) == len(families)
    for family in families:
        assert family.name.startswith("muster_")
        assert family.documentation.endswith(".")
        assert family.type in ("gauge", "counter", "histogram")


def test_openmetrics_is_spoken_to_who_asks_for_it(client, add_sandbox):
    add_sandbox(State.RUNNING, seconds=1.0)
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert answer["Content-Type"].startswith("application/openmetrics-text")
    names = {family.name for family in open_families(answer.content.decode())}
    assert {"muster_launches", "muster_launch_seconds", "muster_sandboxes"} <= names


def test_a_hostile_reason_stays_a_label(client, add_sandbox):
    reason = 'x"} 1\nmuster_forged 7'
    add_sandbox(State.FAILED, reason=reason)
    text = client.get("/metrics").content.decode()
    found = samples(text)
    assert found["muster_launches_total", ("outcome", "failed"), ("reason", reason)] == 1
    assert not any(key[0] == "muster_forged" for key in found)


# --- figures of rows --------------------------------------------------------------------------


def test_an_empty_range_tells_zeros_and_no_gaps(read):
    for state in ("requested", "starting", "running", "stopping"):
        assert read("muster_sandboxes", state=state) == 0
    for state in Attempt.State:
        assert read("muster_attempts", state=state.lower()) == 0
    assert read("muster_queue_length") == 0
    assert read("muster_queue_oldest_seconds") == 0
    assert read("muster_launches_total", outcome="started", reason="") == 0
    assert read("muster_launches_total", outcome="failed", reason="capacity") == 0
    assert read("muster_sandboxes_lost_total", reason="lost") == 0
    assert read("muster_launch_seconds_count") == 0
    assert read("muster_launch_seconds_bucket", le="+Inf") == 0
    assert read("muster_memory_reserved_bytes") == 0
    assert read("muster_database_up") == 1


def test_sandboxes_queue_and_attempts_are_counted(add_sandbox, read):
    for state in (State.REQUESTED, State.RUNNING, State.RUNNING):
        add_sandbox(state)
    assert read("muster_sandboxes", state="running") == 2
    assert read("muster_queue_length") == 1
    assert read("muster_queue_oldest_seconds") >= 60
    assert read("muster_attempts", state="active") == 3
    assert read("muster_memory_reserved_bytes") == 2 * 64 * 1024 * 1024
    assert read("muster_memory_promised_bytes") == 64 * 1024 * 1024
    assert read("muster_spares") == 0


def test_launches_are_counted_by_how_they_ended(add_sandbox, read):
    add_sandbox(State.STOPPED, seconds=1.0)
    add_sandbox(State.FAILED, reason="lost", seconds=1.0)
    add_sandbox(State.FAILED, reason="capacity")
    add_sandbox(State.REQUESTED)
    assert read("muster_launches_total", outcome="started", reason="") == 2
    assert read("muster_launches_total", outcome="failed", reason="capacity") == 1
    assert read("muster_launches_total", outcome="failed", reason="lost") is None
    assert read("muster_sandboxes_lost_total", reason="lost") == 1


def test_refusals_and_troubles_of_machines_are_counted_and_begin_at_zero(
    read, attempt, sandbox, version, trainee
):
    assert read("muster_launches_refused_total", reason="capacity") == 0
    assert read("muster_machine_troubles_total", kind="out_of_memory") == 0
    Refusal.objects.create(trainee=trainee, version=version, reason="capacity")
    for _ in range(2):
        record(attempt.pk, kind="sandbox.out_of_memory", actor="range", payload={"machine": "box"})
    assert read("muster_launches_refused_total", reason="capacity") == 1
    assert read("muster_machine_troubles_total", kind="out_of_memory") == 2
    assert read("muster_machine_troubles_total", kind="disk_full") == 0


def test_launches_fall_into_buckets(add_sandbox, read):
    for seconds in (0.25, 0.9, 200.0):
        add_sandbox(State.RUNNING, seconds=seconds)
    counts = [
        read("muster_launch_seconds_bucket", le=le) for le in ("0.2", "0.3", "1.0", "120.0", "+Inf")
    ]
    assert counts == [0, 1, 2, 2, 3]
    assert read("muster_launch_seconds_count") == 3
    assert read("muster_launch_seconds_sum") == pytest.approx(201.15)


def test_hints_are_counted_from_the_timeline(attempt, read):
    for kind, payload in (
        ("hint.asked", {"rung": 1}),
        ("hint.asked", {"rung": 2}),
        ("hint.answered", {"mode": "local"}),
        ("hint.answered", {}),
    ):
        record(attempt.pk, kind=kind, actor="tutor", payload=payload)
    assert read("muster_hints_asked_total") == 2
    assert read("muster_hints_answered_total", mode="local") == 1
    assert read("muster_hints_answered_total", mode="unknown") == 1


def test_many_rows_take_no_more_queries(client, add_sandbox, django_assert_num_queries):
    for state in (State.REQUESTED, State.RUNNING, State.FAILED) * 3:
        add_sandbox(state, reason="engine", seconds=1.0)
    with django_assert_num_queries(11):
        client.get("/metrics")


# --- figures of the machine -------------------------------------------------------------------


def test_memory_and_disk_are_told_in_bytes(read, monkeypatch, state_dir):
    found = Memory(total_mb=100, available_mb=40, kept_mb=10)
    disks = (
        Disk(place="images", folder=None),
        Disk(place="recordings", folder=state_dir, used_bytes=9, free_bytes=5, device=1),
    )
    monkeypatch.setattr(room, "memory", lambda **_: found)
    monkeypatch.setattr(room, "disks", lambda: disks)
    mebibyte = 1024 * 1024
    assert read("muster_memory_total_bytes") == 100 * mebibyte
    assert read("muster_memory_available_bytes") == 40 * mebibyte
    assert read("muster_memory_kept_bytes") == 10 * mebibyte
    assert read("muster_disk_free_bytes", place="recordings") == 5
    assert read("muster_disk_used_bytes", place="recordings") == 9
    assert read("muster_disk_free_bytes", place="images") is None


def test_what_the_kernel_does_not_tell_is_left_out(read, monkeypatch):
    unknown = Memory(total_mb=None, available_mb=None, kept_mb=10)
    monkeypatch.setattr(room, "memory", lambda **_: unknown)
    assert read("muster_memory_available_bytes") is None
    assert read("muster_memory_kept_bytes") is not None


def test_roles_are_up_while_a_supervisor_says_so(read, state_dir, monkeypatch):
    assert read("muster_supervisor_up") == 0
    roles = [
        RoleStatus(name="web", state=RoleState.RUNNING, since=""),
        RoleStatus(name="checker", state=RoleState.RESTARTING, since="", restarts=3),
    ]
    status.write(state_dir, roles)
    assert read("muster_supervisor_up") == 1
    assert read("muster_role_up", role="web") == 1
    assert read("muster_role_up", role="checker") == 0
    assert read("muster_role_restarts_total", role="checker") == 3
    monkeypatch.setattr(status.Status, "supervised", False)
    assert read("muster_role_up", role="web") == 0


def test_a_database_that_is_away_leaves_the_machines_figures(read, client, monkeypatch):
    def away():
        raise OperationalError("gone, and here is the password")

    monkeypatch.setattr(load, "load", away)
    assert read("muster_database_up") == 0
    assert read("muster_memory_total_bytes") > 0
    assert read("muster_sandboxes", state="running") is None
    assert "password" not in client.get("/metrics").content.decode()
