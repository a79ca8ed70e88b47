"""The review pages, as an instructor and as everybody else meets them."""

import uuid

import pytest

from range.accounts.models import AccessRecord, Membership, Organisation
from range.assessment import judges
from range.assessment.models import Decision, Evidence, ReviewItem
from range.timeline.models import Event

pytestmark = pytest.mark.django_db
JUDGE = "big 12345678"


@pytest.fixture
def item(attempt, version):
    return ReviewItem.objects.create(
        attempt=attempt,
        objective=version.objectives.get(key="report"),
        check_id="report",
        criterion="cause",
        artefact="First <b>line</b>\nSecond line",
        proposal={
            "level": 1,
            "reason": "Half of it.",
            "spans": [{"from": 2, "to": 2}],
            "model": "big",
            "judge": JUDGE,
        },
    )


@pytest.fixture
def remedy(item):
    """The other criterion of the same report."""
    return ReviewItem.objects.create(
        attempt=item.attempt, objective=item.objective, check_id="report", criterion="remedy"
    )


@pytest.fixture
def shown(item, decided):
    """An item whose proposal may be seen: its judge agrees, and it is none of those kept back."""
    decided(item, JUDGE, [(0, 0), (2, 2), (1, 1), (2, 1)] * 5)
    while item.pk.int % judges.UNSEEN_ONE_IN == 0:
        item.delete()
        item.pk = uuid.uuid4()
        item.save(force_insert=True)
    return item


def test_an_instructor_sees_what_waits(client, instructor, item):
    client.force_login(instructor)
    page = client.get("/review/").content.decode()
    assert "tia" in page
    assert f"/review/{item.pk}/" in page


def test_an_empty_queue_says_what_will_come(client, instructor):
    client.force_login(instructor)
    assert "Nothing waits for you" in client.get("/review/").content.decode()


def test_the_report_is_shown_as_text_with_the_quoted_line_marked(client, instructor, shown):
    client.force_login(instructor)
    page = client.get(f"/review/{shown.pk}/").content.decode()
    assert "First &lt;b&gt;line&lt;/b&gt;" in page
    assert "<mark>Second line</mark>" in page
    assert "The model proposes level 1" in page
    assert 'value="1" required checked' in page
    assert "level 1" in client.get("/review/").content.decode()


def test_a_proposal_that_is_being_measured_is_seen_after_the_decision_only(
    client, instructor, item, remedy
):
    client.force_login(instructor)
    before = client.get(f"/review/{item.pk}/").content.decode()
    assert "A model has proposed a level" in before
    assert "Half of it." not in before
    assert "<mark>" not in before
    assert "checked" not in before
    assert "after you decide" in client.get("/review/").content.decode()
    client.post(f"/review/{item.pk}/", {"level": "2"})
    after = client.get(f"/review/{item.pk}/").content.decode()
    assert "The model proposes level 1" in after
    assert "the model had proposed 1" in after
    decision = Decision.objects.get()
    assert (decision.judge, decision.proposed, decision.level, decision.unseen) == (
        *(JUDGE, 1, 2),
        True,
    )


def test_a_decision_beside_a_shown_proposal_measures_nothing(client, instructor, shown, remedy):
    client.force_login(instructor)
    client.post(f"/review/{shown.pk}/", {"level": "1"})
    assert not Decision.objects.get(item=shown).unseen


def test_a_correction_needs_its_reason_and_keeps_what_was_before(client, instructor, item, remedy):
    client.force_login(instructor)
    client.post(f"/review/{item.pk}/", {"level": "0", "note": "Nothing there."})
    refused = client.post(f"/review/{item.pk}/", {"level": "2", "note": "  "})
    assert refused.status_code == 400
    assert "Say why you correct it" in refused.content.decode()
    item.refresh_from_db()
    assert item.level == 0
    client.post(f"/review/{item.pk}/", {"level": "2", "note": "It is in <b>line two</b>."})
    page = client.get(f"/review/{item.pk}/").content.decode()
    assert "Nothing there." in page
    assert "It is in &lt;b&gt;line two&lt;/b&gt;." in page
    assert [each.level for each in item.decisions.order_by("pk")] == [0, 2]
    assert [each.unseen for each in item.decisions.order_by("pk")] == [True, False]
    kinds = list(Event.objects.filter(attempt_id=item.attempt_id).values_list("kind", flat=True))
    assert (kinds.count("review.decided"), kinds.count("review.corrected")) == (1, 1)


