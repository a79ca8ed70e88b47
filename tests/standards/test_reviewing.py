"""Reviewers decide about alignments: who may, what stands then, the history, and undoing."""

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from range.competencies import services
from range.competencies.frameworks import alignments_of
from range.competencies.models import Alignment
from range.pipeline.exports import case
from range.standards import reviewing
from range.timeline.models import Event
from range.timeline.services import broken_at
from tests.standards.test_pages import LATER, official

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(db):
    services.load_starter()
    return Alignment.objects.select_related("skill").get(skill__key="analyse-logs", code="S0866")


@pytest.fixture
def post(client, row):
    def send(viewer, action, row=row, status=302, **data):
        client.force_login(viewer)
        row.refresh_from_db()
        form = {"seen": reviewing.stands(row), "action": action, **data}
        answer = client.post(reverse("decide-alignment", args=[row.pk]), form)
        assert answer.status_code == status, answer.content.decode()[-600:]
        row.refresh_from_db()
        return answer

    return send


def kinds(row):
    return [moment.kind for moment in reviewing.history(row)]


def test_an_approval_changes_the_relation_and_says_who_and_when(post, row, instructor):
    answer = post(instructor, "approve", relation="PART_OF", reason="Narrower than the id")
    assert (row.relation, row.review, row.reviewed_by) == ("PART_OF", "reviewed", instructor)
    (moment,) = reviewing.history(row)
    assert moment.who == instructor.shown_name
    assert (moment.change, moment.reason) == ("the same → part of", "Narrower than the id")
    place, _, fragment = answer.url.partition("#")
    assert fragment == "both"
    following = Alignment.objects.get(pk=place.strip("/").split("/")[-1])
    assert following.review == "unreviewed"


def test_a_rejection_needs_a_reason_and_counts_nowhere(post, row, instructor):
    post(instructor, "reject", reason="  ", status=400)
    assert row.review == "unreviewed"
    before = len(case.package()["CFAssociations"])
    post(instructor, "reject", reason="Another subject")
    assert row.review == "rejected"
    assert "nice:S0866" not in {
        each.code for each in alignments_of(["analyse-logs"])["analyse-logs"]
    }
    assert len(case.package()["CFAssociations"]) == before - 1
    services.load_starter()
    row.refresh_from_db()
    assert row.review == "rejected"


def test_undoing_goes_back_step_by_step_and_keeps_everything(post, row, instructor, administrator):
    post(instructor, "approve", relation="RELATED", reason="")
    approved_at = row.reviewed_at
    post(administrator, "reject", reason="No")
    post(instructor, "undo")
    assert (row.review, row.reviewed_by, row.reviewed_at, row.relation) == (
        "reviewed", instructor, approved_at, "RELATED",
    )  # fmt: skip
    post(administrator, "undo")
    assert (row.review, row.relation, row.reviewed_at) == ("unreviewed", "EXACT", None)
    post(instructor, "undo", status=409)
    assert kinds(row) == [
        "alignment.undone", "alignment.undone", "alignment.rejected", "alignment.approved",
    ]  # fmt: skip
    assert [moment.is_undone for moment in reviewing.history(row)] == [False, False, True, True]
    assert broken_at(row.skill_id) is None


def test_after_undoing_a_new_decision_can_be_undone_too(post, row, instructor):
    post(instructor, "approve", relation="EXACT")
    post(instructor, "undo")
    post(instructor, "reject", reason="No")
    post(instructor, "undo")
    assert row.review == "unreviewed"
    assert not reviewing.can_undo(row)


def test_the_history_can_be_neither_changed_nor_deleted(post, row, instructor):
    post(instructor, "approve", relation="EXACT")
    events = Event.objects.filter(attempt_id=row.skill_id)
    for attack in (lambda: events.update(actor="x"), lambda: events._raw_delete("default")):
        with pytest.raises(DatabaseError), transaction.atomic():
            attack()
    assert kinds(row) == ["alignment.approved"]


def test_who_saw_an_earlier_state_decides_nothing(post, row, instructor, administrator):
    seen = reviewing.stands(row)
    post(instructor, "approve", relation="EXACT")
    answer = post(administrator, "reject", reason="No", seen=seen, status=409)
    assert b"Somebody decided meanwhile" in answer.content
    assert row.review == "reviewed"


