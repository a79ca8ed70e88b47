"""Calibration finds what was planted, foretells better with it, and keeps named sets for good."""

import io
import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from range.pipeline.calibration import Answer, calibrate, fitted_set
from range.pipeline.estimate import Observation, replay
from range.pipeline.parameters import CURRENT
from range.pipeline.sets import ParameterSetMissing, ParameterSetRefused, current, keep, named

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
SKILLS, SCENARIOS, CHECKS = 4, 20, 3


def world(*, offset, seed, people=150):
    """Answers of people with known skills to items of known difficulty, wrongly believed."""
    rng = np.random.default_rng(seed)
    rho = CURRENT.prior_correlation
    skill = np.sqrt(rho) * rng.normal(size=(people, 1)) + np.sqrt(1 - rho) * rng.normal(
        size=(people, SKILLS)
    )
    believed = rng.choice(CURRENT.difficulty_steps, size=SCENARIOS * CHECKS)
    true = believed + rng.normal(0.0, CURRENT.difficulty_sd, size=believed.shape)
    answers = []
    for person in range(people):
        asks = rng.normal(0.0, 1.0)
        luck = rng.normal(0.0, CURRENT.attempt_sd, SCENARIOS)
        for item in range(SCENARIOS * CHECKS):
            at, scenario = int(rng.integers(SKILLS)), item // CHECKS
            margin = skill[person, at] - true[item] + luck[scenario]
            rung = int(np.clip(np.floor(asks - 0.7 * margin + rng.logistic()), 0, 3))
            met = rng.random() < 1 / (1 + np.exp(-(margin + offset * rung)))
            seen = Observation(
                key=f"{person}:{item:03}", attempt=f"{person}:{scenario}",
                scenario=str(scenario), variant=f"{person}:{item}",
                at=EPOCH + timedelta(minutes=item), skills=((f"s{at}", 1.0),),
                difficulty=float(believed[item]), difficulty_sd=CURRENT.difficulty_sd,
                hint_level=rung, score=float(met), checks_in_attempt=CHECKS,
            )  # fmt: skip
            answers.append(Answer(person=str(person), item=f"i{item:03}", observation=seen))
    return answers, {f"i{at:03}": value for at, value in enumerate(true)}


@pytest.mark.parametrize(("offset", "seed"), [(0.4, 1), (0.9, 2), (1.4, 3)])
def test_it_recovers_planted_difficulties_and_the_planted_hint_offset(offset, seed):
    answers, true = world(offset=offset, seed=seed)
    fit = calibrate(answers, parameters=CURRENT)
    assert fit.hint_offset == pytest.approx(offset, abs=0.12)
    assert len(fit.items) == len(true)
    missed = np.array([each.difficulty - true[each.item] for each in fit.items])
    believed = np.array([each.before - true[each.item] for each in fit.items])
    assert np.sqrt(np.mean(missed**2)) < 0.5 * np.sqrt(np.mean(believed**2))
    inside = np.abs(missed) <= 1.2815515655446004 * np.array([each.sd for each in fit.items])
    assert inside.mean() > 0.6
    assert fit.loss_after < fit.loss_before


def test_few_answers_move_nothing_far_and_one_person_is_enough_to_run():
    answers, _ = world(offset=0.9, seed=5, people=1)
    fit = calibrate(answers, parameters=CURRENT)
    assert fit.items == ()
    assert fit.hint_offset == pytest.approx(CURRENT.hint_offset, abs=0.3)
    assert fit.loss_before is None
    with pytest.raises(ValueError, match="no answers"):
        calibrate([], parameters=CURRENT)


def test_the_order_of_answers_changes_nothing():
    answers, _ = world(offset=0.9, seed=6, people=20)
    again = calibrate(list(reversed(answers)), parameters=CURRENT)
    fit = calibrate(answers, parameters=CURRENT)
    assert again.hint_offset == pytest.approx(fit.hint_offset, abs=1e-6)
    assert [each.item for each in again.items] == [each.item for each in fit.items]


def test_a_kept_set_is_found_by_name_bit_by_bit_and_never_overwritten(state_dir, settings):
    answers, _ = world(offset=0.9, seed=7, people=20)
    fit = calibrate(answers, parameters=CURRENT)
    made = fitted_set(fit, name="north-1", base=CURRENT)
    keep(made, report={"people": fit.people})
    assert named("north-1") == made
    own = [each.observation for each in answers if each.person == "3"]
    assert (
        replay(own, parameters=named("north-1"), as_of=EPOCH + timedelta(days=9)).digest()
        == replay(own, parameters=made, as_of=EPOCH + timedelta(days=9)).digest()
    )
    for taken in ("north-1", CURRENT.name, "../x", "", "Ü"):
        with pytest.raises(ParameterSetRefused):
            keep(fitted_set(fit, name=taken, base=CURRENT), report={})
    assert current() == CURRENT
    settings.RANGE_PARAMETER_SET = "north-1"
    assert current() == made
    settings.RANGE_PARAMETER_SET = "none"
    with pytest.raises(ParameterSetMissing, match=r"2026\.1, north-1"):
        current()


@pytest.mark.django_db
def test_the_command_reports_and_keeps_and_estimates_follow(
    proven, trainee, state_dir, settings, monkeypatch
):
    # One person met each item once: enough here, and never in earnest.
    monkeypatch.setattr("range.pipeline.calibration.FEWEST_ANSWERS", 1)
    from range.pipeline.models import SkillEstimate
    from range.pipeline.rebuild import differences
    from range.pipeline.services import refresh

    refresh(trainee)
    before = {row.skill_id: row.mean for row in SkillEstimate.objects.all()}
    out = io.StringIO()
    call_command("calibrate", json=True, stdout=out)
    told = json.loads(out.getvalue())
    assert (told["people"], told["answers"]) == (1, 12)
    call_command("calibrate", name="here-1", stdout=(table := io.StringIO()), stderr=io.StringIO())
    assert "12 answers of 1 people" in table.getvalue()
    with pytest.raises(CommandError, match="never edited"):
        call_command("calibrate", name="here-1", stdout=io.StringIO())
    settings.RANGE_PARAMETER_SET = "here-1"
    assert differences(trainee) == []
    refresh(trainee)
    rows = SkillEstimate.objects.all()
    assert {row.parameter_set for row in rows} == {"here-1"}
    assert {row.skill_id: row.mean for row in rows} != before
    assert differences(trainee) == []


@pytest.mark.django_db
def test_the_command_without_attempts_says_so():
    with pytest.raises(CommandError, match="no finished attempts"):
        call_command("calibrate")
