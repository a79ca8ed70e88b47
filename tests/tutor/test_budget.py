"""The ledger and the budgets, the next mode when one fails, and addresses that are refused."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from json import loads

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.utils import timezone

from range.assessment.models import ReviewItem
from range.exercises.models import Attempt
from tutor import budget, services
from tutor.models import Hint, LedgerEntry, TutorSettings
from tutor.policy import Unlock
from tutor.providers import registry
from tutor.providers.addresses import why_refused
from tutor.providers.chat import Usage
from tutor.providers.scripted import ScriptedChat
from tutor.rubric import REPEATS

pytestmark = pytest.mark.django_db
GOOD = "A rule of sudo gives everything that the program can do [1]. Look at each rule."
NOTHING = '{"level": 0, "spans": [], "reason": "It is not named."}'


class Counting(ScriptedChat):
    """Says at the end what it used, as many providers do."""

    async def stream(self, messages):
        async for words in super().stream(messages):
            yield words
        yield Usage(tokens_in=1000, tokens_out=200)


@pytest.fixture
def answered(attempt, trainee, knowledge, same_thread):
    """Ask on rung 2 and read the answer to its end."""

    def do(model):
        async def read(hint):
            return [part async for part in services.stream(hint.pk, who="tia")]

        with registry.using(None):
            while Hint.objects.filter(rung=2).count() == 0:
                services.ask(attempt, person=trainee, unlock=Unlock.NOW)
        with registry.using(model):
            hint = services.ask(attempt, person=trainee, question="sudo rules")
            async_to_sync(read)(hint)
        hint.refresh_from_db()
        return hint

    return do


def test_what_the_provider_counted_is_written_down_with_its_cost(answered, settings, attempt):
    settings.TUTOR_PRICE_IN, settings.TUTOR_PRICE_OUT = 2.0, 10.0
    hint = answered(Counting(GOOD))
    entry = LedgerEntry.objects.get()
    assert (entry.tokens_in, entry.tokens_out, entry.counted) == (1000, 200, True)
    assert entry.cost == Decimal("0.004")
    assert (entry.hint, entry.organisation) == (hint, attempt.exercise.organisation)


def test_where_nobody_counts_we_estimate_and_say_so(answered):
    answered(ScriptedChat(GOOD))
    entry = LedgerEntry.objects.get()
    assert entry.tokens_in > 100
    assert entry.tokens_out > 10
    assert not entry.counted


def test_a_request_that_failed_at_once_used_nothing(answered):
    answered(ScriptedChat(GOOD, breaks_after=0))
    assert not LedgerEntry.objects.exists()


def test_the_local_model_costs_nothing(answered, settings):
    settings.TUTOR_PRICE_IN = settings.TUTOR_PRICE_OUT = 1000.0
    answered(ScriptedChat(GOOD, mode="local"))
    assert LedgerEntry.objects.get().cost == 0


def test_a_spent_attempt_goes_on_without_the_hosted_model_and_says_so(answered, settings, attempt):
    settings.TUTOR_ATTEMPT_TOKENS = 1200
    model = Counting(GOOD)
    answered(model)
    hint = answered(model)
    assert len(model.asked) == 1
    assert hint.state == Hint.State.ANSWERED
    assert hint.authored
    assert hint.mode == Hint.Mode.NONE
    with registry.using(model):
        assert budget.choice_for(attempt).why == budget.ATTEMPT_SPENT


def test_an_organisations_day_is_one_budget_for_all(answered, settings, attempt, other_trainee):
    settings.TUTOR_ORGANISATION_TOKENS = 1200
    model = Counting(GOOD)
    answered(model)
    another = type(attempt).objects.create(exercise=attempt.exercise, trainee=other_trainee)
    with registry.using(model):
        assert budget.choice_for(another).model is None
        LedgerEntry.objects.update(at=timezone.now() - timedelta(hours=25))
        assert budget.choice_for(another).model is model


def test_the_local_model_knows_no_budget(answered, settings):
    settings.TUTOR_ATTEMPT_TOKENS = 1
    model = ScriptedChat(GOOD, mode="local")
    answered(model)
    answered(model)
    assert len(model.asked) == 2


def test_zero_is_no_limit(answered, settings):
    settings.TUTOR_ATTEMPT_TOKENS = settings.TUTOR_ORGANISATION_TOKENS = 0
    model = Counting(GOOD)
    answered(model)
    answered(model)
    assert len(model.asked) == 2


def test_the_ledger_is_summed_for_the_operator(answered):
    answered(Counting(GOOD))
    shown = StringIO()
    call_command("show_ledger", "--json", stdout=shown)
    row = loads(shown.getvalue())["ledger"][0]
    assert (row["requests"], row["used_in"], row["used_out"]) == (1, 1000, 200)
    call_command("show_ledger", stdout=shown)
    assert "scripted" in shown.getvalue()


# --- the next mode ----------------------------------------------------------------------------


@pytest.fixture
def two_modes(monkeypatch):
    """A hosted and a local model, as an operator with both has them."""

    def made(hosted, local):
        monkeypatch.setattr(registry, "_hosted", lambda: hosted)
        monkeypatch.setattr(registry, "_local", lambda: local)
        monkeypatch.setattr(registry, "local_is_healthy", lambda: local is not None)
        registry._breakers.clear()

    yield made
    registry._breakers.clear()


@pytest.fixture
def asked_of_both(two_modes, attempt, trainee, knowledge, same_thread):
    def do(hosted, local):
        two_modes(hosted, local)

        async def read(hint):
            return [part.sentence async for part in services.stream(hint.pk, who="tia")]

        services.ask(attempt, person=trainee, unlock=Unlock.NOW)
        hint = services.ask(attempt, person=trainee, unlock=Unlock.NOW, question="sudo rules")
        said = [each for each in async_to_sync(read)(hint) if each]
        hint.refresh_from_db()
        return hint, said

    return do


@pytest.mark.parametrize(
    "hosted",
    [
        lambda: ScriptedChat(GOOD, breaks_after=0),
        lambda: ScriptedChat("\x00\x07"),
        lambda: ScriptedChat("The moon is made of cheese and orbits twice daily."),
    ],
)
def test_a_hosted_model_that_gives_nothing_usable_hands_over_to_the_local_one(
    asked_of_both, hosted
):
    hint, said = asked_of_both(hosted(), ScriptedChat(GOOD, mode="local"))
    assert len(said) == 2
    assert hint.state == Hint.State.ANSWERED
    assert hint.mode == Hint.Mode.LOCAL


def test_a_guards_hit_is_no_reason_to_try_another_model(asked_of_both, secrets):
    local = ScriptedChat(GOOD, mode="local")
    hint, _ = asked_of_both(ScriptedChat(f"It is {secrets['service_password']}. Go."), local)
    assert hint.state == Hint.State.FAILED
    assert local.asked == []


def test_when_both_fail_the_authors_words_stand(asked_of_both):
    hint, said = asked_of_both(
        ScriptedChat("", breaks_after=0), ScriptedChat("", mode="local", breaks_after=0)
    )
    assert said == []
    assert hint.state == Hint.State.FAILED
    assert hint.authored


# --- addresses --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/v1",
        "http://[fe80::1]/v1",
        "http://[::ffff:169.254.169.254]/v1",
        "http://2852039166/v1",
        "http://100.100.100.200/v1",
        "http://0.0.0.0:9000/v1",
        "http://224.0.0.1/v1",
        "ftp://models.example/v1",
        "file:///etc/passwd",
        "http:///v1",
        "http://models.example:port/v1",
        "http://somebody:word@10.0.0.1/v1",
        "http://10.0.0.1/v1?to=elsewhere",
        "http://127.0.0.1:8000/v1",
        "http://[::1]:8001/v1",
        "not an address",
    ],
)
def test_what_no_model_serves_is_refused(url, settings, loopback):
    settings.RANGE_WEB_PORT, settings.RANGE_CONSOLE_PORT = 8000, 8001
    assert why_refused(url)


def test_the_database_of_the_range_is_no_model(loopback):
    from django.db import connection

    port = connection.settings_dict["PORT"] or 5432
    assert why_refused(f"http://127.0.0.1:{port}/v1")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "http://10.1.2.3:8000/v1"])
def test_an_operators_own_model_may_be_asked(url, loopback):
    assert why_refused(url) == ""


class CountingJudge(ScriptedChat):
    """Says with each decision what it used."""

    def decide(self, messages, schema):
        return replace(super().decide(messages, schema), usage=Usage(tokens_in=900, tokens_out=100))


@pytest.fixture
def criteria(publish, trainee):
    """Hold two criteria of one report that wait for a person."""
    levels = [{"id": name, "title": name.title(), "weight": 1} for name in ("cause", "remedy")]
    check = {"id": "words", "kind": "rubric", "artefact": "box:/report.md", "criteria": levels}
    report = {"key": "report", "title": "Write a report", "checks": check}
    exercise = publish(objectives=[report], reference={})
    attempt = Attempt.objects.create(exercise=exercise, trainee=trainee)
    for each in levels:
        ReviewItem.objects.create(
            attempt=attempt,
            objective=exercise.version.objectives.get(),
            check_id="words",
            criterion=each["id"],
            artefact="The rule is too wide.",
        )
    return attempt


def judged(attempt, model):
    with registry.using(model):
        return services.judge(attempt)


def test_each_answer_of_a_judge_stands_in_the_ledger(criteria, capsys):
    assert len(judged(criteria, CountingJudge(NOTHING, billions=8))) == 2
    entries = LedgerEntry.objects.all()
    assert len(entries) == 2 * REPEATS
    assert {(e.hint, e.attempt, e.tokens_in, e.counted) for e in entries} == {
        (None, criteria, 900, True)
    }
    call_command("show_ledger", "--json")
    (row,) = loads(capsys.readouterr().out)["ledger"]
    assert (row["requests"], row["used_in"], row["used_out"]) == (6, 5400, 600)


def test_a_judges_answers_are_estimated_where_nobody_counts(criteria):
    judged(criteria, ScriptedChat(NOTHING, "garbage", billions=8))
    entries = LedgerEntry.objects.order_by("pk")
    assert not any(entry.counted for entry in entries)
    assert all(entry.tokens_in > 50 for entry in entries)
    assert [entry.tokens_out > 0 for entry in entries] == [True, False, False]


def test_a_judge_stops_where_the_attempts_budget_ends(criteria, settings):
    settings.TUTOR_ATTEMPT_TOKENS = 2500
    model = CountingJudge(NOTHING, billions=8)
    assert len(judged(criteria, model)) == 1
    assert len(model.asked) == REPEATS
    assert judged(criteria, model) == []


def test_where_no_model_may_answer_none_judges_either(criteria, instructor):
    TutorSettings.objects.create(exercise=criteria.exercise, model=TutorSettings.Model.NONE)
    model = CountingJudge(NOTHING, billions=8)
    assert judged(criteria, model) == []
    assert model.asked == []
