"""The review pages, as an instructor and as everybody else meets them."""

import pytest

from range.accounts.models import AccessRecord, Membership, Organisation
from range.assessment.models import Evidence, ReviewItem

pytestmark = pytest.mark.django_db


@pytest.fixture
def item(attempt, version):
    return ReviewItem.objects.create(
        attempt=attempt,
        objective=version.objectives.get(key="report"),
        check_id="report",
        criterion="cause",
        artefact="First <b>line</b>\nSecond line",
        proposal={"level": 1, "reason": "Half of it.", "spans": [{"from": 2, "to": 2}]},
    )


def test_an_instructor_sees_what_waits(client, instructor, item):
    client.force_login(instructor)
    page = client.get("/review/").content.decode()
    assert "tia" in page
    assert f"/review/{item.pk}/" in page


def test_an_empty_queue_says_what_will_come(client, instructor):
    client.force_login(instructor)
    assert "Nothing waits for you" in client.get("/review/").content.decode()


def test_the_report_is_shown_as_text_with_the_quoted_line_marked(client, instructor, item):
    client.force_login(instructor)
    page = client.get(f"/review/{item.pk}/").content.decode()
    assert "First &lt;b&gt;line&lt;/b&gt;" in page
    assert "<mark>Second line</mark>" in page


def test_looking_at_a_report_is_written_down(client, instructor, trainee, item):
    client.force_login(instructor)
    client.get(f"/review/{item.pk}/")
    assert [record.subject for record in AccessRecord.objects.all()] == [trainee]


def test_a_decision_goes_on_to_the_next_item(client, instructor, item):
    other = ReviewItem.objects.create(
        attempt=item.attempt, objective=item.objective, check_id="report", criterion="remedy"
    )
    client.force_login(instructor)
    answer = client.post(f"/review/{item.pk}/", {"level": "2", "note": "Good."})
    assert answer["Location"] == f"/review/{other.pk}/"
    item.refresh_from_db()
    assert (item.level, item.note, item.decided_by) == (2, "Good.", instructor)


@pytest.mark.parametrize("level", ["", "two", "9", "-1"])
def test_a_decision_without_a_real_level_changes_nothing(client, instructor, item, level):
    client.force_login(instructor)
    assert client.post(f"/review/{item.pk}/", {"level": level}).status_code == 400
    item.refresh_from_db()
    assert item.state == ReviewItem.State.OPEN


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
