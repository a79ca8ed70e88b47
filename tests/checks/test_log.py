import gzip
from datetime import timedelta

import pytest
from pydantic import ValidationError

from range.checks import log_lines
from range.checks.base import Outcome, ProbeUnavailable
from range.checks.log import LogCheck
from range.lib import clock

AUTH = "/var/log/auth.log"
FAILED = r"^\S+ \S+ sshd\[\d+\]: Failed password for \w+ from 198\.51\.100\.7 "


def check(**fields):
    whole = {"kind": "log", "machine": "box", "path": AUTH, "matches": FAILED} | fields
    return LogCheck.model_validate(whole)


def line(ago=0, text="sshd[7]: Failed password for ann from 198.51.100.7 port 4"):
    at = clock.now() - timedelta(seconds=ago)
    return f"{at:%Y-%m-%dT%H:%M:%S+00:00} box {text}\n"


def test_lines_that_match_are_counted(probe):
    probe.file(AUTH, line() * 3 + line(text="cron[1]: run") * 5, mode=0o640)
    assert check().judge(probe).outcome is Outcome.MET
    assert check(at_least=3).judge(probe).reason == "log-lines-found"
    assert check(at_least=4).judge(probe).reason == "log-lines-missing"
    assert check(at_most=2).judge(probe).reason == "log-lines-too-many"
    assert check(matches="absent", at_least=0, at_most=0).judge(probe).reason == "log-lines-absent"


def test_lines_that_match_another_pattern_too_do_not_count(probe):
    probe.file(AUTH, line() + line(text="sshd[7]: Failed password for bob from 198.51.100.7 x"))
    assert check(not_matching="for bob ", at_least=2).judge(probe).outcome is Outcome.UNMET


@pytest.mark.parametrize(
    "stamp", ["%Y-%m-%dT%H:%M:%S.123456+00:00", "%Y-%m-%d %H:%M:%S", "%b %d %H:%M:%S"]
)
def test_only_lines_of_late_count_where_that_is_asked(probe, stamp):
    def written(ago):
        return f"{clock.now() - timedelta(seconds=ago):{stamp}} box hit\n"

    recent = check(matches=" hit$", within_seconds=60)
    probe.file(AUTH, written(3600))
    assert recent.judge(probe).reason == "log-lines-missing"
    probe.file(AUTH, written(3600) + written(5))
    assert recent.judge(probe).outcome is Outcome.MET
    assert check(matches=" hit$", within_seconds=60, at_least=2).judge(probe).outcome is (
        Outcome.UNMET
    )


def test_a_web_servers_time_is_read_and_a_line_without_one_is_not_of_late(probe):
    at = f"{clock.now():%d/%b/%Y:%H:%M:%S} +0000"
    probe.file(AUTH, f'10.0.0.1 - - [{at}] "GET / HTTP/1.1" 200 1\n"GET / HTTP/1.1"\n')
    assert check(matches="GET /", within_seconds=60).judge(probe).outcome is Outcome.MET
    assert check(matches="GET /", within_seconds=60, at_least=2).judge(probe).outcome is (
        Outcome.UNMET
    )


def test_rotated_files_are_read_oldest_first_packed_or_not(probe):
    probe.file(AUTH, line(text="newest"))
    probe.file(f"{AUTH}.1", line(text="older"))
    probe.file(f"{AUTH}.2.gz", gzip.compress(line(text="oldest").encode()))
    lines = log_lines.read_lines(probe, "box", AUTH, rotated=True, fit=lambda stat: True)
    assert [each.split()[-1] for each in lines] == ["oldest", "older", "newest"]
    assert check(matches="oldest$").judge(probe).outcome is Outcome.MET
    assert check(matches="oldest$", rotated=False).judge(probe).outcome is Outcome.UNMET


def test_trap_a_rotated_file_that_a_person_wrote_is_left_out(probe):
    probe.file(AUTH, line(text="newest"))
    probe.file(f"{AUTH}.1", line(text="forged"), uid=1000)
    assert check(matches="forged$").judge(probe).outcome is Outcome.UNMET
    probe.file(f"{AUTH}.1", line(text="forged"))
    assert check(matches="forged$").judge(probe).outcome is Outcome.MET


@pytest.mark.parametrize(
    ("put", "reason"),
    [
        (lambda probe: None, "log-missing"),
        (lambda probe: probe.link(AUTH, "/home/ann/mine"), "log-is-no-file"),
        (lambda probe: probe.folder(AUTH), "log-is-no-file"),
        (lambda probe: probe.file(AUTH, line(), uid=1000), "log-not-trusted"),
        (lambda probe: probe.file(AUTH, line(), mode=0o666), "log-not-trusted"),
        (lambda probe: probe.file(AUTH, line(), mode=0o620), "log-not-trusted"),
        (lambda probe: probe.file(AUTH, line(), size_bytes=9 << 20), "log-too-large"),
    ],
)
def test_trap_a_log_that_a_person_can_write_or_that_is_no_log_does_not_count(probe, put, reason):
    put(probe)
    judged = check().judge(probe)
    assert (judged.outcome, judged.reason) == (Outcome.UNMET, reason)


def test_trap_words_within_another_programs_line_are_not_the_line(probe):
    probe.file(AUTH, line(text="root: sshd[7]: Failed password for ann from 198.51.100.7 port 4"))
    assert check().judge(probe).reason == "log-lines-missing"


def test_trap_a_forged_line_with_a_time_to_come_is_not_of_late(probe):
    probe.file(AUTH, line(ago=-7200))
    assert check(within_seconds=60).judge(probe).outcome is Outcome.UNMET


def test_trap_an_emptied_log_is_no_proof_that_nothing_happened(probe):
    quiet = check(matches="Accepted", at_least=0, at_most=0, min_lines=1)
    probe.file(AUTH, "")
    assert quiet.judge(probe).reason == "log-too-short"
    probe.file(AUTH, line())
    assert quiet.judge(probe).outcome is Outcome.MET


def test_trap_a_packed_bomb_and_a_costly_line_end_soon(probe):
    probe.file(AUTH, line())
    probe.file(f"{AUTH}.1.gz", gzip.compress(b"\n" * (64 << 20)))
    assert check().judge(probe).reason == "log-too-large"
    del probe.files["box", f"{AUTH}.1.gz"]
    probe.file(AUTH, "a" * 4000 + "!\n")
    assert check(matches="^(a|a|aa)+$").judge(probe).reason == "log-too-costly"


def test_a_machine_nobody_could_look_at_is_not_judged(probe):
    probe.down = True
    with pytest.raises(ProbeUnavailable):
        check().judge(probe)


def test_it_is_supporting_by_default_and_bounds_are_in_order():
    assert check().role == "supporting"
    with pytest.raises(ValidationError, match="at_most is below"):
        check(at_most=0)
