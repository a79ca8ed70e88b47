"""Owners inside a machine, where the engine gives its root another number on the host."""

import pytest

from range.runtime.driver import EngineDown
from range.runtime.engine_client import Engine, _root_ids

REMAPPED = {
    "SecurityOptions": ["name=seccomp,profile=default", "name=userns"],
    "DockerRootDir": "/var/lib/docker/165536.231072",
}


def test_without_a_user_namespace_root_is_root():
    assert _root_ids({"SecurityOptions": None, "DockerRootDir": "/var/lib/docker"}) == (0, 0)
    # A folder may be called anything.
    assert _root_ids({"SecurityOptions": [], "DockerRootDir": "/srv/100000.100000"}) == (0, 0)


def test_with_one_it_is_told_by_the_engines_folder():
    assert _root_ids(REMAPPED) == (165536, 231072)


def test_numbers_that_cannot_be_told_are_an_error_and_not_guessed():
    with pytest.raises(EngineDown):
        _root_ids(REMAPPED | {"DockerRootDir": "/var/lib/docker"})


@pytest.mark.parametrize(
    ("root", "host", "inside"),
    [
        ((0, 0), (1000, 1001), (1000, 1001)),
        ((165536, 231072), (165536, 231072), (0, 0)),
        ((165536, 231072), (166536, 232073), (1000, 1001)),
        # An engine that translates by itself is not translated again.
        ((165536, 231072), (1000, 1001), (1000, 1001)),
    ],
)
def test_owners_are_told_as_the_machine_knows_them(monkeypatch, root, host, inside):
    engine = Engine()
    monkeypatch.setattr(engine, "root_ids", lambda: root)
    assert engine.inside(*host) == inside
