import hashlib
from datetime import timedelta

import pytest
from pydantic import ValidationError

from range.checks.base import Outcome, ProbeUnavailable
from range.checks.file import CONTENT_LIMIT_BYTES, LISTING_LIMIT, FileCheck
from range.lib import clock


def check(**fields):
    return FileCheck.model_validate({"kind": "file", "machine": "box", "path": "/etc/x", **fields})


def reason(probe, **fields):
    judged = check(**fields).judge(probe)
    return "" if judged.outcome is Outcome.MET else judged.reason


def test_a_file_that_is_there_is_met(probe):
    probe.file("/etc/x")
    assert check().judge(probe).outcome is Outcome.MET


def test_a_missing_file_is_unmet_and_says_which(probe):
    judged = check().judge(probe)
    assert (judged.outcome, judged.reason, judged.excerpt) == (
        Outcome.UNMET,
        "file-missing",
        "/etc/x",
    )


def test_absence_can_be_wanted(probe):
    assert reason(probe, exists=False) == ""
    probe.file("/etc/x")
    assert reason(probe, exists=False) == "file-there"


def test_what_the_probe_cannot_see_is_not_judged(probe):
    probe.down = True
    with pytest.raises(ProbeUnavailable):
        check().judge(probe)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"owner": "root"}, "owner-differs"),
        ({"owner": 1000}, ""),
        ({"group": 0}, "group-differs"),
        ({"mode": "4755"}, ""),
        ({"mode": "0755"}, "mode-differs"),
        ({"mode_max": "4755"}, ""),
        ({"mode_max": "0755"}, "mode-too-open"),
        ({"mode_clear": "6000"}, "mode-too-open"),
        ({"mode_clear": "2000"}, ""),
        ({"mode_set": "0111"}, ""),
        ({"mode_set": "0020"}, "mode-too-strict"),
        ({"min_bytes": 6}, "file-too-small"),
        ({"max_bytes": 4}, "file-too-large"),
        ({"type": "directory"}, "file-is-file"),
    ],
)
def test_metadata_is_compared(probe, fields, expected):
    probe.file("/etc/x", "12345", mode=0o4755, uid=1000, gid=1000)
    assert reason(probe, **fields) == expected


def test_a_capability_is_seen(probe):
    probe.file("/etc/x")
    assert reason(probe, no_capabilities=True) == ""
    probe.file("/etc/x", capabilities=b"\x01\x00\x00\x02")
    assert reason(probe, no_capabilities=True) == "capability-set"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"contains": ["^PermitRootLogin no$"]}, ""),
        ({"contains": ["PermitRootLogin yes"]}, "content-missing"),
        ({"not_contains": ["Port 23"]}, "content-still-there"),
        ({"not_contains": ["Port 23"], "ignore_lines": r"^\s*#"}, ""),
        ({"contains": ["a", "missing"]}, "content-missing"),
    ],
)
def test_content_is_compared_line_by_line(probe, fields, expected):
    probe.file("/etc/x", "PermitRootLogin no\n# Port 23\nPort 22\n")
    assert reason(probe, **fields) == expected


@pytest.mark.parametrize("end", ["\r", "\f", "\v", "\x1c", "\x85", "\u2028"])
def test_attack_a_remark_ends_where_programs_end_it(probe, end):
    probe.file("/etc/x", f"a = 1\n# x{end}max_tries = 3\n")
    fields = {"contains": ["^max_tries = 3$"], "ignore_lines": r"^\s*#"}
    assert reason(probe, **fields) == "content-missing"


def test_a_digest_is_compared(probe):
    probe.file("/etc/x", "right")
    assert reason(probe, sha256=hashlib.sha256(b"right").hexdigest()) == ""
    assert reason(probe, sha256=hashlib.sha256(b"wrong").hexdigest()) == "content-differs"


def test_json_is_compared_by_place(probe):
    probe.file("/etc/x", '{"users": [{"name": "ann", "admin": false}]}')
    assert reason(probe, json={"$.users[0].admin": False}) == ""
    assert reason(probe, json={"$.users[0].admin": True}) == "json-differs"
    assert reason(probe, json={"$.users[7].admin": True}) == "json-differs"


