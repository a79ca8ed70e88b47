from pathlib import Path

from range.lib.state import clone_key, default_state_dir


def test_two_clones_never_share_state():
    assert default_state_dir(Path("/a"), uid=0) != default_state_dir(Path("/b"), uid=0)


def test_roots_state_lies_outside_the_clone(tmp_path):
    folder = default_state_dir(tmp_path, uid=0)
    assert folder == Path("/var/lib/muster") / clone_key(tmp_path)
    assert not folder.is_relative_to(tmp_path)


def test_everybody_elses_state_lies_in_the_clone(tmp_path):
    assert default_state_dir(tmp_path, uid=1000) == tmp_path / "var"


def test_a_link_to_a_clone_is_the_same_clone(tmp_path):
    link = tmp_path / "link"
    clone = tmp_path / "clone"
    clone.mkdir()
    link.symlink_to(clone)
    assert clone_key(link) == clone_key(clone)
