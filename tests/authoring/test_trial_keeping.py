"""An author's own sandbox: begun, followed on every save, asked for checks, ended, swept."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from range.accounts.models import Membership, Organisation
from range.assessment.models import Evidence
from range.authoring.drafts import DraftMissing
from range.authoring.models import TrialOrder
from range.authoring.trial_keeping import MOST_TRIALS, Keeping
from range.authoring.trial_session import UNSEEN
from range.authoring.trials import (
    MOST_ORDERS,
    TrialMissing,
    TrialRefused,
    begin,
    live_trial,
    order,
    trial_of,
    want_end,
)
from range.exercises.models import Attempt
from range.sandboxes.models import Sandbox, Trial
from tests.authoring.support import images
from tests.authoring.test_verify import solvable
from tests.authoring.workshop_support import Drivers, drafted, saved

State = Trial.State
Kind = TrialOrder.Kind
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


@pytest.fixture
def draft(instructor, school, tmp_path):
    return drafted(instructor, school, tmp_path, solvable())


@pytest.fixture
def role(tmp_path):
    made = Keeping(tmp_path / "locks", Drivers(), protect=lambda: None, build=images)
    yield made
    made.shut()


@pytest.fixture
def stranger(person, db):
    elsewhere = Organisation.objects.create(
        slug="south", name="South School", kind=Organisation.Kind.SCHOOL
    )
    return person("sam", elsewhere, Membership.Role.INSTRUCTOR)


def until(role, done, *, within=120):
    limit = time.monotonic() + within
    while time.monotonic() < limit:
        role.tick()
        if done():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come to that")


def state(of_draft):
    return Trial.objects.get(pk=of_draft.pk).state


def told(of_draft):
    of_draft.refresh_from_db()
    return of_draft.told


@pytest.fixture
def up(role, draft, instructor):
    of_draft = begin(draft.pk, author=instructor, variant={"way": "cron"})
    until(role, lambda: state(of_draft) == State.UP)
    return of_draft


def asked(role, of_draft, kind, text=""):
    made = order(of_draft, kind, text=text)
    until(role, lambda: TrialOrder.objects.get(pk=made.pk).done_at is not None)
    of_draft.refresh_from_db()
    made.refresh_from_db()
    return made.answer


def outcomes(of_draft):
    return {each["key"]: each["outcome"] for each in of_draft.judged["objectives"]}


def test_it_comes_up_with_the_variant_that_was_chosen(role, up):
    assert told(up)["state"] == "up"
    assert up.told["values"]["way"] == "cron"
    assert Trial.objects.get(pk=up.pk).handle["machines"].keys() == {"box"}
    assert len(role._drivers.running()) == 1


def test_checks_run_on_demand_and_a_right_flag_counts(role, up):
    assert asked(role, up, Kind.CHECK) == "The checks were run."
    assert outcomes(up) == {"enter": "UNMET", "mend": "UNMET"}
    assert asked(role, up, Kind.HAND_IN, up.told["values"]["flag_enter"]) == "Right for enter."
    assert outcomes(up)["enter"] == "MET"
    assert asked(role, up, Kind.HAND_IN, "FLAG{no}") == "Right for no objective."


def test_the_reference_solves_it(role, up):
    assert "Every reference" in asked(role, up, Kind.SOLVE)
    assert outcomes(up) == {"enter": "MET", "mend": "MET"}


def mending_by(draft, instructor, tmp_path, *steps):
    """Save another reference of `mend`, and begin a trial of it."""
    data = solvable()
    data["reference"]["mend"] = list(steps)
    saved(draft, instructor, tmp_path, data)
    return begin(draft.pk, author=instructor)


def test_attack_what_no_database_holds_ends_no_trial(role, draft, instructor, tmp_path):
    step = {"on": "box", "as": "root", "run": "environ"}
    of_draft = mending_by(draft, instructor, tmp_path, step)
    until(role, lambda: state(of_draft) == State.UP)
    assert "HOME=/root" in asked(role, of_draft, Kind.SOLVE)
    assert "checks were run" in asked(role, of_draft, Kind.CHECK)


@pytest.mark.parametrize(
    "step", [{"wait_seconds": 600}, {"on": "box", "as": "root", "run": "linger"}]
)
def test_ending_it_ends_the_reference_that_is_carried_out(role, draft, instructor, tmp_path, step):
    of_draft = mending_by(draft, instructor, tmp_path, step, dict(step))
    until(role, lambda: state(of_draft) == State.UP)
    order(of_draft, Kind.SOLVE)
    for _ in range(10):
        role.tick()
        time.sleep(0.05)
    want_end(of_draft)
    until(role, lambda: state(of_draft) == State.ENDED)
    assert Trial.objects.get(pk=of_draft.pk).reason == "stopped"
    assert role._drivers.running() == []


def test_a_role_that_ends_leaves_the_reference_to_the_next_one(role, draft, instructor, tmp_path):
    of_draft = mending_by(draft, instructor, tmp_path, {"wait_seconds": 600})
    until(role, lambda: state(of_draft) == State.UP)
    asked_for = order(of_draft, Kind.SOLVE)
    for _ in range(10):
        role.tick()
        time.sleep(0.05)
    role.shut()
    assert state(of_draft) == State.WAITING
    assert TrialOrder.objects.get(pk=asked_for.pk).done_at is None


def test_a_save_is_followed_and_only_what_differs_starts_anew(
    role, up, draft, instructor, tmp_path
):
    data = solvable()
    data["machines"]["box"]["seed"][2]["text"] = "another"
    saved(draft, instructor, tmp_path, data)
    until(role, lambda: told(up).get("revision") == 2 and up.told["state"] == "up")
    assert "started box" in up.told["text"]
    assert up.revision == 2


def test_a_mistake_is_told_with_its_line_and_what_ran_goes_on(
    role, up, draft, instructor, tmp_path
):
    saved(draft, instructor, tmp_path, solvable() | {"difficulty": 9})
    until(role, lambda: told(up)["state"] == "broken")
    assert "scenario.yaml:" in up.told["problems"][0]
    assert state(up) == State.UP
    assert len(role._drivers.running()) == 1
    saved(draft, instructor, tmp_path, solvable())
    until(role, lambda: told(up)["state"] == "up")


def test_a_draft_that_never_ran_says_why(role, draft, instructor, tmp_path):
    saved(draft, instructor, tmp_path, solvable() | {"difficulty": 9})
    of_draft = begin(draft.pk, author=instructor)
    until(role, lambda: state(of_draft) == State.BROKEN)
    assert "difficulty" in told(of_draft)["problems"][0]
    assert "Nothing runs" in asked(role, of_draft, Kind.CHECK)


def test_it_does_not_start_where_memory_is_short(role, draft, instructor, monkeypatch):
    monkeypatch.setattr("range.authoring.room.available_mb", lambda: 100)
    of_draft = begin(draft.pk, author=instructor)
    until(role, lambda: state(of_draft) == State.BROKEN)
    assert "This machine is full" in told(of_draft)["text"]
    assert role._drivers.running() == []


def test_started_anew_it_draws_other_values(role, up):
    before = up.told["values"] if up.told else told(up)["values"]
    assert "Started anew" in asked(role, up, Kind.RENEW)
    assert told(up)["values"]["password"] != before["password"]
    assert up.told["values"]["way"] == "cron"


@pytest.mark.parametrize("how", ["stopped", "left"])
def test_it_is_removed_when_its_author_ends_or_leaves_it(role, up, how):
    if how == "stopped":
        want_end(up)
    else:
        long_ago = timezone.now() - UNSEEN - timedelta(seconds=1)
        Trial.objects.filter(pk=up.pk).update(seen_at=long_ago)
    until(role, lambda: state(up) == State.ENDED)
    assert Trial.objects.get(pk=up.pk).reason == how
    assert role._drivers.running() == []
    with pytest.raises(TrialRefused):
        order(up, Kind.CHECK)


def test_an_open_page_keeps_it(role, up, instructor):
    Trial.objects.filter(pk=up.pk).update(seen_at=timezone.now() - UNSEEN + timedelta(seconds=5))
    trial_of(instructor, up.pk, seen=True)
    assert timezone.now() - Trial.objects.get(pk=up.pk).seen_at < timedelta(seconds=60)


def test_what_a_killed_role_left_is_removed_and_begins_anew(role, up, tmp_path):
    # As a process that is gone would leave it: containers, a lock with words in it, a row.
    drivers = role._drivers
    role.shut()
    driver = drivers(type("Options", (), {"installation": "left"})())
    assert state(up) == State.WAITING
    Trial.objects.filter(pk=up.pk).update(state=State.UP)
    anew = Keeping(tmp_path / "locks", drivers, protect=lambda: None, build=images)
    anew.take_over()
    assert state(up) == State.WAITING
    until(anew, lambda: state(up) == State.UP)
    assert len(drivers.running()) == 1
    assert list(driver.running()) == []
    anew.shut()
    assert drivers.running() == []


def test_nothing_of_it_is_an_attempt_or_evidence(role, up):
    asked(role, up, Kind.SOLVE)
    assert not Attempt.objects.exists()
    assert not Evidence.objects.exists()
    assert not Sandbox.objects.exists()


class TestWhoMay:
    def test_one_person_has_one_trial(self, draft, instructor, school, tmp_path):
        first = begin(draft.pk, author=instructor)
        assert begin(draft.pk, author=instructor).pk == first.pk
        other = drafted(instructor, school, tmp_path, solvable(), slug="other-desk")
        with pytest.raises(TrialRefused, match="Small desk"):
            begin(other.pk, author=instructor)
        assert live_trial(instructor).pk == first.pk

    def test_colleagues_try_the_same_draft_side_by_side_and_see_nothing_of_each_other(
        self, role, draft, instructor, administrator
    ):
        mine = begin(draft.pk, author=instructor)
        theirs = begin(draft.pk, author=administrator)
        until(role, lambda: state(mine) == state(theirs) == State.UP)
        with pytest.raises(TrialMissing):
            trial_of(administrator, mine.pk)

    def test_strangers_and_trainees_cannot(self, draft, instructor, stranger, trainee):
        for person in (stranger, trainee):
            with pytest.raises(DraftMissing):
                begin(draft.pk, author=person)
        mine = begin(draft.pk, author=instructor)
        for person in (stranger, trainee):
            with pytest.raises(TrialMissing):
                trial_of(person, mine.pk)

    def test_somebody_who_is_no_author_any_more_loses_it(self, draft, instructor):
        mine = begin(draft.pk, author=instructor)
        Membership.objects.filter(person=instructor).delete()
        with pytest.raises(TrialMissing):
            trial_of(type(instructor).objects.get(pk=instructor.pk), mine.pk)

    def test_a_flood_of_orders_is_refused(self, draft, instructor):
        of_draft = begin(draft.pk, author=instructor)
        for _ in range(MOST_ORDERS):
            order(of_draft, Kind.CHECK)
        with pytest.raises(TrialRefused, match="One thing after the other"):
            order(of_draft, Kind.CHECK)

    def test_attack_null_characters_are_left_out_of_what_is_handed_in(self, draft, instructor):
        of_draft = begin(draft.pk, author=instructor)
        assert order(of_draft, Kind.HAND_IN, text="FLAG\0{x}").text == "FLAG{x}"

    def test_no_more_run_at_once_than_a_machine_carries(
        self, role, draft, person, school, instructor
    ):
        people = [
            person(f"author-{number}", school, Membership.Role.INSTRUCTOR)
            for number in range(MOST_TRIALS + 1)
        ]
        made = [begin(draft.pk, author=each) for each in people]
        until(role, lambda: [state(each) for each in made].count(State.UP) == MOST_TRIALS)
        assert state(made[-1]) == State.WAITING
        want_end(made[0])
        until(role, lambda: state(made[-1]) == State.UP)
