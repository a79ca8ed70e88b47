"""Retention: each sort as long as the operator says, signed tombstones, scores untouched."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from range.assessment import services
from range.assessment.evidence import evidence_of
from range.assessment.models import Appeal, Evidence, ReviewItem
from range.assessment.provenance import problems_of
from range.assessment.retention import erase_due, subject_of
from range.console.erasure import remove_erased
from range.console.models import Recording
from range.console.services import recordings_folder
from range.exercises.models import Attempt
from range.timeline import tombstones
from range.timeline.services import events_of
from tests.assessment.test_provenance import worked  # noqa: F401

pytestmark = pytest.mark.django_db
NOTHING = dict.fromkeys(("recordings", "submissions", "reports", "payloads"), 0)


@pytest.fixture
def old(worked, instructor, trainee):  # noqa: F811
    """An attempt graded a hundred days ago, about which nothing waits, with a recording."""
    for item in worked.review_items.filter(state=ReviewItem.State.OPEN):
        services.decide(item, person=instructor, level=1, note="")
    long_ago = timezone.now() - timedelta(days=100)
    Attempt.objects.filter(pk=worked.pk).update(graded_at=long_ago)
    recording = Recording.objects.create(
        sandbox=worked.sandboxes.first(),
        machine="box",
        opened_by=trainee,
        path=f"{worked.pk}/one.cast",
        ended_at=long_ago,
        size_bytes=5,
        sha256="a" * 64,
    )
    path = recordings_folder() / recording.path
    path.parent.mkdir(parents=True)
    path.write_text("typed")
    worked.refresh_from_db()
    return worked


def scores(attempt):
    return list(evidence_of(attempt).values_list("pk", "outcome", "score", "sha256", "hint_rung"))


def test_nothing_is_erased_unless_the_operator_says_so(old, settings):
    assert settings.RANGE_KEEP_DAYS == NOTHING
    assert erase_due() == {}
    assert not Recording.objects.exclude(erased_at=None).exists()


@pytest.mark.parametrize("sort", sorted(NOTHING))
def test_each_sort_goes_alone_and_only_once_it_was_kept_long_enough(old, settings, sort):
    settings.RANGE_KEEP_DAYS = NOTHING | {sort: 101}
    assert erase_due() == {}
    settings.RANGE_KEEP_DAYS = NOTHING | {sort: 99}
    before = scores(old)
    assert set(erase_due()) == {sort}
    gone = {
        "recordings": Recording.objects.filter(erased_at=None).exists(),
        "submissions": old.submissions.exclude(value="").exists(),
        "reports": old.review_items.exclude(artefact="").exists(),
        "payloads": Evidence.objects.exclude(content__excerpt="").exists(),
    }
    assert [name for name, left in gone.items() if not left] == [sort]
    assert scores(old) == before
    assert problems_of(old) == []
    told = events_of(old.pk, kinds=["payloads.erased"]).last().payload
    assert "99 days" in told["reason"]
    assert erase_due() == {}


def test_tombstones_name_what_was_there_and_cannot_be_moved(old, settings):
    submission = old.submissions.exclude(value="").first()
    text = submission.value
    settings.RANGE_KEEP_DAYS = NOTHING | {"submissions": 1, "recordings": 1}
    erase_due()
    submission.refresh_from_db()
    assert tombstones.holds(submission.tombstone, of=subject_of(submission, text=text))
    assert not tombstones.holds(submission.tombstone, of=subject_of(submission, text="other"))
    assert submission.value_digest == ""
    recording = Recording.objects.get()
    Recording.objects.update(tombstone=recording.tombstone | {"reason": "x"})
    assert problems_of(old) == [f"recording {recording.pk} was erased without a valid tombstone"]


def test_an_erased_recording_plays_no_more_and_its_file_goes(client, old, settings, trainee):
    recording = Recording.objects.get()
    path = recordings_folder() / recording.path
    settings.RANGE_KEEP_DAYS = NOTHING | {"recordings": 1}
    erase_due()
    client.force_login(trainee)
    answer = client.get(reverse("recording", args=[recording.pk]))
    assert answer.status_code == 410
    assert "Scores and evidence stay" in answer.content.decode()
    assert client.get(reverse("replay", args=[old.pk])).status_code == 200
    assert path.exists()
    assert remove_erased() == 1
    assert not path.exists()
    assert remove_erased() == 0


def test_what_waits_for_a_person_is_kept_whole(old, settings):
    settings.RANGE_KEEP_DAYS = dict.fromkeys(NOTHING, 1)
    counts = old.evidence.filter(superseded_by=None).first()
    appeal = Appeal.objects.create(evidence=counts, words="No.")
    assert erase_due() == {}
    appeal.delete()
    item = old.review_items.first()
    ReviewItem.objects.filter(pk=item.pk).update(state=ReviewItem.State.OPEN)
    assert erase_due() == {}
    ReviewItem.objects.filter(pk=item.pk).update(state=ReviewItem.State.DECIDED)
    assert set(erase_due()) == set(NOTHING)


def test_one_that_does_not_verify_is_left_and_holds_up_no_other(old, settings, monkeypatch):
    settings.RANGE_KEEP_DAYS = NOTHING | {"payloads": 1, "submissions": 1}
    monkeypatch.setattr("range.assessment.provenance.problems_of", lambda attempt: ["broken"])
    assert erase_due() == {"submissions": 2, "payloads": 0}
    assert Evidence.objects.exclude(content__excerpt="").exists()


def test_the_worker_does_it_once_a_night(old, settings, monkeypatch):
    from range.management.commands import run_worker

    calls = []
    monkeypatch.setattr(run_worker, "erase_due", lambda between: calls.append(between))
    for name in ("complete_all", "refresh_reviewed", "refresh_difficulties"):
        monkeypatch.setattr(run_worker, name, lambda: None)

    class Rounds:
        """Ends after three rounds."""

        left = 4

        def is_set(self):
            self.left -= 1
            return self.left == 0

    settings.RANGE_SWEEP_SECONDS = 0.01
    run_worker.Command().run(Rounds())
    assert len(calls) == 1