@pytest.mark.parametrize("content", ["not json", "[" * 100_000])
def test_content_that_is_no_json_is_unmet(probe, content):
    probe.file("/etc/x", content)
    assert reason(probe, json={"$.a": 1}) == "json-differs"


def test_age_is_compared_with_the_range_clock(probe):
    now = clock.now().timestamp()
    probe.file("/etc/x", modified_at=now - 30)
    assert reason(probe, modified_within_seconds=60) == ""
    assert reason(probe, modified_within_seconds=10) == "file-too-old"


def test_a_time_stamp_set_far_ahead_does_not_count_as_fresh(probe):
    ahead = clock.now() + timedelta(days=3650)
    probe.file("/etc/x", modified_at=ahead.timestamp())
    assert reason(probe, modified_within_seconds=60) == "file-from-future"


def test_trap_a_link_never_stands_for_a_file(probe):
    probe.link("/etc/x", "/somewhere/else")
    assert reason(probe) == "file-is-link"
    assert reason(probe, contains=["secret"]) == "file-is-link"
    assert probe.reads == []


def test_trap_a_huge_file_is_not_read(probe):
    probe.file("/etc/x", "small", size_bytes=CONTENT_LIMIT_BYTES + 1)
    assert reason(probe, contains=["small"]) == "file-too-large"
    assert probe.reads == []


@pytest.mark.timeout(60)
def test_trap_a_text_made_to_stall_a_pattern_is_unmet_in_time(probe):
    probe.file("/etc/x", "a" * 60_000 + "!")
    with_stall = {"contains": [r"^(a|aa|a{3})+(b|c(a+)+)$"]}
    assert reason(probe, **with_stall) in {"content-too-costly", "content-missing"}


def test_every_file_below_a_folder_is_judged(probe):
    probe.file("/usr/local/bin/ok", mode=0o755)
    probe.file("/usr/local/bin/deep/bad", mode=0o4755)
    fields = {"path": "/usr/local", "below": "*", "mode_clear": "6000"}
    judged = check(**fields).judge(probe)
    assert judged.reason == "mode-too-open"
    assert "/usr/local/bin/deep/bad" in judged.excerpt
    assert reason(probe, apart_from=["/usr/local/bin/deep/bad"], **fields) == ""


def test_no_file_below_a_folder_is_fine_unless_one_is_wanted(probe):
    assert reason(probe, below="*.sh") == ""
    assert reason(probe, below="*.sh", exists=True) == "file-missing"
    probe.file("/etc/x/a.sh")
    assert reason(probe, below="*.sh", exists=True) == ""
    assert reason(probe, below="*.sh", exists=False) == "file-there"


def test_trap_a_folder_flooded_with_files_is_unmet(probe, monkeypatch):
    monkeypatch.setattr("range.checks.file.LISTING_LIMIT", 3)
    for number in range(3):
        probe.file(f"/etc/x/{number}")
    assert LISTING_LIMIT > 3
    assert reason(probe, below="*") == "too-many-files"


def test_folders_above_must_be_safe_where_wanted(probe):
    probe.file("/opt/job/run.sh")
    for path in ("/", "/opt", "/opt/job"):
        probe.folder(path)
    fields = {"path": "/opt/job/run.sh", "parents_safe": True}
    assert reason(probe, **fields) == ""
    probe.folder("/opt/job", mode=0o777)
    assert reason(probe, **fields) == "parent-not-safe"
    probe.folder("/opt/job", uid=1000)
    assert reason(probe, **fields) == "parent-not-safe"
    probe.link("/opt/job", "/tmp")
    assert reason(probe, **fields) == "parent-not-safe"


@pytest.mark.parametrize(
    "fields",
    [{"mode": 644}, {"mode": "9999"}, {"path": "relative"}, {"contains": ["("]}, {"surprise": 1}],
)
def test_a_check_that_makes_no_sense_is_refused(fields):
    with pytest.raises(ValidationError):
        check(**fields)