@pytest.mark.parametrize("relation", ["", "SAME", "exact", "EXACT\0"])
def test_an_unknown_relation_is_refused(post, row, instructor, relation):
    post(instructor, "approve", relation=relation, status=400)
    assert row.review == "unreviewed"


@pytest.mark.parametrize("action", ["", "delete"])
def test_an_unknown_action_is_missing(post, row, instructor, action):
    post(instructor, action, status=404)


@pytest.mark.parametrize("who", ["trainee", "assessor"])
def test_nobody_else_reviews_or_sees_the_list(request, client, post, row, who):
    viewer = request.getfixturevalue(who)
    for action in ("approve", "reject", "undo", "propose"):
        post(viewer, action, relation="EXACT", reason="x", code="S0641", status=403)
    for address in (reverse("alignments"), reverse("alignment", args=[row.pk])):
        assert client.get(address).status_code == 403
    assert row.review == "unreviewed"
    assert not Event.objects.filter(attempt_id=row.skill_id).exists()


def test_an_alignment_that_is_not_there_is_missing(client, row, instructor):
    client.force_login(instructor)
    for number in (0, 10**30):
        assert client.get(reverse("alignment", args=[number])).status_code == 404
        answer = client.post(reverse("decide-alignment", args=[number]), {"action": "undo"})
        assert answer.status_code == 404


def test_a_successor_is_proposed_for_somebody_else_to_approve(
    client, post, row, instructor, administrator
):
    official("2.1.0")
    official("2.2.0", LATER)
    lost = Alignment.objects.filter(code="T1118").select_related("skill").first()
    client.force_login(instructor)
    shown = client.get(reverse("alignment", args=[lost.pk])).content.decode()
    assert "Propose T9118" in shown
    post(instructor, "propose", row=lost, code="T9118")
    made = Alignment.objects.get(skill=lost.skill, code="T9118")
    assert (made.framework_version, made.review) == ("2.2.0", "unreviewed")
    assert made.author == instructor.shown_name
    assert lost.review == "unreviewed"
    post(instructor, "propose", row=lost, code="T9118", status=409)
    post(instructor, "propose", row=lost, code="T0000", status=400)
    answer = post(instructor, "approve", row=made, relation="EXACT", status=403)
    assert b"You proposed this alignment yourself" in answer.content
    post(administrator, "approve", row=made, relation="EXACT")
    assert made.review == "reviewed"


def test_the_list_is_parted_searched_and_paged(client, post, row, instructor):
    post(instructor, "approve", relation="EXACT")

    def said(**query):
        return client.get(reverse("alignments"), query).content.decode()

    assert "Before" not in said()
    assert "Page 2 of" in said(page="2")
    assert "Analyse logs" in said(show="reviewed")
    assert "No alignment here has all" in said(show="reviewed", q="traffic")
    assert "Nothing here yet" in said(show="rejected")
    assert "Every aligned id is in the release in use" in said(show="astray")
    official("2.2.0", LATER)
    assert "not in the release in use" in said(show="astray")


def test_a_round_goes_through_all_that_wait_both_ways_and_tells_where_one_is(
    client, post, row, instructor
):
    client.force_login(instructor)
    waiting = list(
        Alignment.objects.order_by("skill__name", "framework", "code").values_list("pk", flat=True)
    )

    def at(pk):
        return client.get(reverse("alignment", args=[pk])).context["page"].round

    seen, pk = [], waiting[0]
    assert at(pk).previous is None
    while pk not in seen:
        now = at(pk)
        seen.append(pk)
        assert (now.place, now.waiting) == (len(seen), len(waiting))
        pk = now.following
    assert seen == waiting
    post(instructor, "reject", reason="Another subject")
    here, here_was = at(row.pk), waiting.index(row.pk)
    assert (here.place, here.waiting) == (0, len(waiting) - 1)
    assert (here.previous, here.following) == (waiting[here_was - 1], waiting[here_was + 1])
    assert at(waiting[here_was + 1]).previous == waiting[here_was - 1]
    Alignment.objects.exclude(pk=row.pk).update(reviewed_by=instructor, reviewed_at=timezone.now())
    assert (at(row.pk).waiting, at(row.pk).following) == (0, None)


def test_a_reason_is_shown_as_text(client, post, row, instructor):
    post(instructor, "reject", reason="<b>No</b>\0")
    shown = client.get(reverse("alignment", args=[row.pk])).content.decode()
    assert "&lt;b&gt;No&lt;/b&gt;" in shown
