"""People from a file: shown first, written on a second press, and hostile files are only text."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from range.accounts import roster
from range.accounts.models import User

pytestmark = pytest.mark.django_db
GOOD = "username,name\nnew,New Person\nother,Other\n"


@pytest.fixture
def upload(teach, cohort):
    def do(content):
        file = SimpleUploadedFile(
            "people.csv", content if isinstance(content, bytes) else content.encode()
        )
        return teach.post("add-people", cohort.pk, file=file)

    return do


def test_a_file_is_shown_before_anything_is_written(upload, teach):
    answer = upload(GOOD)
    assert "Write all 2" in teach.words(answer)
    assert not User.objects.filter(username="new").exists()


def test_a_second_press_writes_all_and_shows_passwords_once(upload, teach, cohort, client):
    text = upload(GOOD).context["roster"].text
    answer = teach.post("add-people", cohort.pk, csv=text, confirm="1")
    passwords = [each.password for each in answer.context["admitted"]]
    page = answer.content.decode()
    assert all(password in page for password in passwords)
    assert "no-store" in answer["Cache-Control"]
    assert "data:text/csv" in page
    assert not any(p in teach.get("cohort", cohort.pk).content.decode() for p in passwords)
    client.logout()
    assert client.login(username="new", password=passwords[0])


def test_one_problem_keeps_all_from_being_written(upload, teach, cohort):
    text = GOOD + "new,Twice\n"
    words = teach.words(upload(text))
    assert "1 problem" in words
    assert "Write all" not in words
    # Whoever forges the second press is judged all the same.
    answer = teach.post("add-people", cohort.pk, csv=text, confirm="1")
    assert "nothing is written" in teach.words(answer)
    assert not User.objects.filter(username="new").exists()


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00", b"x" * 10_000_000, b"", b"\x89PNG\r\n\x1a\n" + b"\0" * 100],
)
def test_what_is_no_list_is_told_and_written_nowhere(upload, teach, content):
    answer = upload(content)
    assert answer.status_code in (413, 422)
    assert "Nothing was written" in teach.words(answer)


def test_no_file_is_told(teach, cohort):
    assert "Choose a file first" in teach.words(teach.post("add-people", cohort.pk))


def test_markup_is_shown_as_text(upload):
    page = upload("username,name\n<img src=x>,<script>alert(1)</script>\n").content.decode()
    assert "<script>alert" not in page
    assert "<img src=x>" not in page


def test_markup_in_a_good_line_is_carried_and_shown_as_text(upload, teach, cohort):
    hostile = 'username,name\nnew,"</textarea><script>alert(1)</script>"\n'
    first = upload(hostile)
    assert "<script>alert" not in first.content.decode()
    text = first.context["roster"].text
    page = teach.post("add-people", cohort.pk, csv=text, confirm="1").content.decode()
    assert "<script>alert" not in page
    assert User.objects.get(username="new").display_name.startswith("</textarea>")


def test_a_full_list_of_people_is_written_at_once(upload, teach, cohort):
    lines = "".join(f"u{n},Person {n}\n" for n in range(roster.ROWS_AT_MOST))
    text = upload("username,name\n" + lines).context["roster"].text
    teach.post("add-people", cohort.pk, csv=text, confirm="1")
    assert cohort.memberships.count() == roster.ROWS_AT_MOST


def test_the_form_takes_no_upload_from_a_trainee(client, trainee, cohort):
    client.force_login(trainee)
    file = SimpleUploadedFile("people.csv", GOOD.encode())
    answer = client.post(reverse("add-people", args=[cohort.pk]), {"file": file})
    assert answer.status_code == 404


def test_the_page_shows_what_such_a_file_looks_like(teach, cohort):
    words = teach.words(teach.get("add-people", cohort.pk))
    assert "What such a file looks like" in words
    assert "username,name,email w.featherstone,Wilhelmina Featherstone" in words
