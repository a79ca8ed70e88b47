"""The estimator benchmark: its form, and the ranking it must show on a small cohort."""

import json

import numpy as np
import pytest

from benchmarks import estimator


@pytest.fixture(scope="module")
def result():
    return estimator.run(people=150, seed=3)


def test_every_method_is_measured_at_every_checkpoint(result):
    assert set(result) == {"model", "elo", "proportion", "naive", "batch"}
    for rows in result.values():
        assert set(rows) == {"6", "12", "24"}
        assert all(set(row) == {"r", "rmse", "cover80"} for row in rows.values())


def test_the_model_comes_before_its_peers_and_beside_the_batch_fit(result):
    for at in ("6", "12", "24"):
        model = result["model"][at]
        assert model["r"] > max(result[peer][at]["r"] for peer in ("elo", "proportion", "naive"))
        assert model["rmse"] < min(result[peer][at]["rmse"] for peer in ("elo", "naive"))
        assert model["r"] == pytest.approx(result["batch"][at]["r"], abs=0.02)


def test_intervals_mean_what_they_say_and_blindness_to_hints_shows(result):
    for at in ("6", "12", "24"):
        assert result["model"][at]["cover80"] == pytest.approx(0.8, abs=0.04)
    assert result["naive"]["24"]["cover80"] < 0.72


def test_more_scenarios_bring_the_model_nearer(result):
    by_count = [result["model"][at] for at in ("6", "12", "24")]
    assert by_count[0]["r"] < by_count[1]["r"] < by_count[2]["r"]
    assert by_count[0]["rmse"] > by_count[1]["rmse"] > by_count[2]["rmse"]


def test_the_simulated_world_is_as_described():
    world = estimator.simulate(people=2000, seed=1)
    assert np.allclose(world.weights.sum(axis=1), 1)
    correlations = np.corrcoef(world.skill.T)[np.triu_indices(estimator.SKILLS, 1)]
    assert correlations.mean() == pytest.approx(0.4, abs=0.05)
    assert set(np.unique(world.rungs)) == {0, 1, 2, 3}
    hard = world.difficulty > 0.5
    assert world.rungs[:, hard].mean() > world.rungs[:, ~hard].mean()
    assert world.first(6).passed.shape == (2000, 24)


def test_it_prints_one_json_object_or_a_table(capsys):
    assert estimator.main(["--people", "20", "--seed", "1", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert 0 < printed["model"]["24"]["r"] < 1
    assert estimator.main(["--people", "20", "--seed", "1"]) == 0
    assert "batch" in capsys.readouterr().out
