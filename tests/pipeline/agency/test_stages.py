"""Stages and notes: append-only, undone by a further entry, seen by both sides, gone at once."""

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from range.accounts.models import Consent, Membership, Organisation
from range.pipeline.agency.stages import PlacingRefused, desks_of, place, undo
from range.pipeline.models import Candidacy, CandidacyEntry
from tests.pipeline.test_at_once import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(candidate):
    return candidate("ann")


@pytest.fixture
def move(assessor, agency, ann):
    def make(was, stage, *, viewer=assessor, reason="EVIDENCE", note="", whom=ann, of=agency):
        return place(
            viewer,
            agency_id=of.pk,
            trainee_id=whom.pk,
            was=was,
            stage=stage,
            reason=reason,
            note=note,
        )

    return make


def stage(person):
    return Candidacy.objects.get(trainee=person).stage


def test_moves_and_notes_are_entries_with_who_when_and_why(ann, assessor, move):
    move("", "INVITED", reason="VACANCY")
    move("INVITED", "ASSESSED", note="Second attempt, without help.")
    move("ASSESSED", "ASSESSED", reason="CONVERSATION", note="Can begin in May.")
    assert stage(ann) == "ASSESSED"
    desk = desks_of(ann, viewer=assessor)[0]
    told = [(each.number, each.before, each.after, each.reason) for each in desk.entries]
    assert told == [
        (3, "ASSESSED", "ASSESSED", "CONVERSATION"),
        (2, "INVITED", "ASSESSED", "EVIDENCE"),
        (1, "", "INVITED", "VACANCY"),
    ]
    assert {each.by for each in desk.entries} == {assessor}


def test_the_newest_is_undone_by_a_further_entry_and_both_stay(ann, assessor, move):
    move("", "INVITED")
    wrong = move("INVITED", "HIRED")
    undo(assessor, entry_id=wrong.pk)
    assert stage(ann) == "INVITED"
    with pytest.raises(PlacingRefused):
        undo(assessor, entry_id=wrong.pk)
    first = desks_of(ann, viewer=assessor)[0].last
    assert first.number == 1
    undo(assessor, entry_id=first.pk)
    assert stage(ann) == ""
    assert CandidacyEntry.objects.count() == 4
    assert desks_of(ann, viewer=assessor)[0].last is None


def test_entries_can_be_neither_changed_deleted_nor_truncated(move):
    entry = move("", "INVITED")
    from django.db import connection

    connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")
    for attempt in (
        lambda: CandidacyEntry.objects.filter(pk=entry.pk).update(note="else"),
        lambda: CandidacyEntry.objects.filter(pk=entry.pk)._raw_delete("default"),
        lambda: connection.cursor().execute("TRUNCATE pipeline_candidacyentry CASCADE"),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            attempt()


def test_two_who_decide_at_once_do_not_overwrite_each_other(ann, move):
    move("", "INVITED")
    move("INVITED", "PRACTISING")
    with pytest.raises(PlacingRefused) as refused:
        move("INVITED", "HIRED")
    assert refused.value.reason == "candidacy-late"
    assert stage(ann) == "PRACTISING"
    assert CandidacyEntry.objects.count() == 2


@pytest.mark.parametrize(
    ("was", "to", "more", "reason"),
    [("", "", {}, "candidacy-nothing"), ("", "LOST", {}, "candidacy-choice"),
     ("", "HIRED", {"reason": "BECAUSE"}, "candidacy-choice"),
     ("\0", "HIRED", {}, "candidacy-choice"),
     ("", "HIRED", {"reason": "OTHER", "note": " "}, "candidacy-reason"),
     ("INVITED", "", {}, "candidacy-choice"), ("INVITED", "", {"note": "x"}, "candidacy-choice")],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(move, was, to, more, reason):
    with pytest.raises(PlacingRefused) as refused:
        move(was, to, **more)
    assert refused.value.reason == reason
    assert not CandidacyEntry.objects.exists()


def test_only_assessors_of_an_agency_with_consent_may(
    move, ann, candidate, person, instructor, agency
):
    west = Organisation.objects.create(slug="west", name="West", kind="AGENCY")
    stranger = person("sid", west, Membership.Role.ASSESSOR)
    never = candidate("never", agrees=False)
    for more in (
        {"viewer": stranger},
        {"viewer": instructor},
        {"viewer": ann},
        {"viewer": stranger, "of": west},
        {"whom": never},
    ):
        with pytest.raises(PlacingRefused) as refused:
            move("", "HIRED", **more)
        assert refused.value.status == 404
    assert not Candidacy.objects.exists()


def test_without_consent_the_agency_sees_and_does_nothing_and_the_candidate_still_reads(
    client, move, ann, assessor
):
    entry = move("", "REFERRED", note="Sent to the hospital board.")
    Consent.objects.filter(trainee=ann).update(revoked_at=timezone.now())
    assert desks_of(ann, viewer=assessor) == []
    with pytest.raises(PlacingRefused):
        undo(assessor, entry_id=entry.pk)
    client.force_login(assessor)
    assert client.get(reverse("person", args=[ann.pk])).status_code == 404
    assert client.get(reverse("candidates"), {"stage": "REFERRED"}).context["grid"].rows == []
    client.force_login(ann)
    own = client.get(reverse("my-skills")).content.decode()
    assert "Sent to the hospital board." in own
    assert "Referred" in own
    assert "Undo the newest" not in own


def test_the_page_moves_notes_and_undoes(client, assessor, ann, agency, starter):
    client.force_login(assessor)
    form = {"agency": str(agency.pk), "was": "", "stage": "INVITED", "reason": "VACANCY"}
    answer = client.post(reverse("place-candidate", args=[ann.pk]), form | {"note": "<b>Hi</b>"})
    assert answer.url.endswith(f"{ann.pk}/#stages")
    page = client.get(reverse("person", args=[ann.pk])).content.decode()
    assert "&lt;b&gt;Hi&lt;/b&gt;" in page
    assert "A post opened or was filled" in page
    client.post(reverse("undo-entry", args=[CandidacyEntry.objects.get().pk]))
    assert stage(ann) == ""
    late = client.post(reverse("place-candidate", args=[ann.pk]), form | {"was": "HIRED"})
    assert late.status_code == 409


def test_nobody_is_moved_back_to_none_but_by_an_undo(ann, move):
    move("", "INVITED")
    with pytest.raises(PlacingRefused):
        move("INVITED", "")
    assert stage(ann) == "INVITED"


@pytest.mark.django_db(transaction=True)
def test_a_note_that_two_undo_at_once_is_undone_once(move, assessor):
    note = move("", "", note="Speaks Portuguese.")
    raised = at_once(lambda: undo(assessor, entry_id=note.pk))
    assert [type(each) for each in raised] == [PlacingRefused] * 3
    assert {each.reason for each in raised} == {"candidacy-late"}
    assert CandidacyEntry.objects.get(undoes=note).number == 2


def test_instructors_see_nothing_of_an_agencys_notes(move, ann, instructor, candidate):
    move("", "INVITED", note="Ours.")
    assert desks_of(ann, viewer=instructor) == []
