"""What was left: hints that no page came for, criteria whose model was away, a server that fell."""

from datetime import timedelta

import pytest
from django.utils import timezone

from range.assessment.models import ReviewItem
from range.exercises.models import Attempt
from range.lib import clock
from tutor import leftovers, services
from tutor.leftovers import FORGOTTEN_AFTER, JUDGED_WITHIN, LONGEST_REST, REST
from tutor.models import Hint
from tutor.policy import Unlock
from tutor.providers import registry, weights_status
from tutor.providers.breaker import FAILURES
from tutor.providers.chat import ChatFailed
from tutor.providers.scripted import ScriptedChat

pytestmark = pytest.mark.django_db
NOTHING = '{"level": 0, "spans": [], "reason": "Nothing is there."}'
LONG_AGO = FORGOTTEN_AFTER + timedelta(minutes=1)


@pytest.fixture(autouse=True)
def rested(monkeypatch):
    """Begin as a fresh process does, with a clock that the test moves on."""
    at = [1000.0]
    monkeypatch.setattr(leftovers, "_rest", leftovers.Rest())
    monkeypatch.setattr(clock, "monotonic", lambda: at[0])

    def move(duration):
        at[0] += duration.total_seconds()

    return move


class TestForgottenHints:
    @pytest.fixture
    def open_hint(self, attempt, trainee, vectors):
        def make(**fields):
            with registry.using(ScriptedChat("Look there.")):
                hint = services.ask(attempt, person=trainee, unlock=Unlock.NOW)
            assert hint.state == Hint.State.OPEN
            Hint.objects.filter(pk=hint.pk).update(**fields)
            return hint

        return make

    def test_one_that_no_page_came_for_ends_with_the_authors_words(self, open_hint):
        hint = open_hint(asked_at=timezone.now() - LONG_AGO)
        assert services.take_up() == 1
        hint.refresh_from_db()
        assert (hint.state, hint.mode) == (Hint.State.FAILED, Hint.Mode.NONE)
        assert hint.authored
        assert services.take_up() == 0

    def test_one_whose_process_died_ends_too(self, open_hint):
        old = timezone.now() - LONG_AGO
        open_hint(asked_at=old, claimed_at=old)
        assert services.take_up() == 1

    def test_one_that_is_new_or_being_answered_is_left_alone(self, open_hint):
        open_hint()
        open_hint(asked_at=timezone.now() - LONG_AGO, claimed_at=timezone.now())
        assert services.take_up() == 0


class Away(ScriptedChat):
    """Cannot be reached so many times, then answers."""

    def __init__(self, *replies, times, reason="unreachable"):
        super().__init__(*replies, billions=8)
        self.times, self.reason, self.tried = times, reason, 0

    def decide(self, messages, schema):
        self.tried += 1
        if self.tried <= self.times:
            raise ChatFailed(self.reason)
        return super().decide(messages, schema)


class TestJudges:
    @pytest.fixture
    def waiting(self, publish, trainee):
        check = {"id": "words", "kind": "rubric", "artefact": "box:/report.md",
                 "criteria": [{"id": "cause", "title": "Names the cause"}]}  # fmt: skip
        report = {"key": "report", "title": "Write a report", "checks": check}
        exercise = publish(objectives=[report], reference={})
        return ReviewItem.objects.create(
            attempt=Attempt.objects.create(exercise=exercise, trainee=trainee),
            objective=exercise.version.objectives.get(),
            check_id="words",
            criterion="cause",
            artefact="The rule is too wide.",
        )

    @pytest.fixture
    def graded(self, waiting):
        Attempt.objects.filter(pk=waiting.attempt_id).update(state=Attempt.State.GRADED)
        return waiting

    @pytest.mark.parametrize("reason", ["unreachable", "slow", "address", "refused"])
    def test_a_model_that_is_away_proposes_nothing_and_the_breaker_hears_of_it(
        self, waiting, reason
    ):
        with registry.using(Away(NOTHING, times=99, reason=reason)):
            for _ in range(FAILURES):
                assert services.judge(waiting.attempt) == []
            assert registry.breaker("hosted").is_open

    def test_an_answer_that_cannot_be_read_still_abstains(self, waiting):
        with registry.using(ScriptedChat("garbage", billions=8)):
            (proposal,) = services.judge(waiting.attempt)
        assert proposal.level is None

    def test_it_is_asked_again_later_and_then_proposes(self, graded, rested):
        with registry.using(Away(NOTHING, times=1)):
            assert services.take_up() == 0
            assert services.take_up() == 0
            rested(2 * REST)
            assert services.take_up() == 1
        graded.refresh_from_db()
        assert graded.proposal["reason"] == "Nothing is there."

    def test_it_is_asked_less_and_less_often(self, graded, rested):
        model = Away(times=99)
        with registry.using(model):
            for minute in range(24 * 60):
                services.take_up()
                assert model.tried <= 6 + minute // (LONGEST_REST // timedelta(minutes=1))
                rested(timedelta(minutes=1))
        assert model.tried >= 24

    def test_what_lies_for_days_or_waits_for_its_grade_is_not_asked_about(self, waiting, rested):
        with registry.using(Away(NOTHING, times=0)):
            assert services.take_up() == 0
            Attempt.objects.filter(pk=waiting.attempt_id).update(state=Attempt.State.GRADED)
            old = timezone.now() - JUDGED_WITHIN - timedelta(minutes=1)
            type(waiting).objects.filter(pk=waiting.pk).update(created_at=old)
            rested(REST)
            assert services.take_up() == 0


def test_a_server_that_does_not_start_is_said_and_tried_again(tmp_path, settings):
    pytest.importorskip("xllamacpp")
    import threading

    from tutor.management.commands.run_model import Command

    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"x" * 100)
    command = Command()
    command.folder, command.stopping = tmp_path, threading.Event()
    command._serve(broken)
    status = weights_status.read(tmp_path)
    assert status.state == "failed"
    assert "did not start" in status.message
