"""The launch benchmark runs a range of its own and leaves nothing behind."""

import json
import subprocess
from pathlib import Path

import pytest

from benchmarks import launch
from tests.support.clone import clean_environment

CLONE = Path(__file__).resolve().parents[2]


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.timeout(300)
# It counts the folders of every benchmark on this machine.
@pytest.mark.xdist_group("bench")
def test_it_prints_both_sides_and_removes_its_range():
    before = bench_folders()
    done = subprocess.run(
        ["sh", "bin/bench", "launch", "--json", "--rounds", "1", "--only", "one"],
        cwd=CLONE,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["one_p50_s"] > 0
    assert found["one_p50_ratio"] > 0
    assert bench_folders() <= before


def bench_folders():
    return set(Path("/var/lib/muster").glob("bench-*"))


def test_the_95th_percentile_is_one_of_the_values():
    assert launch._p95([*map(float, range(1, 101))]) == 95
    assert launch._p95([7.0]) == 7


def test_a_table_names_every_figure():
    assert launch.table({"a": 1, "longer": 2.5}).splitlines() == [
        "a               1",
        "longer        2.5",
    ]


def test_an_unknown_part_is_refused(capsys):
    with pytest.raises(SystemExit):
        launch.main(["--only", "nothing"])
    assert "invalid choice" in capsys.readouterr().err
