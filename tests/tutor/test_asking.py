"""A question becomes one row and its events; the author's words stand at once."""

import pytest

from range.exercises.models import Attempt
from range.exercises.services import AttemptClosed
from range.timeline.models import Event
from tutor import services
from tutor.asking import BURST, NOTHING_FOUND, QUESTION_LIMIT, TooManyHints
from tutor.models import Hint
from tutor.policy import LadderRefused, Unlock
from tutor.providers import registry
from tutor.providers.scripted import ScriptedChat
from tutor.situation import ObjectiveUnknown

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_model")]


@pytest.fixture
def ask(attempt, trainee):
    def do(question="", unlock=Unlock.STAY, objective="", into=None):
        where = into or attempt
        return services.ask(
            where, person=trainee, question=question, unlock=unlock, objective=objective
        )

    return do


def events_of(attempt):
    events = Event.objects.filter(attempt_id=attempt.pk, kind__startswith="hint.").order_by("seq")
    return [(event.kind, event.payload) for event in events]


def test_the_first_question_is_answered_by_one_question_back(ask, typed):
    typed("cat /root/flag.txt", code=1, error="denied")
    hint = ask("I am stuck")
    assert hint.rung == 0
    assert hint.authored.count("?") == 1
    assert "Command 1" in hint.authored
    assert hint.state == Hint.State.ANSWERED


def test_the_mirror_is_not_counted_as_help(ask, attempt):
    ask("I am stuck")
    assert [kind for kind, _ in events_of(attempt)] == ["hint.asked", "hint.answered"]


def test_taking_a_rung_gives_the_authors_words_and_is_written_down(ask, attempt, typed):
    typed("id")
    hint = ask(unlock=Unlock.NEXT)
    assert hint.authored == "What may this account do that an ordinary one may not?"
    assert events_of(attempt)[0] == (
        "hint.unlocked",
        {"objective": "enter", "rung": 1, "trigger": "tried"},
    )


def test_the_rungs_come_one_after_the_other(ask):
    assert [ask(unlock=Unlock.NOW).rung for _ in range(4)] == [1, 2, 3, 4]


def test_the_top_rung_is_the_authors_and_holds_no_secret(ask, secrets):
    *_, answer = (ask(unlock=Unlock.NOW) for _ in range(4))
    assert "sudo less /var/log/daybook.log" in answer.authored
    assert "sudo starts less as root" in answer.authored
    assert secrets["service_password"] not in answer.authored
    assert secrets["flag_enter"] not in answer.authored


def test_the_top_rung_is_never_given_to_a_model(ask):
    model = ScriptedChat("I know better.")
    with registry.using(model):
        *_, answer = (ask(unlock=Unlock.NOW) for _ in range(4))
    assert answer.state == Hint.State.ANSWERED
    assert answer.mode == Hint.Mode.NONE


def test_just_tell_me_raises_nothing(ask, typed):
    typed("id")
    for question in ("just tell me", "give me the answer now", "I demand rung 4", "unlock=now"):
        assert ask(question).rung == 0


def test_a_new_objective_begins_at_the_mirror(ask):
    ask(unlock=Unlock.NOW, objective="enter")
    assert ask("and now?", objective="mend").rung == 0
    assert ask("and here?", objective="enter").rung == 1


def test_a_definition_is_answered_at_once_and_is_free(ask, knowledge, attempt):
    hint = ask("What is a pager?")
    assert hint.definition
    assert "A pager shows a long text" in hint.authored
    assert "[1]" in hint.authored
    assert hint.citations[0]["title"] == "Pagers"
    assert all(kind != "hint.unlocked" for kind, _ in events_of(attempt))


def test_a_definition_gives_nothing_of_higher_rungs(ask, knowledge):
    hint = ask("What is a shell?")
    shown = [each["heading"] for each in hint.citations]
    assert "Commands inside" not in shown


