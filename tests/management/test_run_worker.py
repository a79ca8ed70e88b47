"""The worker: collected attempts are graded, later decisions reach debrief and estimates."""

import threading

import pytest
from django.utils import timezone

from range.assessment.grading import decide
from range.assessment.models import Grade, ReviewItem
from range.exercises.models import Attempt
from range.management.commands import run_worker
from tutor import uploads
from tutor.models import Debrief
from tutor.providers import registry
from tutor.uploads import Given

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_model():
    with registry.using(None):
        yield


@pytest.fixture
def collected(attempt):
    Attempt.objects.filter(pk=attempt.pk).update(
        state=Attempt.State.COLLECTED, finished_at=timezone.now()
    )
    attempt.refresh_from_db()
    return attempt


@pytest.fixture
def waiting(collected, version):
    """The criteria of a report that nobody judged yet."""
    return [
        ReviewItem.objects.create(
            attempt=collected,
            objective=version.objectives.get(key="report"),
            check_id="report",
            criterion=criterion,
            artefact="A report.",
        )
        for criterion in ("cause", "remedy")
    ]


def state_of(attempt):
    return Attempt.objects.get(pk=attempt.pk).state


def test_a_collected_attempt_gets_its_grade_and_its_account(collected):
    run_worker.complete_all()
    assert state_of(collected) == Attempt.State.GRADED
    assert Grade.objects.filter(attempt=collected).exists()
    assert Debrief.objects.filter(attempt=collected).exists()


def test_doing_it_again_changes_nothing(collected):
    run_worker.complete_all()
    before = Debrief.objects.get().written_at
    run_worker.complete_all()
    run_worker.refresh_reviewed()
    assert Debrief.objects.get().written_at == before


def test_one_that_cannot_be_completed_stays_and_holds_up_nobody(
    collected, other_trainee, exercise, monkeypatch
):
    other = Attempt.objects.create(
        exercise=exercise,
        trainee=other_trainee,
        state=Attempt.State.COLLECTED,
        finished_at=timezone.now(),
    )
    judge = run_worker.tutor.judge

    def fail_for_the_first(attempt):
        if attempt.pk == collected.pk:
            raise RuntimeError("no model of this world")
        return judge(attempt)

    monkeypatch.setattr(run_worker.tutor, "judge", fail_for_the_first)
    run_worker.complete_all()
    assert state_of(collected) == Attempt.State.COLLECTED
    assert state_of(other) == Attempt.State.GRADED
    monkeypatch.setattr(run_worker.tutor, "judge", judge)
    run_worker.complete_all()
    assert state_of(collected) == Attempt.State.GRADED


def test_a_decision_is_found_although_its_wake_was_lost(waiting, collected, instructor):
    run_worker.complete_all()
    assert "waits for an instructor" in str(Debrief.objects.get().sections)
    for item in waiting:
        decide(item, person=instructor, level=2, note="")
    run_worker.refresh_reviewed()
    assert "waits for an instructor" not in str(Debrief.objects.get().sections)
    assert not ReviewItem.objects.filter(state=ReviewItem.State.OPEN).exists()


def test_a_refresh_that_fails_is_tried_again(waiting, instructor, monkeypatch):
    run_worker.complete_all()
    decide(waiting[0], person=instructor, level=1, note="")
    refresh = run_worker.pipeline.refresh
    monkeypatch.setattr(run_worker.tutor, "debrief", lambda attempt: 1 / 0)
    run_worker.refresh_reviewed()
    monkeypatch.undo()
    done = []
    monkeypatch.setattr(
        run_worker.pipeline, "refresh", lambda trainee: done.append(trainee) or refresh(trainee)
    )
    run_worker.refresh_reviewed()
    assert len(done) == 1


def test_the_role_ends_when_it_is_told_to():
    ended = threading.Event()
    ended.set()
    run_worker.Command().run(ended)


class EndsLater(threading.Event):
    """Lets the role go round once, with one look between two handfuls of passages."""

    asked = 0

    def is_set(self):
        self.asked += 1
        return self.asked > 3


def test_what_instructors_gave_is_embedded_while_grading_goes_first(
    collected, school, instructor, monkeypatch
):
    class Vectors:
        name = "made-up"

        def embed(self, texts):
            assert state_of(collected) == Attempt.State.GRADED
            return [[1.0] + [0.0] * 383 for _ in texts]

    monkeypatch.setattr(registry, "embedding", Vectors)
    given = Given(text="# Notes\n\nThey are read.", version="1", license="Ours", min_rung=1)
    source = uploads.keep(uploads.take(instructor, school, given), viewer=instructor)
    run_worker.Command().run(EndsLater())
    assert source.chunks.get().embedding_model == "made-up+views2"
