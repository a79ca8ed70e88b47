"""What an operator is told to look at, and that a calm range says so."""

from datetime import timedelta
from pathlib import Path

import pytest

from range.lib import clock
from range.operations.load import Kind, Load
from range.operations.notices import notices
from range.operations.room import Disk, Memory
from range.operations.status import RoleState, RoleStatus, Status
from range.runtime.containment.verdict import Outcome, Verdict
from range.sandboxes.probe_record import ProbeRecord


class Version:
    def __init__(self, title):
        self.scenario = type("Scenario", (), {"title": title})


def kind(title="Small", needed_mb=64, holding=0, on_offer=True):
    return Kind(version=Version(title), needed_mb=needed_mb, holding=holding, on_offer=on_offer)


def told(**changes):
    usual = {
        "load": carrying(),
        "memory": Memory(total_mb=8000, available_mb=4000, kept_mb=500),
        "disks": (),
        "role": None,
        "launched": 10,
        "failed": 0,
        "probes": probed("stopped"),
    }
    figures = usual | changes
    # The supervisor's word is believed for seconds only, so it is given when it is asked for.
    return notices(known=supervisor(figures.pop("role")), **figures)


def carrying(*kinds, **waited):
    return Load(
        by_state={}, queued=0, paused=0, longest_wait=timedelta(**waited), kinds=kinds or [kind()]
    )


def supervisor(state):
    roles = (RoleStatus(name="checker", state=state, since=""),) if state else ()
    return Status(at=clock.now() if state else None, roles=roles)


def probed(outcome):
    verdict = Verdict(probe="host-tcp", critical=True, outcome=Outcome(outcome), detail="")
    return ProbeRecord(at=clock.now(), cause="start", verdicts=(verdict,))


def disk(free_bytes):
    folder = Path("/somewhere")
    return Disk(place="images", folder=folder, used_bytes=10**11, free_bytes=free_bytes, device=1)


def test_a_calm_range_says_that_nothing_needs_anybody():
    (only,) = told()
    assert only.kind == "met"


@pytest.mark.parametrize(
    ("changes", "urgency", "words"),
    [
        ({"role": RoleState.RESTARTING}, "danger", "checker"),
        ({"load": carrying(kind(needed_mb=3600))}, "danger", "Small"),
        ({"disks": (disk(10**9),)}, "danger", "images"),
        ({"load": carrying(minutes=2)}, "warn", "queue"),
        ({"probes": probed("open")}, "danger", "A probe got out of a sandbox: host-tcp"),
        ({"failed": 2}, "warn", "2 of the last day's 10 launches"),
        (
            {"load": carrying(kind(needed_mb=1000, holding=8))},
            "warn",
            "500 MB would be missing",
        ),
    ],
)
def test_what_needs_a_person_is_told_with_what_to_do(changes, urgency, words):
    (only,) = told(**changes)
    assert only.kind == urgency
    assert words in only.title
    assert only.advice.endswith(".")


@pytest.mark.parametrize(
    "changes",
    [
        {"role": RoleState.RUNNING},
        {"disks": (disk(5 * 10**9), Disk(place="images", folder=None))},
        {"load": carrying(seconds=20)},
        {"failed": 1},
        {"load": carrying(kind(needed_mb=9000, on_offer=False))},
        {"memory": Memory(total_mb=None, available_mb=None, kept_mb=500)},
        {"launched": 0},
        {"probes": None},
    ],
)
def test_what_is_as_it_should_be_is_not_told(changes):
    assert [notice.kind for notice in told(**changes)] == ["met"]


def test_what_is_urgent_comes_first():
    found = told(failed=5, load=carrying(minutes=5), role=RoleState.STOPPED)
    assert [notice.kind for notice in found] == ["danger", "warn", "warn"]


def test_many_scenarios_without_room_make_one_short_notice():
    kinds = [kind(title=f"S{number}", needed_mb=5000) for number in range(5)]
    (only,) = told(load=carrying(*kinds))
    assert "S0, S1, S2 and 2 more" in only.title
