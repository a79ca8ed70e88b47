"""Verification as a row: begun by one, carried out by the workshop role, stopped, survived."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from range.accounts.models import Membership, Organisation
from range.authoring import drafts
from range.authoring.draft_publishing import publish
from range.authoring.drafts import DraftArchived, DraftMissing
from range.authoring.models import DraftRevision, VerificationRun
from range.authoring.verifications import (
    MOST_KEPT,
    MOST_OPEN,
    VerificationMissing,
    VerificationRefused,
    ask_for_draft,
    ask_for_version,
    in_line,
    place_in_line,
    verification_of,
    want_stop,
)
from range.authoring.verified import own_log
from range.authoring.verifying import Verifying
from range.catalog.models import Scenario, ScenarioSource
from range.catalog.publish import publish as publish_folder
from range.sandboxes.models import Sandbox
from range.sandboxes.protection import Unprotected
from range.timeline.services import events_of
from tests.authoring.support import ShellDriver, images
from tests.authoring.test_verify import solvable
from tests.authoring.workshop_support import drafted, saved
from tests.catalog.support import write
from tests.catalog.test_allowed_images import made, offered

State = VerificationRun.State
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def state(state_dir):
    return state_dir


@pytest.fixture
def draft(instructor, administrator, school, tmp_path):
    return drafted(instructor, school, tmp_path, solvable())


@pytest.fixture
def role():
    made = Verifying(ShellDriver(), protect=lambda: None, build=images)
    yield made
    made.shut()


@pytest.fixture
def stranger(person, db):
    elsewhere = Organisation.objects.create(
        slug="south", name="South School", kind=Organisation.Kind.SCHOOL
    )
    return person("sam", elsewhere, Membership.Role.INSTRUCTOR)


def ended(role, run, *, within=60):
    """Let the role work until a run has ended."""
    limit = time.monotonic() + within
    while time.monotonic() < limit:
        role.tick()
        run.refresh_from_db()
        if run.state not in VerificationRun.OPEN_STATES and not role.is_busy:
            return run
        time.sleep(0.02)
    raise AssertionError(f"still {run.state}: {run.progress}")


def begun(role, run):
    while run.state != State.RUNNING or not run.progress.get("total"):
        role.tick()
        time.sleep(0.02)
        run.refresh_from_db()


def slow(data):
    data["verify"] = [
        {"name": "idle", "wait_seconds": 600, "expect": {"objectives": "unmet"}},
        {"name": "reference", "run": "reference", "expect": {"objectives": "met"}},
    ]
    return data


def test_a_draft_that_proves_itself_passes_and_says_how(role, draft, instructor):
    run = ended(role, ask_for_draft(draft.pk, author=instructor))
    assert run.state == State.PASSED
    assert (run.revision, run.report["total"], run.report["done"]) == (1, 9, 9)
    assert run.report["differing"] == 0
    names = {each["name"] for each in run.report["runs"]}
    assert {"fresh[way=cron]", "reference[way=suid]", "foreign-flag[way=cron]"} <= names
    fresh = next(each for each in run.report["runs"] if each["name"] == "fresh[way=cron]")
    assert fresh["expected"] == fresh["found"] == {"enter": "unmet", "mend": "unmet"}
    assert fresh["checks"]["mend"][0]["id"] == "gone"
    assert own_log().knows(run.digest)
    kinds = [event.kind for event in events_of(draft.pk)]
    assert kinds[-2:] == ["draft.verification_asked", "draft.verified"]
    assert list(role._driver.running()) == []


def test_what_differs_is_told_with_what_was_expected_and_found(role, draft, instructor, tmp_path):
    data = solvable()
    data["reference"]["mend"] = [{"on": "box", "as": "root", "run": "true"}]
    saved(draft, instructor, tmp_path, data)
    run = ended(role, ask_for_draft(draft.pk, author=instructor))
    assert run.state == State.FAILED
    wrong = next(each for each in run.report["runs"] if each["state"] == "differs")
    assert wrong["name"].startswith("reference")
    assert wrong["expected"]["mend"] == "met"
    assert wrong["found"]["mend"] == "unmet"
    assert "mend: expected met, found unmet: gone: file-there" in wrong["differences"][0]
    assert not own_log().knows(run.digest)


def test_a_draft_that_cannot_be_read_fails_with_the_line(role, draft, instructor, tmp_path):
    data = solvable()
    data["difficulty"] = 9
    saved(draft, instructor, tmp_path, data)
    run = ended(role, ask_for_draft(draft.pk, author=instructor))
    assert run.state == State.FAILED
    assert "scenario.yaml:" in run.message
    assert "difficulty" in run.message


def test_nothing_starts_while_the_host_would_be_open_to_it(draft, instructor):
    def unprotected():
        raise Unprotected("a rule is missing")

    closed = Verifying(ShellDriver(), protect=unprotected, build=images)
    run = ended(closed, ask_for_draft(draft.pk, author=instructor))
    assert run.state == State.FAILED
    assert "a rule is missing" in run.message
    assert closed._driver.calls.count("start") == 0


def test_attack_a_step_that_prints_what_no_database_holds_fails_its_run_alone(
    role, draft, instructor, tmp_path
):
    data = solvable()
    data["reference"]["mend"] = [{"on": "box", "as": "root", "run": "environ"}]
    saved(draft, instructor, tmp_path, data)
    run = ended(role, ask_for_draft(draft.pk, author=instructor))
    assert (run.state, run.begun, run.message) == (State.FAILED, 1, "")
    wrong = next(each for each in run.report["runs"] if each["state"] == "differs")
    assert "HOME=/root" in wrong["differences"][0]


def test_attack_one_that_cannot_be_written_down_fails_and_others_go_on(
    role, draft, instructor, school, tmp_path
):
    saved(draft, instructor, tmp_path, slow(solvable()))
    run = ask_for_draft(draft.pk, author=instructor)
    begun(role, run)
    role._progress._text, role._progress.is_new = "\0", True
    assert "itself failed" in ended(role, run).message
    other = drafted(instructor, school, tmp_path / "other", solvable(), slug="other-desk")
    assert ended(role, ask_for_draft(other.pk, author=instructor)).state == State.PASSED


def test_nothing_starts_where_memory_is_short(role, draft, instructor, monkeypatch):
    monkeypatch.setattr("range.authoring.room.available_mb", lambda: 100)
    run = ended(role, ask_for_draft(draft.pk, author=instructor))
    assert run.state == State.FAILED
    assert "This machine is full" in run.message
    assert role._driver.calls.count("start") == 0


def test_it_verifies_the_revision_that_was_asked_for(role, draft, instructor, tmp_path):
    run = ask_for_draft(draft.pk, author=instructor)
    saved(draft, instructor, tmp_path, solvable() | {"difficulty": 9})
    assert ended(role, run).state == State.PASSED
    assert run.revision == 1


def test_a_revision_that_is_gone_is_told(role, draft, instructor):
    run = ask_for_draft(draft.pk, author=instructor)
    DraftRevision.objects.filter(draft=draft).delete()
    assert ended(role, run).state == State.FAILED
    assert "not kept any more" in run.message


def test_a_version_that_passes_gets_its_date(role, draft, instructor):
    version = publish(draft.pk, author=instructor, revision=1).version
    run = ended(role, ask_for_version(version, author=instructor))
    assert run.state == State.PASSED, run.message
    version.refresh_from_db()
    assert run.digest == version.digest
    assert version.verified_at is not None


def test_a_version_of_a_named_image_is_verified_from_its_folder(
    role, instructor, tmp_path, settings
):
    settings.RANGE_SCENARIOS_DIR = tmp_path / "scenarios"
    offered(made(tmp_path / "web-server"))
    data = solvable()
    del data["machines"]["box"]["build"]
    data["machines"]["box"]["image"] = "web-server"
    version = publish_folder(write(tmp_path / "scenarios" / "small-desk", data)).version
    ScenarioSource.objects.all().delete()
    Scenario.objects.update(owner=instructor.memberships.get().organisation)
    run = ended(role, ask_for_version(version, author=instructor))
    assert (run.state, run.message) == (State.PASSED, "")
    assert run.digest == version.digest


def test_a_draft_that_passes_dates_the_version_of_the_same_content(role, draft, instructor):
    version = publish(draft.pk, author=instructor, revision=1).version
    ended(role, ask_for_draft(draft.pk, author=instructor))
    version.refresh_from_db()
    assert version.verified_at is not None


def test_a_draft_that_passed_is_published_with_its_date(role, draft, instructor):
    run = ended(role, ask_for_draft(draft.pk, author=instructor))
    version = publish(draft.pk, author=instructor, revision=1).version
    version.refresh_from_db()
    assert version.digest == run.digest
    assert version.verified_at is not None


def test_the_newest_verifications_are_kept_and_no_more(draft, instructor, administrator):
    for _ in range(MOST_KEPT + 3):
        run = ask_for_draft(draft.pk, author=instructor)
        want_stop(run)
    last = ask_for_draft(draft.pk, author=administrator)
    kept = VerificationRun.objects.filter(draft=draft).exclude(pk=last.pk)
    assert kept.count() == MOST_KEPT
    assert run.pk in set(kept.values_list("pk", flat=True))


def test_one_in_line_stops_at_once_and_is_never_begun(role, draft, instructor):
    run = ask_for_draft(draft.pk, author=instructor)
    want_stop(run)
    run.refresh_from_db()
    assert run.state == State.STOPPED
    role.tick()
    assert not role.is_busy


def test_a_running_one_stops_within_seconds_and_leaves_nothing(role, draft, instructor, tmp_path):
    saved(draft, instructor, tmp_path, slow(solvable()))
    run = ask_for_draft(draft.pk, author=instructor)
    begun(role, run)
    want_stop(run)
    ended(role, run, within=120)
    assert run.state == State.STOPPED
    assert not own_log().knows(run.digest)
    assert list(role._driver.running()) == []


def test_progress_is_written_while_it_runs(role, draft, instructor, tmp_path):
    saved(draft, instructor, tmp_path, slow(solvable()))
    run = ask_for_draft(draft.pk, author=instructor)
    begun(role, run)
    while not any(each["state"] == "running" for each in run.progress["runs"]):
        role.tick()
        run.refresh_from_db()
    assert run.progress["runs"][0]["name"].startswith("idle")
    want_stop(run)
    ended(role, run, within=120)


def test_a_role_that_ends_puts_it_back_in_line(role, draft, instructor, tmp_path):
    saved(draft, instructor, tmp_path, slow(solvable()))
    run = ask_for_draft(draft.pk, author=instructor)
    begun(role, run)
    role.shut()
    run.refresh_from_db()
    assert (run.state, run.begun) == (State.WAITING, 0)
    assert list(role._driver.running()) == []


def test_what_a_killed_role_left_waits_once_more_and_then_fails(role, draft, instructor):
    run = ask_for_draft(draft.pk, author=instructor)
    rows = VerificationRun.objects.filter(pk=run.pk)
    rows.update(state=State.RUNNING, begun=1)
    role.take_over()
    run.refresh_from_db()
    assert run.state == State.WAITING
    rows.update(state=State.RUNNING, begun=2)
    role.take_over()
    run.refresh_from_db()
    assert run.state == State.FAILED
    assert "twice" in run.message


def test_runs_wait_while_trainees_wait_for_machines(role, draft, instructor, sandbox):
    Sandbox.objects.filter(pk=sandbox.pk).update(state=Sandbox.State.REQUESTED)
    run = ask_for_draft(draft.pk, author=instructor)
    begun(role, run)
    for _ in range(10):
        role.tick()
        time.sleep(0.02)
    assert role._driver.calls.count("start") == 0
    Sandbox.objects.filter(pk=sandbox.pk).update(state=Sandbox.State.RUNNING)
    assert ended(role, run).state == State.PASSED


class TestWhoMayAsk:
    def test_a_draft_is_verified_once_at_a_time(self, draft, instructor, administrator):
        ask_for_draft(draft.pk, author=instructor)
        with pytest.raises(VerificationRefused, match="already"):
            ask_for_draft(draft.pk, author=administrator)
        assert VerificationRun.objects.count() == 1

    def test_nobody_fills_the_line(self, instructor, school, tmp_path):
        made = [
            drafted(instructor, school, tmp_path, solvable(), slug=f"desk-{number}")
            for number in range(MOST_OPEN + 1)
        ]
        for draft in made[:MOST_OPEN]:
            ask_for_draft(draft.pk, author=instructor)
        with pytest.raises(VerificationRefused, match="in line or running"):
            ask_for_draft(made[-1].pk, author=instructor)

    def test_whoever_was_served_last_comes_last(self, instructor, administrator, school, tmp_path):
        mine = [
            drafted(instructor, school, tmp_path, solvable(), slug=f"desk-{number}")
            for number in range(3)
        ]
        first, second = (ask_for_draft(each.pk, author=instructor) for each in mine[:2])
        VerificationRun.objects.filter(pk=first.pk).update(
            state=State.RUNNING, started_at=timezone.now() - timedelta(minutes=1)
        )
        theirs = ask_for_draft(mine[2].pk, author=administrator)
        assert [each.pk for each in in_line()] == [theirs.pk, second.pk]
        assert (place_in_line(theirs), place_in_line(second)) == (1, 2)

    def test_strangers_can_neither_ask_nor_see_nor_stop(self, draft, instructor, stranger):
        with pytest.raises(DraftMissing):
            ask_for_draft(draft.pk, author=stranger)
        run = ask_for_draft(draft.pk, author=instructor)
        with pytest.raises(VerificationMissing):
            verification_of(stranger, run.pk)
        version = publish(draft.pk, author=instructor, revision=1).version
        with pytest.raises(VerificationMissing):
            ask_for_version(version, author=stranger)

    def test_a_trainee_can_do_nothing(self, draft, instructor, trainee):
        with pytest.raises(DraftMissing):
            ask_for_draft(draft.pk, author=trainee)
        run = ask_for_draft(draft.pk, author=instructor)
        with pytest.raises(VerificationMissing):
            verification_of(trainee, run.pk)

    def test_an_archived_draft_is_not_verified(self, draft, instructor):
        drafts.archive(draft.pk, author=instructor)
        with pytest.raises(DraftArchived):
            ask_for_draft(draft.pk, author=instructor)
