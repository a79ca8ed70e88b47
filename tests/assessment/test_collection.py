"""Checks look from outside, note what changed, and never blame a trainee for our failure."""

import pytest
from django.db import transaction
from django.db.utils import IntegrityError

from range.assessment import collection, services
from range.assessment.checker import Checker
from range.assessment.collection import probe_for
from range.assessment.models import Evidence, ReviewItem
from range.assessment.status import objectives_for
from range.catalog.schema_objectives import ObjectiveSpec
from range.checks.temporal import TemporalCheck
from range.exercises.models import Attempt
from range.exercises.services import finish, want_checks
from range.sandboxes.models import Sandbox
from range.timeline.services import broken_at, events_of, record

pytestmark = pytest.mark.django_db
REPORT = "The hole in /etc/hole was left open by the installer. Remove the file and check weekly.\n"


def outcome(attempt, key):
    return {each.key: str(each.outcome) for each in services.status_of(attempt)}[key]


def test_what_is_not_yet_done_leaves_no_evidence_during_work(attempt, handle, driver):
    assert services.run_checks(attempt, driver) == 0
    assert not Evidence.objects.exists()


def test_a_mended_hole_is_seen_without_being_handed_in(attempt, driver, close_hole):
    close_hole()
    assert services.run_checks(attempt, driver) == 1
    assert outcome(attempt, "mend") == "MET"
    event = events_of(attempt.pk, kinds=["evidence.recorded"]).get()
    assert event.payload["check"] == "gone"


def test_the_same_outcome_is_recorded_once(attempt, driver, close_hole):
    close_hole()
    services.run_checks(attempt, driver)
    assert services.run_checks(attempt, driver) == 0


def test_a_hole_opened_again_is_unmet_again_and_both_are_on_record(
    attempt, driver, handle, close_hole
):
    close_hole()
    services.run_checks(attempt, driver)
    driver.put_file(handle, "box", "/etc/hole", b"open")
    services.run_checks(attempt, driver)
    assert outcome(attempt, "mend") == "UNMET"
    rows = Evidence.objects.order_by("observed_at").values_list("outcome", flat=True)
    assert list(rows) == ["MET", "UNMET"]


@pytest.mark.parametrize("kind", ["console.typed_along", "console.taken_over"])
def test_evidence_says_who_else_had_typed_by_then(attempt, driver, handle, close_hole, kind):
    close_hole()
    services.run_checks(attempt, driver)
    record(attempt.pk, kind="console.looked_at", actor="instructor:1", payload={"person": "Bo"})
    record(attempt.pk, kind=kind, actor="instructor:1", payload={"person": "Ines Weber"})
    driver.put_file(handle, "box", "/etc/hole", b"open")
    services.run_checks(attempt, driver)
    alone, helped = Evidence.objects.order_by("observed_at")
    assert "others_typed_before" not in alone.detail
    assert helped.detail["others_typed_before"] == "Ines Weber"


def test_an_engine_that_is_away_changes_nothing(attempt, driver, close_hole):
    close_hole()
    services.run_checks(attempt, driver)
    driver.fail_next("stat")
    services.run_checks(attempt, driver)
    assert outcome(attempt, "mend") == "MET"


def test_the_database_refuses_to_edit_or_delete_evidence(attempt, driver, close_hole):
    close_hole()
    services.run_checks(attempt, driver)
    for attack in (
        lambda: Evidence.objects.update(outcome="MET", score=1.0),
        lambda: Evidence.objects.all()._raw_delete("default"),
    ):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            attack()
    assert Evidence.objects.count() == 1


@pytest.fixture
def finished(attempt, handle):
    finish(attempt.pk, reason="finished", actor="range")
    attempt.refresh_from_db()
    return attempt


def test_at_the_end_every_check_has_its_record(finished, driver):
    services.collect(finished, driver)
    rows = {row.check_id: (row.outcome, row.reason) for row in Evidence.objects.all()}
    assert rows["flag"] == ("UNMET", "not-submitted")
    assert rows["gone"][0] == "UNMET"
    assert rows["report"] == ("UNMET", "report-missing")
    finished.refresh_from_db()
    assert finished.state == Attempt.State.COLLECTED
    assert Sandbox.objects.get().wanted == Sandbox.Wanted.STOPPED
    assert broken_at(finished.pk) is None


