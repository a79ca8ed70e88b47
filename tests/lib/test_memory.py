import pytest

from range.lib.memory import available_mb, total_mb

MEMINFO = "MemTotal:       24683956 kB\nMemFree: 17819648 kB\nMemAvailable:   21981184 kB\n"


@pytest.fixture
def meminfo(tmp_path):
    file = tmp_path / "meminfo"
    file.write_text(MEMINFO)
    return file


def test_what_the_kernel_tells_is_read_in_mebibytes(meminfo):
    assert total_mb(meminfo) == 24683956 // 1024
    assert available_mb(meminfo) == 21981184 // 1024


def test_a_kernel_that_tells_less_is_unknown(tmp_path, meminfo):
    meminfo.write_text("MemFree: 1 kB\n")
    assert available_mb(meminfo) is None
    assert total_mb(tmp_path / "absent") is None


def test_this_machine_has_more_than_it_has_left():
    assert total_mb() > available_mb() > 0
