import pytest

from range.assessment.runner import judge_objectives
from range.assessment.snapshot import Snapshot
from range.catalog.schema_objectives import ObjectiveSpec
from range.checks.base import Outcome, ProbeUnavailable
from tests.checks.support import FakeProbe


class CountingProbe(FakeProbe):
    """Counts how often it had to look."""

    def __init__(self):
        super().__init__()
        self.looks = []

    def read_file(self, machine, path, *, limit_bytes=1 << 20):
        self.looks.append(("read", machine, path))
        return super().read_file(machine, path, limit_bytes=limit_bytes)

    def look(self, machine, path, *, limit_bytes=1 << 20):
        self.looks.append(("look", machine, path))
        return super().look(machine, path, limit_bytes=limit_bytes)

    def stat(self, machine, path):
        self.looks.append(("stat", machine, path))
        return super().stat(machine, path)


def objective(**check):
    checks = [{"kind": "file", "machine": "box", "path": "/etc/x", **check, "id": i} for i in "ab"]
    return ObjectiveSpec.model_validate(
        {"key": "look", "title": "Look", "checks": {"all_of": checks}}
    )


def test_a_round_looks_at_a_file_once_however_many_checks_ask():
    probe = CountingProbe()
    probe.file("/etc/x", "text")
    judged = judge_objectives([objective(contains=["text"])], probe)
    assert {each.outcome for each in judged.values()} == {Outcome.MET}
    assert len(judged) == 2
    # What is met is looked at in a second round.
    looks = [("look", "box", "/etc/x"), ("stat", "box", "/etc/x")]
    assert sorted(probe.looks) == sorted(looks * 2)


def test_the_next_round_sees_what_has_changed():
    probe = CountingProbe()
    assert {j.reason for j in judge_objectives([objective()], probe).values()} == {"file-missing"}
    probe.file("/etc/x", "text")
    assert {j.outcome for j in judge_objectives([objective()], probe).values()} == {Outcome.MET}


def test_machines_paths_and_limits_are_kept_apart():
    probe = CountingProbe()
    probe.file("/etc/x", "here")
    probe.file("/etc/x", "there", machine="other")
    snapshot = Snapshot(probe)
    assert snapshot.read_file("box", "/etc/x") == b"here"
    assert snapshot.read_file("other", "/etc/x") == b"there"
    assert snapshot.read_file("box", "/etc/y") is None
    assert snapshot.read_file("box", "/etc/y") is None
    assert len(probe.looks) == 3


def test_a_limit_holds_although_more_was_read_before():
    probe = CountingProbe()
    probe.file("/etc/x", "twelve bytes")
    snapshot = Snapshot(probe)
    assert snapshot.read_file("box", "/etc/x", limit_bytes=100) == b"twelve bytes"
    assert snapshot.read_file("box", "/etc/x", limit_bytes=5) is None
    assert snapshot.read_file("box", "/etc/x", limit_bytes=12) == b"twelve bytes"
    assert len(probe.looks) == 1


def test_a_listed_folder_tells_of_its_files():
    probe = CountingProbe()
    probe.file("/srv/desk/a", "text", mode=0o640)
    snapshot = Snapshot(probe)
    listed = snapshot.list_files("box", "/srv/desk")
    assert snapshot.stat("box", "/srv/desk/a") == listed[0]
    assert snapshot.stat("box", "/srv/desk/b") is None
    assert snapshot.list_files("box", "/srv/desk", limit=20_000) == tuple(listed)
    assert probe.looks == []
    assert snapshot.stat("box", "/srv/desk").is_directory
    assert snapshot.stat("other", "/srv/desk/a") is None
    assert probe.looks == [("stat", "box", "/srv/desk"), ("stat", "other", "/srv/desk/a")]


def test_a_folder_that_was_cut_short_or_is_empty_tells_of_nothing():
    probe = CountingProbe()
    for name in "abc":
        probe.file(f"/srv/desk/{name}")
    snapshot = Snapshot(probe)
    assert len(snapshot.list_files("box", "/srv/desk", limit=2)) == 2
    assert snapshot.list_files("box", "/opt") == []
    assert snapshot.stat("box", "/srv/desk/c") is not None
    assert snapshot.stat("box", "/opt/x") is None
    assert [what for what, *_ in probe.looks] == ["stat", "stat"]
    assert len(snapshot.list_files("box", "/srv/desk", limit=10)) == 3


def test_what_cannot_be_looked_at_is_asked_for_once_and_stays_unclear():
    probe = CountingProbe()
    probe.down = True
    judged = judge_objectives([objective()], probe)
    assert {each.outcome for each in judged.values()} == {Outcome.INCONCLUSIVE}
    assert probe.looks == [("stat", "box", "/etc/x")]


def test_connections_are_made_anew_each_time():
    probe = FakeProbe()
    probe.answer(body="one")
    probe.answer(body="two")
    snapshot = Snapshot(probe)
    asked = {"from_network": "lan", "method": "GET", "url": "http://box/"}
    assert [snapshot.http(**asked).body for _ in range(2)] == [b"one", b"two"]
    assert not snapshot.can_connect(from_network="lan", host="box", port=80)
    probe.open_ports.add(("lan", "box", 80))
    assert snapshot.can_connect(from_network="lan", host="box", port=80)


def test_processes_commands_and_answers_pass_through():
    probe = FakeProbe()
    probe.process("cron", uid=0)
    probe.typed("id")
    probe.submissions["look", "flag"] = "FLAG"
    probe.file("/srv/a")
    snapshot = Snapshot(probe)
    assert [p.argv for p in snapshot.processes("box")] == [("cron",)]
    assert [c.text for c in snapshot.transcript()] == ["id"]
    assert snapshot.latest_submission("look", "flag") == "FLAG"
    assert [f.path for f in snapshot.list_files("box", "/srv")] == ["/srv/a"]
    probe.down = True
    with pytest.raises(ProbeUnavailable):
        snapshot.processes("other")
