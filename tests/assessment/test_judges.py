"""What a model's proposals are used for follows from how it agreed with people."""

import pytest

from range.assessment import judges
from range.assessment.judges import Standing
from range.assessment.models import ReviewItem
from range.lib.raters import weighted_kappa

pytestmark = pytest.mark.django_db
GOOD = [(0, 0), (2, 2), (1, 1), (2, 1)] * 5
POOR = [(0, 2), (2, 0)] * 10


@pytest.fixture
def item(attempt, version):
    return ReviewItem.objects.create(
        attempt=attempt,
        objective=version.objectives.get(key="report"),
        check_id="report",
        criterion="cause",
        artefact="x",
        proposal={"level": 1, "judge": "big 1"},
    )


def standing(item, judge="big 1"):
    return judges.agreement_on(item, judge).standing


def test_nobody_knows_a_judge_before_twenty_decisions(item, decided):
    assert standing(item) is Standing.MEASURED
    decided(item, "big 1", GOOD[:19])
    assert standing(item) is Standing.MEASURED
    decided(item, "big 1", GOOD[19:])
    assert standing(item) is Standing.SHOWN


def test_too_little_agreement_switches_off_and_another_judge_begins_anew(item, decided):
    decided(item, "big 1", POOR)
    assert standing(item) is Standing.OFF
    assert standing(item, "big 2") is Standing.MEASURED


def test_the_limit_is_where_it_is_said_to_be(item, decided):
    pairs = [(0, 0), (2, 2), (1, 1), (2, 1)] * 4 + [(0, 1), (1, 0), (1, 2), (2, 1)]
    qwk = weighted_kappa([a for a, _ in pairs], [b for _, b in pairs])
    assert 0.6 < qwk < judges.AGREES_FROM
    decided(item, "big 1", pairs)
    assert standing(item) is Standing.OFF


def test_a_judge_that_always_says_the_same_as_everybody_is_not_measured(item, decided):
    decided(item, "big 1", [(1, 1)] * 30)
    assert standing(item) is Standing.MEASURED


def test_recent_decisions_count_and_old_ones_fade(item, decided):
    decided(item, "big 1", POOR)
    decided(item, "big 1", GOOD * 3)
    assert judges.agreement_on(item, "big 1").pairs == judges.RECENT
    assert standing(item) is Standing.SHOWN


def test_what_was_decided_in_sight_of_the_proposal_measures_nothing(item, decided):
    decided(item, "big 1", POOR, unseen=False)
    assert judges.agreement_on(item, "big 1").pairs == 0


def test_other_criteria_say_nothing_about_this_one(item, decided):
    decided(item, "big 1", POOR)
    ReviewItem.objects.filter(pk=item.pk).update(criterion="remedy")
    item.refresh_from_db()
    assert standing(item) is Standing.MEASURED


def test_one_item_in_five_stays_unseen_so_that_the_figure_stays_true(item, decided):
    decided(item, "big 1", GOOD)
    known = judges.agreements([item.attempt.exercise.organisation_id])
    seen = 0
    for number in range(100):
        item.pk = type(item.pk)(int=number)
        seen += judges.is_shown(item, known)
    assert seen == 80
