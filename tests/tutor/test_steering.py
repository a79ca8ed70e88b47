"""What an instructor sets holds from the next hint on, and never lets the tutor say more."""

import pytest
from asgiref.sync import async_to_sync
from django.urls import reverse

from range.timeline.services import events_of
from tutor import services, steering
from tutor.models import Hint, TutorSettings
from tutor.policy import LadderRefused, Unlock
from tutor.providers import registry
from tutor.providers.scripted import ScriptedChat
from tutor.steering import SteeringRefused

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_model")]


@pytest.fixture
def exercise(attempt):
    return attempt.exercise


@pytest.fixture
def put(exercise):
    def do(**fields):
        TutorSettings.objects.update_or_create(exercise=exercise, defaults=fields)

    return do


@pytest.fixture
def form(teach, exercise):
    """Send the settings page as it is shown, with some fields changed."""

    def send(**changes):
        initial = teach.get("tutor-settings", exercise.pk).context["form"].initial
        fields = {key: value for key, value in initial.items() if value not in (None, False)}
        fields |= changes
        given = {key: value for key, value in fields.items() if value is not None}
        return teach.post("tutor-settings", exercise.pk, **given)

    return send


def sources(hint):
    return {each["title"] for each in hint.citations}


def test_a_practice_exercise_has_the_tutor_and_an_assessed_one_has_not(publish):
    assert steering.settings_of(publish()).mode == "ON"
    assert steering.settings_of(publish(policy="ASSESSED")).mode == "OFF"


def test_off_is_said_and_refused(attempt, trainee, put, client):
    put(mode="OFF")
    with pytest.raises(LadderRefused, match="Your instructor has switched the tutor off"):
        services.ask(attempt, person=trainee, question="What now?")
    client.force_login(trainee)
    page = client.get(reverse("tutor-panel", args=[attempt.pk])).content.decode()
    assert "Your instructor has switched the tutor off in this exercise." in page
    assert not Hint.objects.exists()


def test_counted_help_is_said_before_anybody_asks(attempt, trainee, put, client):
    put(mode="ASSESSED")
    client.force_login(trainee)
    page = client.get(reverse("tutor-panel", args=[attempt.pk])).content.decode()
    assert "Hints are counted here" in page
    assert services.ask(attempt, person=trainee, question="What now?").authored


def test_counted_hints_are_listed_in_the_account(attempt, trainee, put, knowledge):
    services.ask(attempt, person=trainee, question="What is sudo?")
    account = services.debrief(attempt)
    assert "Hints you took" not in [each["title"] for each in account.sections]
    put(mode="ASSESSED")
    services.ask(attempt, person=trainee, unlock=Unlock.NOW)
    lines = {
        each["title"]: [line["text"] for line in each["lines"]]
        for each in services.debrief(attempt).sections
    }["Hints you took"]
    assert lines == [
        "Read the flag of root, what a word means: “What is sudo?”",
        "Read the flag of root, rung 1 (Orient), without a question",
    ]


def test_the_ladder_ends_where_the_instructor_says(attempt, trainee, put):
    put(max_rung=1)
    services.ask(attempt, person=trainee, unlock=Unlock.NOW)
    with pytest.raises(LadderRefused, match="highest rung"):
        services.ask(attempt, person=trainee, unlock=Unlock.NOW)


def test_an_instructor_cannot_raise_what_the_scenario_allows(publish, put, exercise):
    lower = publish(tutor={"max_rung": 2})
    TutorSettings.objects.create(exercise=lower, max_rung=4)
    assert steering.limits_of(lower).max_rung == 2


def test_the_rate_is_the_lower_of_the_two(attempt, trainee, put, settings):
    put(hints_per_hour=2)
    for _ in range(2):
        services.ask(attempt, person=trainee, question="What now?")
    with pytest.raises(Exception, match="so short a time"):
        services.ask(attempt, person=trainee, question="What now?")
    settings.TUTOR_HINTS_PER_HOUR = 1
    assert steering.limits_of(attempt.exercise).hints_per_hour == 1


def test_sources_that_are_left_out_are_not_served(attempt, trainee, put, knowledge):
    asked = {"person": trainee, "question": "Which rule of sudo gives all a pager can do?"}
    for _ in range(2):
        hint = services.ask(attempt, **asked, unlock=Unlock.NOW)
    assert sources(hint) >= {"Pagers", "Rules of sudo"}
    put(left_out=[key for key in source_keys() if "pagers" in key])
    assert "Pagers" not in sources(services.ask(attempt, **asked))
    put(sources="scenario")
    assert sources(services.ask(attempt, **asked)) == {"The desk"}
    assert sources(services.ask(attempt, person=trainee, question="What is a pager?")) <= {
        "The desk"
    }


