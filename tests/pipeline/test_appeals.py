"""Correction and appeal: contested by the trainee, answered by staff, a new record, seen by all."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.urls import reverse
from django.utils import timezone

from range.accounts.models import Consent
from range.assessment.appeals import AppealRefused, answer, contest
from range.assessment.models import Appeal, Evidence, Grade
from range.assessment.overruling import overrule
from range.assessment.provenance import problems_of
from range.management.commands.run_worker import refresh_reviewed
from range.pipeline.log import read_log
from range.pipeline.models import SkillEstimate
from range.pipeline.rebuild import differences
from range.pipeline.services import refresh

pytestmark = pytest.mark.django_db


@pytest.fixture
def missed(trainee, publish, finished, judged, starter):
    """A record that says the way was not closed, made after a hint on rung 2."""
    attempt = finished(trainee, publish())
    judged(attempt, "mend", "kept")
    return judged(attempt, "mend", "gone", "UNMET", hint_rung=2, excerpt="/etc/hole is there")


def test_a_corrected_record_supersedes_and_keeps_moment_hints_and_excerpt(
    trainee, instructor, missed
):
    appeal = contest(trainee, evidence_id=missed.pk, words="It is a link to nowhere.")
    answered = answer(
        instructor, appeal_id=appeal.pk, choice="MET", words="True: it leads nowhere."
    )
    row = answered.outcome
    assert answered.state == Appeal.State.CORRECTED
    assert (row.supersedes_id, row.outcome, row.score) == (missed.pk, "MET", 1.0)
    assert (row.observed_at, row.hint_rung, row.excerpt) == (
        missed.observed_at,
        2,
        "/etc/hole is there",
    )
    assert (row.source, row.judged_by) == ("PERSON", instructor)
    assert Evidence.objects.get(pk=missed.pk).outcome == "UNMET"
    assert problems_of(missed.attempt) == []
    counted = {each for item in read_log(trainee).traced for each in item.evidence_ids}
    assert str(row.pk) in counted
    assert str(missed.pk) not in counted
    assert Grade.objects.filter(attempt=missed.attempt).exists()


def test_an_upheld_record_is_superseded_by_one_that_says_the_same(trainee, instructor, missed):
    appeal = contest(trainee, evidence_id=missed.pk, words="No.")
    row = answer(instructor, appeal_id=appeal.pk, choice="KEEP", words="It is there.").outcome
    assert (row.outcome, row.score, row.reason) == ("UNMET", 0.0, "appeal-upheld")
    assert row.detail == {"contested": "No.", "reason_given": "It is there."}
    assert problems_of(missed.attempt) == []


def test_only_the_trainee_contests_and_only_once(
    trainee, other_trainee, instructor, assessor, agency, missed
):
    Consent.objects.create(trainee=trainee, agency=agency)
    for viewer in (other_trainee, instructor, assessor):
        with pytest.raises(AppealRefused) as refused:
            contest(viewer, evidence_id=missed.pk, words="No.")
        assert refused.value.status == 404
    with pytest.raises(AppealRefused):
        contest(trainee, evidence_id=missed.pk, words=" \0 ")
    contest(trainee, evidence_id=missed.pk, words="No.")
    with pytest.raises(AppealRefused) as refused:
        contest(trainee, evidence_id=missed.pk, words="No!")
    assert refused.value.reason == "appeal-closed"
    assert Appeal.objects.count() == 1


def test_an_outcome_is_final_and_an_open_attempt_cannot_be_contested(
    trainee, instructor, missed, publish, finished, judged
):
    appeal = contest(trainee, evidence_id=missed.pk, words="No.")
    row = answer(instructor, appeal_id=appeal.pk, choice="KEEP", words="Yes.").outcome
    under_way = judged(finished(trainee, publish("other"), state="ACTIVE"), "mend", "gone")
    for each in (row, under_way):
        with pytest.raises(AppealRefused):
            contest(trainee, evidence_id=each.pk, words="Still no.")


def test_nobody_answers_for_themselves_twice_without_a_reason_or_from_elsewhere(
    trainee, other_trainee, instructor, assessor, missed
):
    appeal = contest(trainee, evidence_id=missed.pk, words="No.")
    for viewer in (trainee, other_trainee, assessor):
        with pytest.raises(AppealRefused) as refused:
            answer(viewer, appeal_id=appeal.pk, choice="MET", words="Yes.")
        assert refused.value.status == 404
    for choice, words in (("MET", ""), ("BEST", "Yes.")):
        with pytest.raises(AppealRefused):
            answer(instructor, appeal_id=appeal.pk, choice=choice, words=words)
    answer(instructor, appeal_id=appeal.pk, choice="MET", words="Yes.")
    with pytest.raises(AppealRefused) as refused:
        answer(instructor, appeal_id=appeal.pk, choice="UNMET", words="No.")
    assert refused.value.reason == "appeal-late"
    assert Evidence.objects.filter(supersedes=missed).count() == 1


def test_whoever_sees_the_figure_sees_that_it_is_contested_and_the_answer(
    client, trainee, instructor, assessor, agency, missed
):
    Consent.objects.create(trainee=trainee, agency=agency)
    refresh(trainee)
    client.force_login(trainee)
    page = reverse("evidence", args=[missed.pk])
    assert "Is this record wrong?" in client.get(page).content.decode()
    client.post(reverse("contest-evidence", args=[missed.pk]), {"words": "<i>Look</i> again."})
    for viewer in (trainee, instructor, assessor):
        client.force_login(viewer)
        shown = client.get(page).content.decode()
        assert "&lt;i&gt;Look&lt;/i&gt; again." in shown
        assert ("Your answer" in shown) is (viewer == instructor)
    skill = reverse("person-skill", args=[trainee.pk, "harden-privilege-rules"])
    for address in (reverse("candidates"), skill):
        assert "1 contested" in client.get(address).content.decode()
    client.force_login(instructor)
    assert page in client.get(reverse("review-queue")).content.decode()
    appeal = Appeal.objects.get()
    answered = client.post(
        reverse("answer-appeal", args=[appeal.pk]), {"choice": "MET", "words": "You are right."}
    )
    outcome = Evidence.objects.get(supersedes=missed)
    assert answered.url == reverse("evidence", args=[outcome.pk])
    refresh(trainee)
    for viewer in (trainee, assessor):
        client.force_login(viewer)
        for address in (page, reverse("evidence", args=[outcome.pk])):
            assert "You are right." in client.get(address).content.decode()
    assert "1 contested" not in client.get(reverse("candidates")).content.decode()
    assert "the record was corrected" in client.get(skill).content.decode()


def test_a_record_that_was_upheld_stands_until_the_answer_is_overruled(
    client, trainee, instructor, missed
):
    appeal = contest(trainee, evidence_id=missed.pk, words="No.")
    upheld = answer(instructor, appeal_id=appeal.pk, choice="KEEP", words="It is there.").outcome
    client.force_login(trainee)

    def page(row):
        return " ".join(client.get(reverse("evidence", args=[row.pk])).content.decode().split())

    assert "This record stands" in page(missed)
    assert "Open the answer's record" in page(missed)
    assert "It counts in place of" in page(upheld)
    overrule(upheld.pk, person=instructor, outcome="MET", reason="It leads nowhere after all.")
    for row in (missed, upheld):
        assert "This record stands" not in page(row)
        assert "counts in its place" not in page(row)
        assert "It counts in place of" not in page(row)
        assert "This record was corrected" in page(row)
    assert "Open the answer's record" in page(missed)


def test_the_nightly_comparison_waits_for_the_worker(trainee, instructor, missed):
    refresh(trainee)
    appeal = contest(trainee, evidence_id=missed.pk, words="No.")
    answer(instructor, appeal_id=appeal.pk, choice="MET", words="Yes.")
    assert differences(trainee) == []
    before = SkillEstimate.objects.get(
        trainee=trainee, skill__key="harden-privilege-rules", assessed_only=False
    ).mean
    refresh(trainee)
    after = SkillEstimate.objects.get(
        trainee=trainee, skill__key="harden-privilege-rules", assessed_only=False
    ).mean
    assert after > before
    assert differences(trainee) == []


def test_the_worker_brings_estimates_up_to_the_answer(trainee, instructor, missed):
    told = timezone.now() - timedelta(hours=1)
    apps.get_model("tutor.Debrief").objects.create(attempt=missed.attempt, written_at=told)
    appeal = contest(trainee, evidence_id=missed.pk, words="No.")
    refresh_reviewed()
    assert not SkillEstimate.objects.exists()
    answer(instructor, appeal_id=appeal.pk, choice="MET", words="Yes.")
    refresh_reviewed()
    assert SkillEstimate.objects.filter(skill__key="harden-privilege-rules").exists()


def test_overruled_evidence_is_as_old_as_what_was_seen(trainee, instructor, missed):
    """A decision taken today about work of a year ago is no younger evidence."""
    refresh(trainee)
    rows = SkillEstimate.objects.filter(trainee=trainee, assessed_only=False)
    known = dict(rows.values_list("skill__key", "last_observed_at"))
    overrule(missed.pk, person=instructor, outcome="MET", reason="It was closed after all.")
    # The worker has not been there: the nightly comparison waits for it.
    assert differences(trainee) == []
    refresh(trainee)
    assert dict(rows.values_list("skill__key", "last_observed_at")) == known
    assert differences(trainee) == []
