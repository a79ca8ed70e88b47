"""What the pages of explanation say is what the code does."""

import re
from pathlib import Path

import pytest

from range.competencies.readers import starter
from range.pipeline import readiness
from range.pipeline.parameters import CURRENT

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "explanation" / "skill-estimates.md").read_text()


def rows() -> dict[str, str]:
    cells = re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", PAGE, flags=re.MULTILINE)
    return {name.strip(): value.strip() for name, value in cells}


def figures(text: str) -> list[float]:
    plain = text.replace("−", "-")
    return [float(each) for each in re.findall(r"-?\d+(?:\.\d+)?", plain)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("prior correlation ρ", [CURRENT.prior_correlation]),
        ("hint offset δ", [CURRENT.hint_offset]),
        ("difficulty sd s_b", [CURRENT.difficulty_sd]),
        ("attempt sd t", [CURRENT.attempt_sd]),
        ("drift q", [CURRENT.drift_per_root_month]),
        (
            "practice, model, repeat",
            [CURRENT.practice_weight, CURRENT.model_weight, CURRENT.repeat_weight],
        ),
        ("difficulties 1 to 5", list(CURRENT.difficulty_steps)),
        ("cuts", list(readiness.CUTS)),
    ],
)
def test_the_table_of_constants_is_that_of_the_current_set(name, expected):
    assert figures(rows()[name]) == expected


def test_the_page_names_the_set_and_the_thresholds_in_use():
    assert f"Constants of parameter set {CURRENT.name}" in PAGE
    assert f"at least {readiness.ENOUGH_CHECKS} checks over {readiness.ENOUGH_SCENARIOS}" in PAGE
    assert f"probability {readiness.MEETS}" in PAGE
    assert f"with {readiness.LIKELY}, else" in PAGE


def test_the_cuts_that_roles_may_ask_for_are_cuts_of_the_levels():
    assert set(starter.CUTS.values()) <= set(readiness.CUTS)
    assert starter.CUTS["assisted"] == readiness.CUTS[0]
    assert starter.CUTS["independent"] == readiness.CUTS[1]


def test_pages_state_the_same_thresholds_as_the_code():
    shown = (ROOT / "templates" / "pipeline" / "_profile.html").read_text()
    assert (
        f"at least {readiness.ENOUGH_CHECKS} checks over {readiness.ENOUGH_SCENARIOS} scenarios"
        in shown
    )


SCENARIOS = sorted((ROOT / "scenarios").glob("*/scenario.yaml"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.parent.name)
def test_every_skill_that_a_scenario_names_is_in_the_starter_slice(path):
    known = {skill.key for skill in starter.read().skills.skills}
    text = path.read_text()
    named = set(re.findall(r"\{\s*key:\s*([a-z][a-z0-9-]*)\s*(?:,\s*(?:weight|when)|\})", text))
    assert named, path
    assert named <= known