def test_collecting_twice_records_nothing_twice(finished, driver):
    services.collect(finished, driver)
    before = Evidence.objects.count()
    services.collect(finished, driver)
    assert Evidence.objects.count() == before


def test_without_a_sandbox_nothing_is_held_against_the_trainee(finished, driver):
    Sandbox.objects.update(state=Sandbox.State.STOPPED)
    services.collect(finished, driver)
    assert Evidence.objects.get(check_id="gone").outcome == "INCONCLUSIVE"


def test_a_report_waits_for_a_person_whole_and_without_secrets(
    finished, driver, write_report, flag
):
    write_report(REPORT * 100 + f"I used {flag()} to get in.\n")
    services.collect(finished, driver)
    items = list(ReviewItem.objects.order_by("criterion"))
    assert [item.criterion for item in items] == ["cause", "remedy"]
    assert items[0].artefact.count("installer") == 100
    assert flag() not in items[0].artefact
    assert flag() not in Evidence.objects.get(check_id="report").excerpt


def test_zero_bytes_in_a_report_hold_up_no_grade(finished, driver, write_report):
    write_report(f"\0{REPORT * 3}\0\x1b[2J\x00 end\n")
    services.collect(finished, driver)
    finished.refresh_from_db()
    assert finished.state == Attempt.State.COLLECTED
    artefact = ReviewItem.objects.first().artefact
    assert artefact.startswith("\ufffdThe hole")
    assert artefact.count("\ufffd") == 3
    assert services.grade(finished).provisional


def test_the_rung_of_help_at_the_time_is_part_of_the_evidence(attempt, driver, close_hole):
    from range.timeline.services import record

    record(
        attempt.pk, kind="hint.unlocked", actor="tutor", payload={"objective": "mend", "rung": 2}
    )
    record(
        attempt.pk, kind="hint.unlocked", actor="tutor", payload={"objective": "enter", "rung": 3}
    )
    close_hole()
    services.run_checks(attempt, driver)
    assert Evidence.objects.get().hint_rung == 2


@pytest.mark.django_db(transaction=True)
def test_the_checker_runs_what_is_wanted_and_collects_what_is_finished(attempt, driver, close_hole):
    close_hole()
    want_checks(attempt.pk)
    checker = Checker(lambda: driver)
    checker.tick()
    checker.settle()
    assert outcome(attempt, "mend") == "MET"
    finish(attempt.pk, reason="finished", actor="range")
    checker.tick()
    checker.settle()
    attempt.refresh_from_db()
    assert attempt.state == Attempt.State.COLLECTED


def test_a_check_of_events_sees_what_was_judged_just_before(attempt, driver, close_hole):
    mended = {"event": "evidence.recorded", "objective": "mend", "check": "gone"}
    check = TemporalCheck.model_validate(
        {"kind": "temporal", "event": mended, "before": {"event": "sandbox.machine_reset"}}
    )
    probe = probe_for(attempt, driver)
    assert check.judge(probe).reason == "event-missing"
    close_hole()
    services.run_checks(attempt, driver)
    assert check.judge(probe).reason == "event-in-time"
    numbers = [each.number for each in probe.events()]
    assert numbers == sorted(numbers)


def test_a_finish_judges_events_after_everything_else(attempt, driver, close_hole, monkeypatch):
    order = {"event": "evidence.recorded", "objective": "mend"}
    late = {"id": "late", "kind": "temporal", "event": order, "before": {"event": "hint.asked"}}
    spec = objectives_for(attempt)
    mend = next(each for each in spec if each.key == "mend").model_dump(by_alias=True, mode="json")
    mend["checks"] = {"all_of": [mend["checks"], late]}
    changed = [ObjectiveSpec.model_validate(mend)]
    monkeypatch.setattr(collection, "objectives_for", lambda _: changed)
    close_hole()
    finish(attempt.pk, reason="finished", actor="range")
    collection.collect(attempt, driver)
    rows = dict(Evidence.objects.values_list("check_id", "outcome"))
    assert rows["late"] == "MET"
