from datetime import UTC, datetime, timedelta

import pytest

from range.lib import clock


def test_the_present_is_in_utc():
    assert clock.now().utcoffset() == timedelta(0)


def test_a_frozen_clock_moves_only_by_sleeping():
    start = datetime(2030, 1, 1, tzinfo=UTC)
    with clock.frozen(start):
        assert clock.now() == start
        clock.sleep(timedelta(hours=3))
        assert clock.now() == start + timedelta(hours=3)
    assert clock.now() < start


def test_a_frozen_moment_needs_a_zone():
    with pytest.raises(ValueError, match="time zone"), clock.frozen(datetime(2030, 1, 1)):  # noqa: DTZ001
        pass


@pytest.mark.timeout(60)
def test_waits_shrink_with_the_scale():
    with clock.running_at(0.001):
        assert clock.scaled(timedelta(seconds=10)) == timedelta(milliseconds=10)
        clock.sleep(timedelta(minutes=2))
    assert clock.scaled(timedelta(seconds=10)) == timedelta(seconds=10)


@pytest.mark.parametrize("scale", [0, -1])
def test_time_cannot_stand_still_or_run_backwards_by_scale(scale):
    with pytest.raises(ValueError, match="positive"), clock.running_at(scale):
        pass


def test_the_scale_returns_after_an_error():
    with pytest.raises(RuntimeError), clock.running_at(0.5):
        raise RuntimeError
    assert clock.scaled(timedelta(seconds=1)) == timedelta(seconds=1)
