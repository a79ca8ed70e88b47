"""Removing waits for what only stands in the way for a moment, and says what does not go away."""

from contextlib import contextmanager

import pytest
import requests
from docker.errors import APIError

from range.runtime import docker_remove
from range.runtime.driver import EngineError
from range.runtime.engine_client import translated

BUSY = 'container 93b9: driver "overlay2" failed to remove root filesystem: directory not empty'
PASSING = ((500, BUSY), (409, "removal of container 93b9 is already in progress"))


class StubbornEngine:
    """Refuses to remove a container so many times, as an engine does."""

    def __init__(self, *refusals):
        self.refusals = list(refusals)

    @contextmanager
    def client(self):
        with translated():
            yield self

    def inspect_container(self, name):
        return {"Id": name, "State": {"Status": "running"}}

    def remove_container(self, name, *, force, v):
        assert force
        assert v
        if self.refusals:
            status, said = self.refusals.pop(0)
            response = requests.Response()
            response.status_code = status
            raise APIError(said, response=response, explanation=said)


@pytest.mark.parametrize("refusal", PASSING)
def test_what_reads_or_removes_a_container_in_this_moment_is_waited_for(refusal):
    engine = StubbornEngine(refusal, refusal)
    docker_remove.container(engine, "desk")
    assert engine.refusals == []


def test_a_container_that_somebody_else_removed_is_removed():
    docker_remove.container(StubbornEngine(PASSING[1], (404, "no such container")), "desk")


def test_what_never_goes_away_is_told_at_once_and_what_stays_in_the_way_in_the_end(monkeypatch):
    engine = StubbornEngine((500, "no space left on device"), (500, BUSY))
    with pytest.raises(EngineError, match="no space left"):
        docker_remove.container(engine, "desk")
    monkeypatch.setattr(docker_remove, "_PATIENCE_SECONDS", -1)
    with pytest.raises(EngineError, match="failed to remove root filesystem"):
        docker_remove.container(engine, "desk")
