import pytest

from range.checks.base import ProbeUnavailable
from range.checks.file import FileCheck
from range.checks.places import Misleading, real_path


def check(**fields):
    return FileCheck.model_validate({"kind": "file", "machine": "box", **fields})


@pytest.fixture
def tree(probe):
    for folder in ("/opt", "/opt/app", "/etc", "/etc/cron.d", "/srv", "/usr", "/usr/bin", "/run"):
        probe.folder(folder)
    probe.link("/bin", "usr/bin")
    probe.file("/usr/bin/true")
    return probe


def test_links_are_followed_one_by_one(tree):
    assert real_path(tree, "box", "/bin/true") == "/usr/bin/true"
    assert real_path(tree, "box", "/opt/../bin/true") == "/usr/bin/true"
    assert real_path(tree, "box", "/bin/none") is None
    tree.link("/srv/a", "../opt/app")
    assert real_path(tree, "box", "/srv/a") == "/opt/app"


@pytest.mark.parametrize("target", ["/dev/shm/x", "/proc/1/root/srv", "/run/console/x", "../dev/x"])
def test_a_link_to_where_nobody_can_look_misleads(tree, target):
    tree.link("/opt/app", target)
    with pytest.raises(Misleading):
        real_path(tree, "box", "/opt/app/implant")
    gone = check(path="/opt/app/implant", exists=False)
    assert gone.judge(tree).reason == "link-misleads"


def test_links_in_a_circle_mislead(tree):
    tree.link("/srv/a", "/srv/b")
    tree.link("/srv/b", "/srv/a")
    with pytest.raises(Misleading):
        real_path(tree, "box", "/srv/a/x")


def test_a_place_that_an_author_chose_and_nobody_sees_is_inconclusive(tree):
    with pytest.raises(ProbeUnavailable):
        check(path="/dev/shm/implant", exists=False).judge(tree)


def test_what_is_gone_with_its_folder_is_gone(tree):
    assert check(path="/opt/other/implant", exists=False).judge(tree).reason == "file-gone"
    none = check(path="/opt/other", below="*", exists=False)
    assert none.judge(tree).reason == "file-gone"


def test_a_folder_that_is_a_link_is_no_empty_folder(tree):
    jobs = check(path="/etc/cron.d", below="*", not_contains=["implant"])
    assert jobs.judge(tree).reason == "met"
    tree.link("/etc/cron.d", "/etc/.jobs")
    assert jobs.judge(tree).reason == "folder-is-no-folder"


def test_a_link_below_a_folder_counts_as_what_it_leads_to(tree):
    tree.link("/etc/cron.d/job", "/srv/job")
    tree.file("/srv/job", "root /opt/implant\n")
    jobs = check(path="/etc/cron.d", below="*", not_contains=["implant"])
    assert jobs.judge(tree).reason == "content-still-there"
    tree.file("/srv/job", "nothing\n")
    assert jobs.judge(tree).reason == "met"
    assert check(path="/etc/cron.d", below="*", exists=False).judge(tree).reason == "file-there"


def test_a_pipe_is_no_file_but_may_lie_about(tree):
    tree.file("/srv/pipe", mode=0o600, is_special=True)
    assert check(path="/srv/pipe").judge(tree).reason == "file-is-special"
    assert check(path="/srv", below="*", mode_clear="6000").judge(tree).reason == "met"
    assert check(path="/srv", below="*", contains=["x"]).judge(tree).reason == "file-is-special"