def source_keys():
    from tutor.models import Source

    return list(Source.objects.values_list("key", flat=True))


def test_a_passage_with_a_word_to_avoid_is_not_served(attempt, trainee, put, knowledge):
    asked = {"person": trainee, "question": "What does a pager show?"}
    assert "Pagers" in sources(services.ask(attempt, **asked))
    put(avoid=["one screen"])
    served = services.ask(attempt, **asked).citations
    assert not any("one screen" in each["text"].casefold() for each in served)


@pytest.mark.parametrize("word", ["Rules of sudo", "what a pager is"])
def test_words_to_avoid_are_not_shown_in_titles_either(attempt, trainee, put, knowledge, word):
    asked = {"person": trainee, "question": "Which rule of sudo gives all a pager can do?"}
    for _ in range(2):
        hint = services.ask(attempt, **asked, unlock=Unlock.NOW)
    shown = [f"{each['title']}/{each['heading']}".casefold() for each in hint.citations]
    assert any(word.casefold() in each for each in shown)
    put(avoid=[word])
    after = services.ask(attempt, **asked).citations
    shown = [f"{each['title']}/{each['heading']}".casefold() for each in after]
    assert not any(word.casefold() in each for each in shown)


def answered(attempt, trainee, *replies, **asked):
    async def read(hint):
        return [part async for part in services.stream(hint.pk, who="tia")]

    model = ScriptedChat(*replies, mode="hosted", billions=8)
    with registry.using(model):
        hint = services.ask(attempt, person=trainee, **asked)
        async_to_sync(read)(hint)
    hint.refresh_from_db()
    return hint, model


def test_a_model_that_says_a_word_to_avoid_is_stopped(
    attempt, trainee, put, knowledge, same_thread
):
    said = "A pager shows a long text one screen at a time [1]."
    asked = {"question": "Show me the long text of the pager", "unlock": Unlock.NOW}
    hint, _ = answered(attempt, trainee, said, **asked)
    assert hint.guard["reason"] != "avoided"
    put(avoid=["Screen"])
    hint, _ = answered(attempt, trainee, said, **asked)
    assert (hint.state, hint.guard["reason"]) == (Hint.State.FAILED, "avoided")


def test_a_tone_stands_below_the_policy_and_only_where_one_was_chosen(
    attempt, trainee, put, knowledge, same_thread
):
    asked = {"question": "What can the pager do here?", "unlock": Unlock.NOW}
    _, model = answered(attempt, trainee, "Look at it.", **asked)
    usual = model.asked[0][0].text
    put(tone="formal")
    _, model = answered(attempt, trainee, "Look at it.", **asked)
    formal = model.asked[0][0].text
    assert "be formal" in formal
    assert "be formal" not in usual
    assert formal.index("Never give a complete solution") < formal.index("be formal")


def test_nobody_is_offered_help_where_offers_are_off(attempt, trainee, put, monkeypatch):
    from tutor import presenting

    monkeypatch.setattr(presenting, "OFFER_AT_STUCK", 0.0)
    assert presenting.panel(attempt, may_ask=True).next.is_stuck
    put(offers=False)
    assert not presenting.panel(attempt, may_ask=True).next.is_stuck


def test_the_model_is_the_one_that_the_instructor_allows(attempt, trainee, put):
    from tutor import budget

    with registry.using(ScriptedChat("Look.", mode="hosted", billions=8)):
        assert budget.choice_for(attempt).mode == Hint.Mode.HOSTED
        put(model="local")
        assert budget.choice_for(attempt).mode == Hint.Mode.NONE
        put(model="none")
        assert "author" in budget.choice_for(attempt).why
    with registry.using(ScriptedChat("Look.", mode="local", billions=8)):
        assert budget.choice_for(attempt).mode == Hint.Mode.NONE
        put(model="local")
        assert budget.choice_for(attempt).mode == Hint.Mode.LOCAL


