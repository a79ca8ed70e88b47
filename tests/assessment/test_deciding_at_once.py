"""Two who decide about one attempt at once: the second waits for the first, and both are kept."""

import threading

import pytest
from django.db import connection

from range.assessment import grading, services
from range.assessment.appeals import answer, contest
from range.assessment.models import Appeal, Decision, Evidence, Grade, ReviewItem
from range.assessment.overruling import overrule
from range.assessment.provenance import problems_of
from range.assessment.status import status_of
from range.exercises.models import Attempt
from range.exercises.services import finish
from tests.support.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
WHY = "The file was removed in front of me."


@pytest.fixture
def graded(attempt, handle, driver, hand_in, flag, write_report, instructor):
    """A graded attempt whose hole is open, with one of two criteria decided."""
    hand_in(flag())
    hand_in("red", check="colour")
    write_report("The hole in /etc/hole was left open. Remove it.\n" * 3)
    finish(attempt.pk, reason="finished", actor="range")
    services.collect(attempt, driver)
    Attempt.objects.filter(pk=attempt.pk).update(state=Attempt.State.GRADED)
    attempt.refresh_from_db()
    services.decide(item("remedy"), person=instructor, level=1, note="")
    return attempt


@pytest.fixture
def hole(graded):
    return Evidence.objects.get(attempt=graded, kind="file", superseded_by=None)


def item(criterion):
    return ReviewItem.objects.get(criterion=criterion)


class Meeting:
    """Holds the first of two up until the second has ended, or waits for the first."""

    def __init__(self):
        self._here, self._ended, self.raised = threading.Event(), threading.Event(), []

    def stop_here(self):
        self._here.set()
        until(lambda: self._ended.is_set() or self._waits(), "the second one never came")

    def run(self, first, second):
        threads = [
            threading.Thread(target=self._run, args=(first,)),
            threading.Thread(target=self._run, args=(self._later(second),)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=90)
        assert self.raised == []

    def _later(self, work):
        def run():
            assert self._here.wait(60)
            try:
                work()
            finally:
                self._ended.set()

        return run

    def _run(self, work):
        try:
            work()
        except Exception as error:
            self.raised.append(error)
        finally:
            connection.close()

    @staticmethod
    def _waits():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
            return cursor.fetchone()


@pytest.fixture
def meeting(monkeypatch):
    """Let the second one come right after `name` of the grading module has run once."""

    def at(name):
        made, work, stopped = Meeting(), getattr(grading, name), []

        def stopping(*args, **kwargs):
            found = work(*args, **kwargs)
            if not stopped:
                stopped.append(name)
                made.stop_here()
            return found

        monkeypatch.setattr(grading, name, stopping)
        return made

    return at


@pytest.mark.parametrize("other", ["contest", "answer", "overrule"])
def test_a_criterion_is_decided_while_somebody_decides_about_the_same_attempt(
    graded, hole, trainee, instructor, meeting, other
):
    if other == "answer":
        contest(trainee, evidence_id=hole.pk, words="I closed it.")
    appeal = Appeal.objects.first()
    others = {
        "contest": lambda: contest(trainee, evidence_id=hole.pk, words="I closed it."),
        "answer": lambda: answer(instructor, appeal_id=appeal.pk, choice="MET", words=WHY),
        "overrule": lambda: overrule(hole.pk, person=instructor, outcome="MET", reason=WHY),
    }
    # Its event is written: nobody else can write one of this attempt now.
    meeting("record").run(
        lambda: services.decide(item("cause"), person=instructor, level=2, note="seen"),
        others[other],
    )
    assert Decision.objects.count() == 2
    assert Appeal.objects.count() == (other != "overrule")
    assert Evidence.objects.filter(supersedes=hole).exists() is (other != "contest")
    assert problems_of(graded) == []


def test_the_newest_grade_tells_of_the_newest_record(graded, hole, instructor, meeting):
    before = Grade.objects.count()
    # The evidence is read, the grade not yet written.
    meeting("status_of").run(
        lambda: services.grade(Attempt.objects.get(pk=graded.pk)),
        lambda: overrule(hole.pk, person=instructor, outcome="MET", reason=WHY),
    )
    assert Grade.objects.count() == before + 2
    told = services.latest_grade(graded).detail["objectives"]
    assert [line["outcome"] for line in told] == [str(each.outcome) for each in status_of(graded)]