def test_the_agreement_page_says_what_follows_from_a_figure(client, instructor, item, decided):
    decided(item, "good 1", [(0, 0), (2, 2), (1, 1), (2, 1)] * 5)
    decided(item, "poor 1", [(0, 2), (2, 0)] * 10)
    decided(item, "new 1", [(1, 1)] * 3)
    client.force_login(instructor)
    page = " ".join(client.get("/review/agreement/").content.decode().split())
    assert "Shown beside the report" in page
    assert "Switched off" in page
    assert "-1.00" in page
    assert "not measured" in page


def test_another_schools_decisions_measure_nothing_here(
    client, far_instructor, item, decided, django_assert_max_num_queries
):
    decided(item, JUDGE, [(0, 2), (2, 0)] * 10)
    client.force_login(far_instructor)
    assert "Nothing is measured yet" in client.get("/review/agreement/").content.decode()


def test_a_long_queue_costs_no_more_queries_than_a_short_one(
    client, instructor, item, django_assert_max_num_queries
):
    ReviewItem.objects.bulk_create(
        ReviewItem(
            attempt=item.attempt,
            objective=item.objective,
            check_id="report",
            criterion=f"c{number}",
            artefact="x",
            proposal=item.proposal,
        )
        for number in range(250)
    )
    client.force_login(instructor)
    with django_assert_max_num_queries(16):
        page = client.get("/review/").content.decode()
    assert page.count('<th scope="row">') == 200
    assert "The 200 that have waited longest" in page


def test_looking_at_a_report_is_written_down(client, instructor, trainee, item):
    client.force_login(instructor)
    client.get(f"/review/{item.pk}/")
    assert [record.subject for record in AccessRecord.objects.all()] == [trainee]


def test_a_decision_goes_on_to_the_next_item(client, instructor, item, remedy):
    client.force_login(instructor)
    answer = client.post(f"/review/{item.pk}/", {"level": "2", "note": "Good."})
    assert answer["Location"] == f"/review/{remedy.pk}/"
    item.refresh_from_db()
    assert (item.level, item.note, item.decided_by) == (2, "Good.", instructor)


@pytest.mark.parametrize("level", ["", "two", "9", "-1", pytest.param("1" * 5000, id="endless")])
def test_a_decision_without_a_real_level_changes_nothing(client, instructor, item, level):
    client.force_login(instructor)
    assert client.post(f"/review/{item.pk}/", {"level": level}).status_code == 400
    item.refresh_from_db()
    assert item.state == ReviewItem.State.OPEN


def test_a_note_is_kept_without_what_the_database_has_no_place_for(
    client, instructor, item, remedy
):
    client.force_login(instructor)
    client.post(f"/review/{item.pk}/", {"level": "2", "note": "Go\0od."})
    assert Decision.objects.get().note == "Good."


@pytest.mark.parametrize("who", ["trainee", "other_trainee", "assessor", "stranger"])
def test_nobody_else_sees_or_decides(request, client, person, item, who):
    if who == "stranger":
        far = Organisation.objects.create(slug="far", name="Far", kind="SCHOOL")
        viewer = person("sid", far, Membership.Role.INSTRUCTOR)
    else:
        viewer = request.getfixturevalue(who)
    client.force_login(viewer)
    assert client.get(f"/review/{item.pk}/").status_code == 404
    assert client.post(f"/review/{item.pk}/", {"level": "2"}).status_code == 404
    item.refresh_from_db()
    assert item.state == ReviewItem.State.OPEN
    assert not Evidence.objects.exists()
    assert not AccessRecord.objects.exists()
