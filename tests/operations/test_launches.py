"""How launches went, from rows and from events."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from range.operations import launches, reasons
from range.operations.launches import Spread
from range.sandboxes import services
from range.sandboxes.models import Sandbox
from range.sandboxes.recent_troubles import MACHINE_KINDS
from range.timeline.models import EventPayload
from range.timeline.services import erase

pytestmark = pytest.mark.django_db
State = Sandbox.State


def day_ago():
    return timezone.now() - timedelta(days=1)


def test_before_the_first_launch_nothing_was_measured():
    assert launches.launch_times(day_ago()) == Spread(number=0)
    assert launches.waiting_times(day_ago()) == Spread(number=0)
    assert launches.failures(day_ago()) == ()
    assert launches.histogram((1.0,)) == launches.Histogram(counts={1.0: 0}, number=0, seconds=0.0)


def test_the_middle_and_the_slow_end_are_interpolated(add_sandbox):
    for seconds in (1.0, 2.0, 3.0, 4.0, 5.0):
        add_sandbox(State.RUNNING, seconds=seconds)
    for spread in (launches.launch_times(day_ago()), launches.waiting_times(day_ago())):
        assert spread.number == 5
        assert spread.p50 == pytest.approx(3.0)
        assert spread.p95 == pytest.approx(4.8)


def test_what_the_engine_took_and_what_a_trainee_waited_are_two_things(add_sandbox):
    sandbox = add_sandbox(State.RUNNING, seconds=1.0)
    Sandbox.objects.update(requested_at=sandbox.requested_at - timedelta(seconds=9))
    assert launches.launch_times(day_ago()).p50 == pytest.approx(1.0)
    assert launches.waiting_times(day_ago()).p50 == pytest.approx(10.0)


def test_launches_of_an_earlier_day_are_left_out(add_sandbox):
    add_sandbox(State.STOPPED, seconds=2.0, ago=timedelta(days=2))
    add_sandbox(State.FAILED, reason="engine", ago=timedelta(days=2))
    assert launches.waiting_times(day_ago()).number == 0
    assert launches.failures(day_ago()) == ()
    assert launches.started() == 1


def test_failures_are_counted_by_reason_with_the_last_moment(add_sandbox):
    for minutes, reason in ((9, "capacity"), (5, "capacity"), (7, "deadline")):
        add_sandbox(State.FAILED, reason=reason, ago=timedelta(minutes=minutes))
    first, second = launches.failures(day_ago())
    assert (first.reason, first.number, first.had_started) == ("capacity", 2, False)
    assert timezone.now() - first.last_at < timedelta(minutes=6)
    assert (second.reason, second.number) == ("deadline", 1)


def test_what_ran_and_was_lost_is_told_from_what_never_came_up(add_sandbox):
    add_sandbox(State.FAILED, reason="lost", seconds=1.0)
    add_sandbox(State.FAILED, reason="engine")
    assert {f.reason: f.had_started for f in launches.failures()} == {"lost": True, "engine": False}


def test_launches_are_sorted_under_bounds_each_including_those_below(add_sandbox):
    for seconds in (0.3, 0.9, 5.0):
        add_sandbox(State.RUNNING, seconds=seconds)
    found = launches.histogram((0.3, 1.0, 4.0))
    assert dict(found.counts) == {0.3: 1, 1.0: 2, 4.0: 2}
    assert found.number == 3
    assert found.seconds == pytest.approx(6.2)


def test_an_event_whose_payload_was_erased_counts_for_nothing(add_sandbox):
    add_sandbox(State.RUNNING, seconds=1.0)
    add_sandbox(State.RUNNING, seconds=3.0)
    erase(EventPayload.objects.get(body__milliseconds=1000).event, reason="old", actor="operator")
    assert launches.histogram((10.0,)).number == 1
    assert launches.launch_times(day_ago()).p50 == pytest.approx(3.0)


def test_every_reason_that_the_reference_lists_has_words(settings):
    text = (settings.BASE_DIR / "docs" / "reference" / "runtime.md").read_text()
    table = text.partition("## Why a launch failed")[2].partition("##")[0]
    listed = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
    assert len(listed) > 5
    assert listed - reasons.MEANINGS.keys() == set()


@pytest.mark.parametrize("reason", [*reasons.MEANINGS, "never-heard-of", ""])
def test_a_reason_is_told_in_sentences_and_with_a_way_out(reason):
    found = reasons.meaning(reason)
    assert found.what.endswith(".")
    assert found.advice.endswith(".")
    assert reason not in reasons.MEANINGS or found != reasons.UNKNOWN


@pytest.mark.parametrize(
    "found",
    [
        *(reasons.of_machine(kind, "") for kind in MACHINE_KINDS),
        reasons.of_machine("sandbox.machine_died", "out-of-memory"),
        *map(reasons.of_refusal, reasons.REFUSALS),
    ],
)
def test_troubles_and_refusals_have_words_of_their_own(found):
    assert found != reasons.UNKNOWN
    assert found.what.endswith(".")
    assert found.advice.endswith(".")


def test_every_reason_a_launch_is_refused_for_has_words():
    source = Path(services.__file__).read_text()
    named = set(re.findall(r'reason="([a-z-]+)"', source))
    # These refuse other wishes than a launch, or are no refusals.
    others = {"not-a-trainee", "no-such-machine", "not-running", "longest-time", "asked"}
    assert named - others == set(reasons.REFUSALS) | {"reset"}
