"""The catalogue: cards, filters, empty states, and cards that change by themselves."""

import pytest
from django.urls import reverse
from django.utils import timezone

from range.accounts.models import Membership
from range.catalog.models import Scenario, ScenarioVersion
from range.competencies.models import ObservableSkill
from range.exercises.models import Exercise
from range.pipeline.models import ScenarioDifficulty
from range.pipeline.parameters import CURRENT
from range.workspace.presenters import catalogue as present
from tests.workspace.cards import card


def test_a_newcomer_is_sent_to_what_is_ready():
    pending = card("sudo-says", image_state="BUILDING", settled=False)
    assert present.start_here([pending, card("two")]).slug == "two"


def test_a_newcomer_begins_with_the_first_scenario_where_it_is_ready():
    easier = card("easy", difficulty=1, minutes=5)
    assert present.start_here([easier, card("sudo-says", difficulty=2)]).slug == "sudo-says"
    assert present.start_here([easier, card("other", difficulty=2)]).slug == "easy"


def test_nobody_is_sent_to_what_is_not_there():
    assert present.start_here([]) is None


@pytest.mark.parametrize(
    ("state", "expected"),
    [("new", False), ("under-way", True), ("passed", True), ("tried", True)],
)
def test_whoever_began_anything_has_begun(state, expected):
    assert present.Shelf(cards=(card(state=state),), past=()).has_begun is expected


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
    assert "No scenario matches all of this" in answer
    assert "Clear all filters" in answer


def test_what_was_searched_is_shown_escaped(page, exercise):
    assert "<script>x" not in page("?q=<script>x").content.decode()


def test_htmx_gets_the_results_alone(page, exercise):
    part = page(**{"HX-Request": "true", "HX-Target": "catalogue-results"}).content.decode()
    assert part.lstrip().startswith('<div id="catalogue-results"')
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
    assert [card.slug for card in page().context["shown"]] == ["small"]


def test_an_assessor_is_offered_nothing(client, assessor, exercise):
    client.force_login(assessor)
    assert list(client.get(reverse("catalogue")).context["shown"]) == []


def test_the_first_visit_begins_with_the_first_scenario_and_recommends_nothing(page, exercise):
    answer = page()
    assert answer.context["start_here"].slug == "small"
    text = answer.content.decode()
    assert "Start here: Small" in text
    assert "Recommended next" not in text


def test_the_card_says_that_an_attempt_is_under_way_and_leads_back_into_it(page, attempt):
    answer = page()
    (found,) = answer.context["shown"]
    assert found.state == present.UNDER_WAY
    text = answer.content.decode()
    assert f'href="{reverse("workspace", args=[attempt.pk])}"' in text
    assert "Start here" not in text


@pytest.mark.parametrize("state", ["FINISHING", "COLLECTED"])
def test_what_is_being_graded_is_under_way_but_cannot_be_gone_on_with(page, attempt, state):
    attempt.state = state
    attempt.save()
    answer = page()
    (found,) = answer.context["shown"]
    assert found.state == present.UNDER_WAY
    assert "Resume" not in answer.content.decode()


def over(attempt, *passed):
    attempt.state = "GRADED"
    attempt.save()
    for each in passed:
        attempt.grades.create(
            share=0.9, passed=each, provisional=False, grader_version="1", at=timezone.now()
        )


@pytest.mark.parametrize(
    ("grades", "state"),
    [((True,), present.PASSED), ((True, False), present.TRIED), ((), present.TRIED)],
)
def test_the_newest_grade_of_an_attempt_decides_where_somebody_stands(page, attempt, grades, state):
    over(attempt, *grades)
    (found,) = page().context["shown"]
    assert found.state == state


def test_what_was_passed_once_stays_passed(page, attempt):
    over(attempt, True)
    over(attempt.exercise.attempts.create(trainee=attempt.trainee), False)
    (found,) = page().context["shown"]
    assert found.state == present.PASSED


def test_a_difficulty_from_attempts_says_from_how_many(page, version, exercise):
    assert "declared by its author" in page().content.decode()
    ScenarioDifficulty.objects.create(
        scenario=version.scenario,
        declared=1,
        logits=0.1,
        sd=0.2,
        practice=14,
        assessed=10,
        passed=9,
        parameter_set=CURRENT.name,
        updated_at=timezone.now(),
    )
    text = page().content.decode()
    assert "Difficulty 3 of 5, from 24 attempts" in text
    assert "14 in practice and 10 assessed" in text
    assert "their author declared 1" in text


def test_filters_in_the_address_are_kept_and_told(page, exercise):
    answer = page("?mode=fix&sector=bank&colour=red")
    assert answer.context["browsed"].query == "mode=fix"
    text = answer.content.decode()
    assert "Mode: Fix" in text
    assert "Fix (1)" in text
    assert "bank" not in text.split("</form>")[1]


def test_htmx_gets_the_choices_with_their_counts_and_a_clean_address(page, exercise):
    answer = page("?q=&mode=fix&skill=", **{"HX-Target": "catalogue-results"})
    assert answer["HX-Push-Url"] == f"{reverse('catalogue')}?mode=fix"
    text = answer.content.decode()
    assert 'id="filter-choices" hx-swap-oob="true"' in text
    assert "hx-swap-oob" not in page().content.decode()


def test_an_empty_result_says_which_filter_to_loosen(page, exercise):
    text = page("?mode=fix&q=zebra").content.decode()
    assert "Without words: “zebra”" in text
    assert "Without mode" not in text
    assert f'href="{reverse("catalogue")}?mode=fix"' in text


def test_what_is_retired_is_not_offered_but_what_was_done_in_it_is_found(page, attempt):
    over(attempt, True)
    Scenario.objects.update(retired_at=timezone.now())
    answer = page()
    assert answer.context["shown"] == ()
    text = answer.content.decode()
    assert "No longer offered" in text
    assert f'href="{reverse("scenario", args=["small"])}"' in text


def test_a_version_that_cannot_be_read_takes_no_others_with_it(page, exercise, school):
    broken = ScenarioVersion.objects.create(
        scenario=Scenario.objects.create(slug="broken", title="Broken"),
        version="1",
        digest="c" * 64,
        spec={"schema": 99},
    )
    Exercise.objects.create(version=broken, organisation=school)
    assert [each.slug for each in page().context["shown"]] == ["small"]


def test_instructors_are_led_nowhere(client, person, school, exercise):
    teacher = person("ina", school, Membership.Role.INSTRUCTOR)
    exercise.attempts.create(trainee=teacher)
    client.force_login(teacher)
    assert "Recommended next" not in client.get(reverse("catalogue")).content.decode()


def test_a_page_of_many_shows_the_first_and_then_more(page, exercise, school, version):
    for number in range(60):
        scenario = Scenario.objects.create(slug=f"many-{number}", title=f"Many {number}")
        made = ScenarioVersion.objects.create(
            scenario=scenario, version="1", digest=f"{number:064}", spec=version.spec
        )
        Exercise.objects.create(version=made, organisation=school)
    answer = page()
    assert len(answer.context["shown"]) == 48
    assert "Show 13 more" in answer.content.decode()
    part = page("?shown=96", **{"HX-Target": "catalogue-results"})
    assert len(part.context["shown"]) == 61
    assert part["HX-Push-Url"].endswith("?shown=61")
    assert part.content.decode().count("autofocus") == 1
    assert "autofocus" not in page("?shown=96").content.decode()
    assert len(page("?shown=<script>").context["shown"]) == 48
