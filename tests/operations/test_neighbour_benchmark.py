"""The benchmark of a neighbour's latency: what it reports, and that it runs and leaves nothing."""

import json

import pytest

from benchmarks import neighbour


def test_a_flood_is_compared_with_the_quiet_around_it():
    took = {
        "log-before": [1.0, 1.0, 3.0],
        "log": [3.0, 3.0, 9.0],
        "log-after": [1.0, 2.0, 2.0],
        "all-before": [2.0],
        "all": [8.0],
        "all-after": [2.0],
    }
    assert neighbour.summary(took, ["log", "all"]) == {
        "quiet_p50_ms": 2.0,
        "log_p50_ms": 3.0,
        "all_p50_ms": 8.0,
        "log_ratio": 2.0,
        "all_ratio": 4.0,
        "worst_ratio": 4.0,
    }


@pytest.mark.docker
def test_it_measures_real_machines_and_removes_them(capsys, monkeypatch):
    monkeypatch.setattr(neighbour.os, "setpriority", lambda *words: None)
    made = []
    whole = neighbour.DockerDriver

    def remembered(options):
        made.append(whole(options))
        return made[-1]

    monkeypatch.setattr(neighbour, "DockerDriver", remembered)
    assert neighbour.main(["--json", "--commands", "3", "--only", "descriptors"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {
        "quiet_p50_ms",
        "descriptors_p50_ms",
        "descriptors_ratio",
        "worst_ratio",
    }
    assert min(told.values()) > 0
    assert list(made[0].running()) == []
