"""Named parameter sets are kept for good, found bit by bit, and never overwritten."""

from dataclasses import replace

import pytest

from range.pipeline.parameters import CURRENT
from range.pipeline.sets import ParameterSetMissing, ParameterSetRefused, current, keep, named


def test_a_kept_set_is_found_by_name_and_never_overwritten(state_dir, settings):
    made = replace(
        CURRENT, name="north-1", hint_offset=0.7, difficulties=(("yard:gain:flag", 1.25, 0.2),)
    )
    keep(made, report={"people": 3})
    assert named("north-1") == made
    assert made.difficulty_at("yard:gain:flag", step=1) == (1.25, 0.2)
    assert made.difficulty_at("yard:mend:gone", step=1) == (-1.6, 0.5)
    for taken in ("north-1", CURRENT.name, "../x", "", "\u00dc"):
        with pytest.raises(ParameterSetRefused):
            keep(replace(made, name=taken), report={})
    assert current() == CURRENT
    settings.RANGE_PARAMETER_SET = "north-1"
    assert current() == made
    settings.RANGE_PARAMETER_SET = "none"
    with pytest.raises(ParameterSetMissing, match=r"2026\.1, north-1"):
        current()