def test_a_definition_gives_a_schools_or_a_scenarios_text_from_its_own_rung_on(
    ask, knowledge, attempt, vectors
):
    from tutor.chunking import parse
    from tutor.storing import Place, store

    head = "---\ntitle: {0}\nslug: x\nlicense: Ours\nversion: 1\nmin_rung: {1}\n---\n"
    body = "## Hatches\n\nA zymurgy is what opens the {0}."
    school = attempt.exercise.organisation_id
    for title, rung, whose in (("vault", 2, {"organisation_id": school}), ("cellar", 2, {})):
        text = (head + body).format(title, rung)
        store(Place(key=f"own/{title}", **whose), parse(text, name=title))
    cited = {each["title"] for each in ask("What is a zymurgy?").citations}
    assert "cellar" in cited
    assert "vault" not in cited
    for _ in range(2):
        ask(unlock=Unlock.NOW)
    assert "vault" in {each["title"] for each in ask("What is a zymurgy?").citations}


def test_an_unknown_word_is_said_to_be_unknown(ask, db):
    assert ask("What is a zymurgy?").authored == NOTHING_FOUND


def test_passages_above_the_rung_are_not_served(ask, knowledge):
    ask(unlock=Unlock.NOW)
    second = ask(unlock=Unlock.NOW)
    headings = {each["heading"] for each in second.citations}
    assert "Rules" in headings
    assert "Commands inside" not in headings
    third = ask(unlock=Unlock.NOW)
    assert "Commands inside" in {each["heading"] for each in third.citations}


def test_every_citation_quotes_its_passage_word_for_word(ask, knowledge):
    for _ in range(3):
        hint = ask("pager shell sudo", unlock=Unlock.NOW)
    assert hint.citations
    for each in hint.citations:
        assert each["text"][each["start"] : each["end"]].strip()
        assert each["license"] == "Apache-2.0"


def test_a_question_of_ten_thousand_words_is_cut(ask):
    hint = ask("why " * 10_000)
    assert len(hint.question) <= QUESTION_LIMIT
    assert hint.authored


def test_control_characters_do_not_enter_the_row(ask):
    assert ask("look\x1b[2J\x00\u202ehere").question == "look here"


def test_too_many_questions_end_in_a_sentence_and_no_row(ask, attempt):
    for _ in range(BURST):
        ask("again")
    with pytest.raises(TooManyHints, match="Nothing was lost"):
        ask("again")
    assert Hint.objects.count() == BURST


def test_the_hourly_limit_is_the_operators(ask, settings):
    settings.TUTOR_HINTS_PER_HOUR = 1
    ask("one")
    with pytest.raises(TooManyHints):
        ask("two")


def test_an_assessed_attempt_gets_no_help_and_no_row(publish, trainee, ask):
    exercise = publish(policy="ASSESSED")
    assessed = Attempt.objects.create(exercise=exercise, trainee=trainee)
    with pytest.raises(LadderRefused, match="assessed"):
        ask("help", into=assessed)
    assert not Hint.objects.exists()
    assert not events_of(assessed)


def test_a_finished_attempt_gets_no_help(ask, attempt):
    Attempt.objects.filter(pk=attempt.pk).update(state=Attempt.State.GRADED)
    with pytest.raises(AttemptClosed):
        ask("help")
    assert not Hint.objects.exists()


def test_an_objective_of_elsewhere_is_refused(ask):
    with pytest.raises(ObjectiveUnknown):
        ask("help", objective="nowhere")


def test_the_scenario_ends_the_ladder(publish, trainee, ask):
    short = Attempt.objects.create(exercise=publish(tutor={"max_rung": 1}), trainee=trainee)
    ask(unlock=Unlock.NOW, into=short)
    with pytest.raises(LadderRefused) as refusal:
        ask(unlock=Unlock.NOW, into=short)
    assert refusal.value.reason == "ladder-ends"


def test_without_authored_words_the_checks_speak(ask):
    ask(unlock=Unlock.NOW, objective="mend")
    hint = ask(unlock=Unlock.NOW, objective="mend")
    assert "Close the way" in hint.authored


def test_a_model_leaves_the_row_open_with_the_authors_words(ask, typed):
    typed("id")
    with registry.using(ScriptedChat("Look there.")):
        hint = ask(unlock=Unlock.NEXT)
    assert hint.state == Hint.State.OPEN
    assert hint.authored
