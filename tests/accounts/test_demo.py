"""Demo accounts work, keep their passwords, and lie where only their owner reads them."""

import stat

from django.contrib.auth import authenticate

from range.accounts import access, demo
from range.accounts.models import User


def test_every_demo_person_can_sign_in(db):
    for account in demo.create():
        assert authenticate(username=account.username, password=account.password)


def test_passwords_are_generated_and_differ(db):
    passwords = {account.password for account in demo.create()}
    assert len(passwords) == len(demo._PEOPLE)
    assert min(map(len, passwords)) >= 16


def test_a_second_run_keeps_people_and_passwords(db, tmp_path):
    file = tmp_path / "var" / "demo-accounts.json"
    first = demo.create(demo.kept(file))
    demo.keep(first, file)
    second = demo.create(demo.kept(file))
    assert first == second
    assert User.objects.count() == len(first)


def test_the_file_is_for_its_owner_only_even_over_an_open_one(db, tmp_path):
    file = tmp_path / "demo-accounts.json"
    file.write_text("[]")
    file.chmod(0o644)
    demo.keep(demo.create(), file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_damaged_file_counts_as_none(tmp_path):
    file = tmp_path / "demo-accounts.json"
    file.write_text("{not json")
    assert demo.kept(file) == {}
    assert demo.kept(tmp_path / "absent") == {}


def test_the_demo_assessor_may_see_the_demo_trainee(db):
    demo.create()
    trainee, assessor = (User.objects.get(username=name) for name in ("trainee", "assessor"))
    assert access.can_view_skills(assessor, trainee.pk)
    assert not access.can_view_skills(assessor, User.objects.get(username="trainee2").pk)
