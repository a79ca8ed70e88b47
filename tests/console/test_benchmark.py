"""The benchmark of consoles runs on real machines, gives every figure and leaves nothing behind."""

import json
import subprocess
from pathlib import Path

import pytest

from benchmarks import console
from benchmarks._keys import Typing
from tests.support.clone import clean_environment

CLONE = Path(__file__).resolve().parents[2]


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.timeout(400)
# It counts the folders of every benchmark on this machine.
@pytest.mark.xdist_group("bench")
def test_it_measures_every_server_and_removes_its_range():
    before = bench_folders()
    few = "--rounds 1 --seconds 0.3 --consoles 1 2 --open 20 --bulk 1"
    done = subprocess.run(
        ["sh", "bin/bench", "console", "--json", *few.split()],
        cwd=CLONE,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert set(console.RATIOS) <= set(found)
    for figure in ("echo_p50_ratio_terminado_1", "echo_p50_ratio_raw_1", "flood_ratio"):
        assert found[figure] > 0, figure
    assert found["throughput_ratio_raw"] > 0
    assert found["open_consoles"] in (0, 20)
    for server in ("ours", "terminado", "raw"):
        assert found[f"echo_{server}_2_p50_ms"] > 0
    assert bench_folders() <= before


def bench_folders():
    return set(Path("/var/lib/muster").glob("bench-*"))


def test_ratios_are_ours_by_theirs_and_null_where_a_figure_is_missing():
    found = {"echo_ours_1_p50_ms": 1.5, "echo_terminado_1_p50_ms": 3.0, "open_consoles": 500}
    told = console.ratios({**found, "flood_ratio_ours_1": 1.1, "flood_ratio_ours_50": 1.3})
    assert set(told) == set(console.RATIOS)
    assert told["echo_p50_ratio_terminado_1"] == 0.5
    assert told["echo_p50_ratio_ttyd_1"] is None
    assert told["flood_ratio"] == 1.3
    assert told["open_consoles"] == 500


class LateLine:
    """A terminal whose echo of the first key comes late, and of the others at once."""

    def __init__(self, wires, late):
        self.channel, self._far = wires
        self.pressed = 0
        self._late = late

    def send(self, data):
        if self.pressed or not self._late:
            self._far.sendall(data)

    def take(self):
        return self.channel.recv(4096)

    def wake(self):
        self._far.sendall(b"x")


def test_keys_that_wait_for_an_earlier_echo_count_from_when_they_were_due():
    import socket
    import threading

    line = LateLine(socket.socketpair(), late=True)
    timer = threading.Timer(0.2, line.wake)
    timer.start()
    took = Typing([line], rate=20, keys=[(b"x", b"x")]).run(0.4)
    timer.join()
    # A key was due each twentieth of a second; those of the first fifth had to wait.
    assert len(took) >= 8
    assert sum(each > 20 for each in took) >= 3


def test_an_unknown_part_is_refused(capsys):
    with pytest.raises(SystemExit):
        console.main(["--only", "nothing"])
    assert "invalid choice" in capsys.readouterr().err
