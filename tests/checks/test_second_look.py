"""What a machine shows counts once it is seen twice, from two places."""

import pytest
from pydantic import TypeAdapter

from range.assessment import runner
from range.catalog.schema_objectives import ObjectiveSpec
from range.checks.base import FileStat, TooMuchThere

PORT = {"id": "port", "kind": "port", "from": "lan", "to": "box:80"}
FILE = {"id": "file", "kind": "file", "machine": "box", "path": "/srv/a"}


@pytest.fixture(autouse=True)
def slept(monkeypatch):
    took = []
    monkeypatch.setattr(runner.clock, "sleep", took.append)
    return took


def judged(probe, *checks, **more):
    spec = {"key": "task", "title": "Task", "weight": 1, "checks": {"all_of": list(checks)}}
    objective = TypeAdapter(ObjectiveSpec).validate_python(spec)
    found = runner.judge_objectives([objective], probe, **more)
    return {check: judgement.reason for (_, check), judgement in found.items()}


def test_a_port_that_is_open_for_the_first_look_only_is_closed(probe, slept):
    probe.open_ports.add(("lan", "box", 80))
    assert judged(probe, PORT) == {"port": "port-open"}
    assert probe.turns == 1
    assert len(slept) == 1
    seen = probe.turn

    def turned():
        seen()
        probe.open_ports.clear()

    probe.turn = turned
    assert judged(probe, PORT) == {"port": "port-closed"}


def test_what_is_not_met_or_was_met_before_is_looked_at_once(probe, slept):
    assert judged(probe, PORT) == {"port": "port-closed"}
    probe.file("/srv/a")
    assert judged(probe, FILE, known=[("task", "file")]) == {"file": "met"}
    assert probe.turns == 0
    assert slept == []


def test_the_second_look_goes_the_other_way_round(probe):
    probe.file("/srv/a")
    probe.file("/srv/b")
    other = {**FILE, "id": "other", "path": "/srv/b"}
    looks = []
    plain = probe.stat
    probe.stat = lambda machine, path: looks.append(path) or plain(machine, path)
    assert judged(probe, FILE, other) == {"file": "met", "other": "met"}
    assert looks == ["/srv/a", "/srv/b", "/srv/b", "/srv/a"]


def test_a_folder_too_large_to_list_is_a_trainees_doing(probe):
    def too_much(*args, **options):
        raise TooMuchThere("/srv")

    probe.list_files = too_much
    assert judged(probe, {**FILE, "below": "*"}) == {"file": "too-much-there"}


def test_files_are_looked_at_the_second_time_while_nothing_moves(probe):
    probe.file("/srv/a")
    probe.open_ports.add(("lan", "box", 80))
    still = []
    stat, connect = probe.stat, probe.can_connect
    probe.stat = lambda *a: still.append(("stat", set(probe.still))) or stat(*a)
    probe.can_connect = lambda **a: still.append(("port", set(probe.still))) or connect(**a)
    assert judged(probe, FILE, PORT) == {"file": "met", "port": "port-open"}
    free, held = set(), {"box"}
    assert still == [("stat", free), ("port", free), ("port", free), ("stat", held)]
    assert probe.still == free


def test_what_walks_about_counts_where_it_is_found_at_last(probe):
    """Between two names it is under neither; it is found once nothing moves."""
    gone = {**FILE, "exists": False}
    there = FileStat(path="/srv/a", mode=0o644, uid=0, gid=0, size_bytes=1)
    probe.stat = lambda machine, path: there if probe.still and path == "/srv/a" else None
    assert judged(probe, gone) == {"file": "file-there"}