class TestPage:
    def test_it_shows_what_holds_and_keeps_what_is_sent(
        self, form, teach, exercise, knowledge, instructor
    ):
        shown = teach.get("tutor-settings", exercise.pk).content.decode()
        assert "As the scenario says (Answer)" in shown
        assert "The desk" in shown
        answer = form(
            max_rung="2", tone="brief", hints_per_hour="20", avoid="gtfobins\n less  is\n\n",
            allowed=[],
        )  # fmt: skip
        assert answer.status_code == 302
        found = TutorSettings.objects.get()
        assert (found.max_rung, found.tone, found.hints_per_hour) == (2, "brief", 20)
        assert found.avoid == ["gtfobins", "less is"]
        assert found.left_out == [key for key in source_keys() if "desk" in key]
        (event,) = events_of(exercise.pk)
        assert event.kind == steering.CHANGED
        assert event.actor == f"instructor:{instructor.pk}"
        assert sorted(event.payload["settings"]) == [
            "avoid", "hints_per_hour", "left_out", "max_rung", "tone",
        ]  # fmt: skip

    def test_what_nobody_was_shown_is_not_switched_off(
        self, teach, exercise, knowledge, attempt, trainee
    ):
        initial = teach.get("tutor-settings", exercise.pk).context["form"].initial
        shown = {key: value for key, value in initial.items() if value not in (None, False)}
        asked = {"person": trainee, "question": "What does a pager show?"}
        assert "Pagers" in sources(services.ask(attempt, **asked, unlock=Unlock.NOW))
        answer = teach.post("tutor-settings", exercise.pk, **shown | {"tone": "brief"})
        assert answer.status_code == 302
        assert TutorSettings.objects.get().left_out == []

    def test_what_went_meanwhile_and_what_was_never_there_do_no_harm(
        self, teach, exercise, knowledge, put
    ):
        from tutor.models import Source

        (pagers,) = [key for key in source_keys() if "pagers" in key]
        (desk,) = [key for key in source_keys() if "desk" in key]
        put(left_out=[pagers])
        initial = teach.get("tutor-settings", exercise.pk).context["form"].initial
        assert set(initial["shown"]) == {pagers, desk}
        sent = {key: value for key, value in initial.items() if value not in (None, False)}
        Source.objects.filter(key=desk).delete()
        more = {"shown": [*sent["shown"], "x" * 500, "none"], "allowed": [desk, pagers]}
        assert teach.post("tutor-settings", exercise.pk, **sent | more).status_code == 302
        assert TutorSettings.objects.get().left_out == []
        bad = teach.post("tutor-settings", exercise.pk, **sent | {"shown": ["\0"]})
        assert bad.status_code == 422

    def test_other_schools_texts_are_not_named(
        self, teach, exercise, school, far_school, article, put
    ):
        from tutor.chunking import parse
        from tutor.storing import Place, store

        text = parse(article("notes", "## A\n\nText.").read_text(), name="notes")
        for title, whose in (("far", far_school), ("near", school)):
            store(Place(key=f"upload/{title}", organisation_id=whose.pk), text)
        put(left_out=["upload/far", "upload/near"])
        listed = dict(teach.get("tutor-settings", exercise.pk).context["form"].initial)["shown"]
        assert listed == ["upload/near"]
        initial = teach.get("tutor-settings", exercise.pk).context["form"].initial
        sent = {key: value for key, value in initial.items() if value not in (None, False)}
        sent |= {"shown": ["upload/near", "upload/far"], "allowed": ["upload/near", "upload/far"]}
        assert teach.post("tutor-settings", exercise.pk, **sent).status_code == 302
        assert TutorSettings.objects.get().left_out == ["upload/far"]

    def test_sending_what_holds_already_changes_nothing(self, form, exercise):
        assert form().status_code == 302
        assert not TutorSettings.objects.exists()
        assert not events_of(exercise.pk).exists()

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"max_rung": "9"}, "max_rung"),
            ({"tone": "rude"}, "tone"),
            ({"hints_per_hour": "0"}, "hints_per_hour"),
            ({"hints_per_hour": "100000"}, "hints_per_hour"),
            ({"avoid": "x"}, "avoid"),
            ({"avoid": "\n".join(f"word{n}" for n in range(41))}, "avoid"),
            ({"avoid": "long " * 30}, "avoid"),
            ({"mode": "MAYBE"}, "mode"),
        ],
    )
    def test_nonsense_changes_nothing_and_says_where(self, form, changes, says):
        answer = form(**changes)
        assert answer.status_code == 422
        assert list(answer.context["form"].errors) == [says]
        assert "Nothing was changed yet" in answer.content.decode()
        assert not TutorSettings.objects.exists()

    def test_an_assessed_exercise_has_no_help_that_is_not_counted(self, teach, publish, instructor):
        assessed = publish(policy="ASSESSED")
        page = teach.get("tutor-settings", assessed.pk)
        assert [each[0] for each in page.context["form"].fields["mode"].choices] == [
            *("OFF", "ASSESSED")
        ]
        wanted = {"mode": "ON"}
        with pytest.raises(SteeringRefused, match="off, or on and counted"):
            steering.change(assessed, wanted, person=instructor)
        TutorSettings.objects.create(exercise=assessed, mode="ON")
        assert not steering.limits_of(assessed).enabled
