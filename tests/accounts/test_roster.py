"""Lists of people: every line judged first, all or nothing written, nothing hostile let in."""

import csv
import io

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from range.accounts import roster
from range.accounts.models import Cohort, Membership, Organisation, User
from range.timeline.services import events_of

pytestmark = pytest.mark.django_db


def fates(text, cohort):
    return [(row.line, row.fate) for row in roster.read(text, cohort).rows]


def problem(text, cohort):
    (row,) = roster.read(text, cohort).rows
    return row.problem


def reason(call):
    with pytest.raises(roster.RosterRefused) as refusal:
        call()
    return refusal.value.reason


def test_each_line_has_its_fate(cohort, school, trainee, person):
    elsewhere = Cohort.objects.create(organisation=school, name="Second")
    person("mo", school, Membership.Role.TRAINEE, elsewhere)
    text = "username,name\nnew,New Person\nTIA,Tia\nmo,Mo\n\nbad name,X\nnew,Twice\n"
    assert fates(text, cohort) == [
        (2, "new"),
        (3, "known"),
        (4, "moves"),
        (6, "problem"),
        (7, "problem"),
    ]
    assert "line 2" in roster.read(text, cohort).rows[-1].problem
    assert User.objects.count() == 2


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_files_of_spreadsheets_are_read(cohort, delimiter, ending):
    lines = ["Username,Name,E-Mail,email", 'zoë,"O\'Neil, Zoë",x,zoe@example.org']
    if delimiter != ",":
        lines = [
            lines[0].replace(",", delimiter),
            f"zoë{delimiter}Zoë{delimiter}x{delimiter}z@a.org",
        ]
    content = b"\xef\xbb\xbf" + ending.join(lines).encode()
    (row,) = roster.read(roster.decode(content), cohort).rows
    assert (row.username, row.fate) == ("zoë", "new")
    assert row.name.endswith("Zoë")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("zoë".encode("latin-1"), "not-utf-8"),
        ("username,name".encode("utf-16"), "not-utf-8"),
        (b"x" * (10 * 1024 * 1024), "too-large"),
    ],
)
def test_what_is_not_small_utf_8_is_refused(content, expected):
    assert reason(lambda: roster.decode(content)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "no-header"),
        ("a,b\nc,d", "no-header"),
        ("username,username,name\na,b,c", "no-header"),
        ("username,name", "empty"),
        ("username,name\n\n , \n", "empty"),
        ('username,name\n"unclosed,x', "not-csv"),
        ("username,name\n" + "x" * 200_000 + ",y", "not-csv"),
        ("username,name\n" + "".join(f"u{n},N\n" for n in range(501)), "too-many"),
    ],
)
def test_what_is_no_list_is_refused(cohort, text, expected):
    assert reason(lambda: roster.read(text, cohort)) == expected


@pytest.mark.parametrize(
    "line",
    [
        "a b,Name",
        "<b>,Name",
        ",Name",
        "ok,",
        "ok,Na\0me",
        "o\0k,Name",
        "ok,Na\u202eme",
        "ok," + "n" * 121,
        "u" * 151 + ",Name",
        "=cmd|' /C calc'!A0,Name",
        "ok,Name,not-an-address",
    ],
)
def test_a_hostile_line_is_a_problem_and_nothing_else(cohort, line):
    assert problem(f"username,name,email\n{line}\n", cohort)
    judged, admitted = roster.admit(
        f"username,name,email\n{line}\ngood,Good\n", cohort, viewer=None
    )
    assert judged.problems == 1
    assert admitted == []
    assert not User.objects.exists()


def test_markup_in_a_name_is_a_name(cohort, instructor):
    roster.admit("username,name\nx,<script>alert(1)</script>\n", cohort, viewer=instructor)
    assert User.objects.get(username="x").display_name == "<script>alert(1)</script>"


@pytest.mark.parametrize("who", ["instructor", "administrator", "assessor"])
def test_nobody_elses_account_can_be_pulled_into_a_cohort(request, cohort, who):
    victim = request.getfixturevalue(who)
    before = list(victim.memberships.values_list())
    text = f"username,name\n{victim.username.upper()},Mine now\n"
    assert "taken" in problem(text, cohort)
    assert roster.admit(text, cohort, viewer=victim)[1] == []
    assert list(victim.memberships.values_list()) == before


def test_a_trainee_of_another_school_cannot_be_pulled_in(cohort, person):
    far = Organisation.objects.create(slug="far", name="Far", kind="SCHOOL")
    person("fred", far, Membership.Role.TRAINEE)
    assert "taken" in problem("username,name\nfred,Fred\n", cohort)


def test_two_accounts_that_differ_in_case_alone_are_not_guessed_between(cohort, trainee, person):
    far = Organisation.objects.create(slug="far", name="Far", kind="SCHOOL")
    person("TIA", far, Membership.Role.TRAINEE)
    assert "taken" in problem("username,name\ntia,Tia\n", cohort)


def test_a_closed_account_says_so(cohort, trainee):
    User.objects.update(is_active=False)
    assert "closed" in problem("username,name\ntia,Tia\n", cohort)


def test_good_lines_are_written_with_one_time_passwords(cohort, instructor, trainee):
    text = "username,name,email\nnew,New Person,new@example.org\ntia,Other name\n"
    judged, admitted = roster.admit(text, cohort, viewer=instructor)
    assert (judged.problems, judged.new) == (0, 1)
    new = User.objects.get(username="new")
    assert new.check_password(admitted[0].password)
    assert (new.display_name, new.email) == ("New Person", "new@example.org")
    assert new.must_choose_password
    assert new.memberships.get().cohort == cohort
    assert admitted[1].password == ""
    trainee.refresh_from_db()
    assert not trainee.must_choose_password
    assert trainee.display_name == ""
    event = events_of(cohort.pk).get(kind="cohort.imported")
    assert event.payload == {"new": 1, "known": 1}
    assert admitted[0].password not in str([each.payload for each in events_of(cohort.pk)])


def test_the_same_list_twice_changes_nothing(cohort, instructor):
    text = "username,name\nnew,New Person\n"
    roster.admit(text, cohort, viewer=instructor)
    before = User.objects.get(username="new").password
    _, admitted = roster.admit(text, cohort, viewer=instructor)
    assert [each.password for each in admitted] == [""]
    assert User.objects.get(username="new").password == before


def test_quick_hashes_are_hashed_anew_at_the_first_sign_in(cohort, instructor, settings, client):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    _, (new,) = roster.admit("username,name\nnew,New\n", cohort, viewer=instructor)
    before = User.objects.get(username="new").password
    assert f"${roster.ITERATIONS}$" in before
    assert client.login(username="new", password=new.password)
    after = User.objects.get(username="new").password
    assert f"${PBKDF2PasswordHasher.iterations}$" in after


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_no_spreadsheet_runs_what_is_saved(name):
    saved = roster.passwords_csv([roster.Admitted(username=name, name=name, password="p")])
    _, row = csv.reader(io.StringIO(saved))
    assert row == [f"'{name}", f"'{name}", "p"]


def test_who_has_an_account_is_not_in_what_is_saved():
    known = roster.Admitted(username="tia", name="Tia", password="")
    assert "tia" not in roster.passwords_csv([known])
