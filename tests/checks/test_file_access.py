import pytest

from range.checks.base import Outcome
from range.checks.file import FileCheck

PASSWD = "root:x:0:0::/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/bash\n"
GROUP = "root:x:0:\nann:x:1000:\nstaff:x:50:bob\ndesk:x:60:bob,ann\n"


def judged(probe, path="/srv/desk/journal", **fields):
    check = FileCheck.model_validate({"kind": "file", "machine": "box", "path": path, **fields})
    return check.judge(probe)


@pytest.fixture
def desk(probe):
    probe.file("/etc/passwd", PASSWD)
    probe.file("/etc/group", GROUP)
    for folder in ("/", "/srv", "/srv/desk"):
        probe.folder(folder)
    return probe


RIGHTS = ["readable_by", "writable_by", "executable_by"]


@pytest.mark.parametrize(
    ("owner", "bits", "granted"),
    [
        ({"uid": 1000, "gid": 0}, 0o600, ["readable_by", "writable_by"]),
        ({"uid": 1000, "gid": 60}, 0o077, []),
        ({"uid": 0, "gid": 60}, 0o640, ["readable_by"]),
        ({"uid": 0, "gid": 60}, 0o730, ["writable_by", "executable_by"]),
        ({"uid": 0, "gid": 60}, 0o607, []),
        ({"uid": 0, "gid": 1000}, 0o660, ["readable_by", "writable_by"]),
        ({"uid": 0, "gid": 50}, 0o660, []),
        ({"uid": 0, "gid": 50}, 0o665, ["readable_by", "executable_by"]),
        ({"uid": 0, "gid": 0}, 0o755, ["readable_by", "executable_by"]),
    ],
)
def test_owner_group_and_others_decide_in_this_order(desk, owner, bits, granted):
    desk.file("/srv/desk/journal", mode=bits, **owner)
    met = [right for right in RIGHTS if judged(desk, **{right: "ann"}).outcome is Outcome.MET]
    assert met == granted


@pytest.mark.parametrize("folder", ["/", "/srv", "/srv/desk"])
def test_trap_a_closed_folder_above_takes_the_right_away(desk, folder):
    desk.file("/srv/desk/journal", mode=0o644)
    assert judged(desk, readable_by="ann").outcome is Outcome.MET
    desk.folder(folder, mode=0o700)
    assert judged(desk, readable_by="ann").reason == "access-missing"


def test_a_folder_may_be_written_to(desk):
    desk.file("/srv/desk/in", mode=0o2770, gid=60, is_directory=True)
    assert judged(desk, "/srv/desk/in", type="directory", writable_by="ann").outcome is Outcome.MET
    desk.file("/srv/desk/in", mode=0o2750, gid=60, is_directory=True)
    found = judged(desk, "/srv/desk/in", type="directory", writable_by="ann")
    assert found.reason == "access-missing"


def test_an_account_that_is_gone_has_what_everybody_has(desk):
    desk.file("/srv/desk/journal", mode=0o640, gid=60)
    assert judged(desk, readable_by="eve").reason == "access-missing"
    desk.file("/srv/desk/journal", mode=0o644, gid=60)
    assert judged(desk, readable_by="eve").outcome is Outcome.MET


def test_root_needs_no_bit_but_one_to_start_a_file(desk):
    desk.file("/srv/desk/journal", mode=0o000, uid=1000)
    assert judged(desk, readable_by="root", writable_by="root").outcome is Outcome.MET
    assert judged(desk, executable_by="root").reason == "access-missing"
    desk.file("/srv/desk/journal", mode=0o010, uid=1000)
    assert judged(desk, executable_by="root").outcome is Outcome.MET


def test_without_a_wanted_right_no_account_is_read(desk):
    desk.file("/srv/desk/journal")
    assert judged(desk).outcome is Outcome.MET
    assert "/etc/passwd" not in desk.reads
