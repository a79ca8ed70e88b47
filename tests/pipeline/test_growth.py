"""Growth is one replay, told attempt by attempt, and drawn within its frame."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from range.pipeline.estimate import Observation, replay
from range.pipeline.growth import HEIGHT, MOST, WIDTH, curve, growth
from range.pipeline.parameters import CURRENT

START = datetime(2026, 3, 1, tzinfo=UTC)


def seen(number, *, attempt, score=1.0, skill="analyse-logs", hours=1):
    return Observation(
        key=f"{attempt}:{number}",
        attempt=attempt,
        scenario=f"scenario-{attempt}",
        variant=f"{attempt}:{number}",
        at=START + timedelta(hours=hours),
        skills=((skill, 1.0),),
        difficulty=0.0,
        difficulty_sd=0.5,
        score=score,
        checks_in_attempt=1,
    )


def log(scores):
    return [seen(0, attempt=f"a{at:03}", score=score, hours=at) for at, score in enumerate(scores)]


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=12))
def test_each_point_is_what_a_replay_up_to_then_gives_to_the_bit(scores):
    observations = log(scores)
    points = growth(observations, parameters=CURRENT)["analyse-logs"]
    assert len(points) == len(scores)
    for point in points:
        then = replay(observations, parameters=CURRENT, as_of=point.at)
        assert point.mean.hex() == then.mean_of("analyse-logs").hex()


def test_only_attempts_that_told_of_a_skill_are_points_of_it():
    other = seen(0, attempt="b", skill="map-network", hours=5)
    points = growth([*log([1.0, 1.0]), other], parameters=CURRENT)
    assert [len(points[key]) for key in ("analyse-logs", "map-network")] == [2, 1]


def test_one_attempt_is_no_growth():
    points = growth(log([1.0]), parameters=CURRENT)["analyse-logs"]
    assert curve(points, cut=0.4) is None


def test_the_drawing_rises_with_success_and_stays_in_its_frame():
    points = growth(log([1.0] * 60), parameters=CURRENT)["analyse-logs"]
    drawn = curve(points, cut=0.4)
    assert len(drawn.dots) == MOST
    assert all(later[0] > earlier[0] for earlier, later in pairwise(drawn.dots))
    assert all(later[1] <= earlier[1] for earlier, later in pairwise(drawn.dots))
    corners = [tuple(map(float, each.split(","))) for each in drawn.band.split()]
    assert all(0 <= across <= WIDTH and 0 <= down <= HEIGHT for across, down in corners)
    assert "over 40 attempts" in drawn.label
    assert "cut line at 0.4" in drawn.label
