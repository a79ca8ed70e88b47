"""The catalogue: cards, filters, empty states, and cards that change by themselves."""

import dataclasses

import pytest
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from range.catalog.models import ScenarioVersion
from range.competencies.models import ObservableSkill
from range.exercises.models import Attempt, Exercise
from range.workspace.presenters import catalogue as present
from range.workspace.presenters.catalogue import Card

CARD = Card(
    slug="one",
    title="Sudo says",
    summary="Rules that grew.",
    sector="bank",
    modes=("attack", "fix"),
    difficulty=2,
    minutes=25,
    skills=("Abuse sudo rules",),
    image_state="READY",
    settled=True,
    verified_at=None,
    attempt_state="",
    passed=False,
)
LONG = dataclasses.replace(
    CARD,
    slug="two",
    title="Ward 7",
    sector="hospital",
    modes=("defend",),
    difficulty=4,
    minutes=90,
    skills=("Contain an intrusion",),
)


def kept(query):
    cards = [CARD, LONG]
    filters = present.read_filters(cards, QueryDict(query))
    return [card.slug for card in present.keep(cards, filters)]


@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ("", ["one", "two"]),
        ("mode=fix", ["one"]),
        ("sector=hospital", ["two"]),
        ("skill=Abuse+sudo+rules", ["one"]),
        ("difficulty=4", ["two"]),
        ("length=45", ["one"]),
        ("q=SUDO", ["one"]),
        ("q=contain", ["two"]),
        ("q=ward+hospital", ["two"]),
        ("mode=attack&sector=hospital", []),
    ],
)
def test_every_filter_narrows(query, slugs):
    assert kept(query) == slugs


@pytest.mark.parametrize("query", ["mode=fly", "length=soon", "difficulty=99", "colour=red"])
def test_a_value_that_no_card_has_filters_nothing(query):
    assert kept(query) == ["one", "two"]


def test_the_choice_of_the_address_is_marked():
    filters = present.read_filters([CARD, LONG], QueryDict("mode=fix"))
    (mode,) = [group for group in filters.groups if group.name == "mode"]
    assert [choice.value for choice in mode.choices if choice.selected] == ["fix"]
    assert filters.active


def test_a_newcomer_is_sent_to_what_is_ready():
    pending = dataclasses.replace(CARD, slug="sudo-says", image_state="BUILDING", settled=False)
    assert present.start_here([pending, LONG]).slug == "two"


def test_a_newcomer_begins_with_the_first_scenario_where_it_is_ready():
    easier = dataclasses.replace(LONG, difficulty=1, minutes=5)
    first = dataclasses.replace(CARD, slug="sudo-says")
    assert present.start_here([easier, first]).slug == "sudo-says"


def test_nobody_is_sent_to_begin_twice():
    assert present.start_here([dataclasses.replace(CARD, attempt_state="GRADED")]) is None
    assert present.start_here([]) is None


@pytest.fixture
def page(client, trainee):
    client.force_login(trainee)

    def get(query="", **headers):
        return client.get(reverse("catalogue") + query, headers=headers)

    return get


def test_a_card_shows_what_a_trainee_chooses_by(page, exercise):
    ObservableSkill.objects.create(key="enumerate-system", name="Look around a system")
    text = page().content.decode()
    for shown in ("Small", "One machine, one flag", "10 min", "Look around a system", "Attack"):
        assert shown in text


def test_an_empty_range_says_what_to_do(page, trainee):
    assert "publish_scenarios" in page().content.decode()


def test_no_match_offers_to_clear_the_filters(page, exercise):
    answer = page("?q=zebra").content.decode()
    assert "No scenario matches" in answer
    assert "Clear filters" in answer


def test_what_was_searched_is_shown_escaped(page, exercise):
    assert "<script>x" not in page("?q=<script>x").content.decode()


def test_htmx_gets_the_results_alone(page, exercise):
    part = page(**{"HX-Request": "true", "HX-Target": "catalogue-results"}).content.decode()
    assert part.lstrip().startswith('<section id="catalogue-results"')
    assert "<html" not in part


def test_a_card_asks_again_only_while_images_are_built(page, client, exercise, version):
    polling = f'hx-get="{reverse("scenario-card", args=["small"])}"'
    assert polling not in page().content.decode()
    ScenarioVersion.objects.update(image_state="BUILDING")
    assert polling in page().content.decode()
    card = client.get(reverse("scenario-card", args=["small"])).content.decode()
    assert "Being prepared" in card
    ScenarioVersion.objects.update(image_state="READY")
    assert "hx-trigger" not in client.get(reverse("scenario-card", args=["small"])).content.decode()


def test_the_card_of_what_is_not_offered_is_not_there(client, trainee, version):
    client.force_login(trainee)
    assert client.get(reverse("scenario-card", args=["small"])).status_code == 404


def test_one_card_though_a_scenario_is_offered_twice(page, exercise, version, school):
    Exercise.objects.create(version=version, organisation=school, policy="ASSESSED")
    assert [card.slug for card in page().context["cards"]] == ["small"]


def test_an_assessor_is_offered_nothing(client, assessor, exercise):
    client.force_login(assessor)
    assert list(client.get(reverse("catalogue")).context["cards"]) == []


def test_the_card_says_that_an_attempt_is_open(page, attempt):
    (card,) = page().context["cards"]
    assert card.attempt_state == Attempt.State.ACTIVE


def test_the_card_remembers_that_it_was_passed(page, attempt):
    attempt.grades.create(share=0.9, passed=True, provisional=False, grader_version="1")
    (card,) = page().context["cards"]
    assert card.passed


def test_the_newest_grade_of_an_attempt_counts(page, attempt):
    for passed in (True, False):
        attempt.grades.create(
            share=0.9, passed=passed, provisional=False, grader_version="1", at=timezone.now()
        )
    (card,) = page().context["cards"]
    assert not card.passed
