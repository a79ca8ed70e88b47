import json
import time
from xml.etree import ElementTree

import pytest

from range.authoring.verification import Follower, Verification
from range.authoring.verification_report import as_json, as_junit, as_text
from range.authoring.verified import VerifiedLog
from range.authoring.verify import Verifier
from range.runtime.images import ImageBuildFailed
from tests.authoring.support import ShellDriver, images
from tests.catalog.support import changed, write


def solvable():
    """Return the small scenario, changed so that the fake shell can solve it."""
    data = changed()
    data["machines"]["box"]["seed"][2] = {"text": "way", "to": "/etc/way"}
    data["machines"]["box"]["seed"].append({"text": "work", "to": "/srv/{{ colour }}"})
    data["wrong"]["break"]["steps"] = [
        {"on": "box", "as": "root", "run": "rm /etc/way\nrm /srv/{{ colour }}"}
    ]
    data["wrong"]["break"]["when"] = {"way": "suid"}
    return data


@pytest.fixture
def verify(tmp_path):
    def run(data=None, *, driver=None, build=images, **options):
        folder = write(tmp_path / "small-desk", data or solvable())
        verifier = Verifier(driver=driver or ShellDriver(), build=build, **options)
        return verifier.verify(folder)

    return run


def differing(verification):
    return {run.name: run.differences for run in verification.runs if run.differences}


def test_a_sound_scenario_is_verified(verify):
    driver = ShellDriver()
    found = verify(driver=driver)
    assert differing(found) == {}
    assert found.passed
    assert len(found.runs) == 9
    assert len(found.digest) == 64


def test_no_sandbox_is_left_behind(verify):
    driver = ShellDriver()
    verify(driver=driver)
    assert driver.calls.count("start") == 7
    assert list(driver.running()) == []


def test_a_scenario_that_is_solved_from_the_start_differs(verify):
    data = solvable()
    data["machines"]["box"]["seed"][2]["to"] = "/etc/elsewhere"
    found = verify(data)
    assert not found.passed
    (difference,) = differing(found)["fresh[way=cron]"]
    assert difference.startswith("mend: expected unmet, found met: gone: file-gone")


def test_a_check_that_is_too_weak_is_caught_by_a_wrong_solution(verify):
    data = solvable()
    data["objectives"][1]["checks"]["all_of"] = data["objectives"][1]["checks"]["all_of"][:1]
    found = differing(verify(data))
    assert set(found) == {"wrong-break[way=suid]"}
    assert "mend: expected unmet, found met" in found["wrong-break[way=suid]"][0]


def test_a_reference_that_does_not_solve_is_named_with_what_was_seen(verify):
    data = solvable()
    data["reference"]["mend"] = [{"on": "box", "as": "root", "run": "true"}]
    found = differing(verify(data))
    assert set(found) == {"reference[way=cron]", "reference[way=suid]"}
    assert "gone: file-there (/etc/way)" in found["reference[way=cron]"][0]


def test_a_step_that_fails_is_a_difference_and_frees_the_sandbox(verify):
    data = solvable()
    data["reference"]["mend"] = [{"on": "box", "as": "root", "run": "break it"}]
    driver = ShellDriver()
    found = differing(verify(data, driver=driver))
    assert "reference.mend, step 1: ended with 1" in found["reference[way=cron]"][0]
    assert list(driver.running()) == []


def test_an_engine_that_goes_away_is_told_for_each_run(verify):
    driver = ShellDriver()
    driver.fail_next("start", "capacity")
    found = verify(driver=driver, parallel=1)
    assert len(differing(found)) == 1
    assert not found.passed


def test_a_report_that_waits_for_a_person_counts_as_met_here(verify):
    data = solvable()
    data["objectives"][1]["checks"]["all_of"].append(
        {
            "kind": "rubric",
            "artefact": "box:/srv/report",
            "min_characters": 5,
            "criteria": [{"id": "cause", "title": "Names the cause"}],
        }
    )
    assert set(differing(verify(data))) == {"reference[way=cron]", "reference[way=suid]"}
    data["reference"]["mend"].append(
        {"on": "box", "put": "knowledge/rights.md", "to": "/srv/report"}
    )
    assert differing(verify(data)) == {}


def test_a_flag_check_that_accepts_anything_is_caught(verify, monkeypatch):
    from range.checks.flag import FlagCheck
    from range.checks.judgements import met

    monkeypatch.setattr(FlagCheck, "judge", lambda *_args, **_options: met())
    found = differing(verify())
    assert "foreign-flag[way=cron]" in found
    assert "fresh[way=cron]" in found


def test_a_scenario_that_is_not_valid_is_not_started(verify):
    driver = ShellDriver()
    found = verify(changed(wrong={}), driver=driver)
    assert "a wrong solution" in found.error
    assert driver.calls == []


def test_images_that_cannot_be_built_are_told(verify):
    def fail(spec, folder):
        raise ImageBuildFailed("range/x:1", "no space left")

    assert "no space left" in verify(build=fail).error


def test_runs_can_be_chosen(tmp_path):
    folder = write(tmp_path / "small-desk", solvable())
    watching = Watching()
    verifier = Verifier(driver=ShellDriver(), build=images, follower=watching)
    found = verifier.verify(folder, only=lambda run: run.name == "fresh")
    assert [run.name for run in found.runs] == ["fresh[way=cron]", "fresh[way=suid]"]
    assert len(watching.results) == 2


def test_reports_tell_the_same_in_three_forms(verify):
    data = solvable()
    data["reference"]["mend"] = [{"on": "box", "as": "root", "run": "true"}]
    found = verify(data)
    text = as_text(found)
    assert "small-desk: DIFFERS, 7 of 9 runs as expected" in text
    assert "mend: expected met, found unmet" in text
    value = json.loads(as_json(found))
    assert (value["id"], value["passed"], len(value["runs"])) == ("small-desk", False, 9)
    assert value["runs"][0].keys() == {
        *("name", "expected", "found", "seconds", "as_expected", "differences"),
    }
    assert "\n" not in as_json(found)
    root = ElementTree.fromstring(as_junit([found]))
    assert len(root.findall("testsuite/testcase")) == 9
    assert len(root.findall("testsuite/testcase/failure")) == 2


def test_reports_of_what_could_not_be_verified():
    found = Verification(id="x", error="line one\nline two\x1b[0m")
    assert "could not be verified\n  line one\n  line two" in as_text(found)
    assert json.loads(as_json(found))["error"].startswith("line one")
    case = ElementTree.fromstring(as_junit([found])).find("testsuite/testcase/error")
    assert case.get("message").startswith("line one")


def test_what_passed_is_remembered_until_it_changes(tmp_path, monkeypatch):
    log = VerifiedLog(path=tmp_path / "deep" / "verified.json")
    assert not log.knows("d1")
    log.add("desk", "d1")
    log.add("other", "d9")
    assert log.knows("d1")
    log.add("desk", "d2")
    assert (log.knows("d1"), log.knows("d2"), log.knows("d9")) == (False, True, True)
    assert set(log.entries()) == {"desk", "other"}
    monkeypatch.setattr("range.authoring.verified.GRADER_VERSION", "newer")
    assert not log.knows("d2")


@pytest.mark.parametrize("content", ["", "[]", "not json", '{"desk": "d1"}', "\x00"])
def test_a_broken_memory_only_means_verifying_again(tmp_path, content):
    path = tmp_path / "verified.json"
    path.write_text(content)
    log = VerifiedLog(path=path)
    assert not log.knows("d1")
    log.add("desk", "d2")
    assert log.knows("d2")


def test_events_are_there_in_the_order_of_a_solutions_steps(verify):
    data = solvable()
    flag = {"event": "submission.accepted", "objective": "enter"}
    mended = {"event": "evidence.recorded", "objective": "mend", "check": "gone"}
    order = {"id": "order", "kind": "temporal", "event": flag, "before": mended}
    data["objectives"][1]["checks"]["all_of"].append(order)
    data["verify"] = [{"name": "all", "run": "reference", "expect": {"objectives": "met"}}]
    assert differing(verify(data)) == {}
    order["before"] = {"event": "attempt.begun"}
    found = differing(verify(data))
    assert "order: event-at-another-time" in str(found)


class Watching(Follower):
    """Writes down what it is told, and ends the verification after some runs."""

    def __init__(self, *, most=1000):
        self.names, self.begun, self.results, self.most = [], [], [], most

    def planned(self, runs):
        self.names = [run.label for run in runs]

    def began(self, run):
        self.begun.append(run.label)

    def ended(self, run, result):
        self.results.append(result)

    def is_stopped(self):
        return len(self.results) >= self.most


def test_whoever_follows_is_told_of_every_run(verify):
    watching = Watching()
    found = verify(follower=watching)
    assert sorted(watching.names) == sorted(watching.begun)
    assert {result.name for result in watching.results} == set(watching.names)
    fresh = next(result for result in watching.results if result.name.startswith("fresh"))
    assert fresh.checks["mend"]["gone"].outcome.value == "UNMET"
    assert found.passed


def test_a_stopped_verification_passes_nothing_and_leaves_nothing(verify):
    driver = ShellDriver()
    found = verify(driver=driver, follower=Watching(most=2), parallel=1)
    assert found.stopped
    assert not found.passed
    assert len(found.runs) == 2
    assert list(driver.running()) == []


def test_a_stop_is_noticed_within_a_wait(verify):
    data = solvable()
    data["verify"] = [
        {"name": "idle", "wait_seconds": 600, "expect": {"objectives": "unmet"}},
        {"name": "reference", "run": "reference", "expect": {"objectives": "met"}},
    ]
    watching = Watching(most=0)
    looks = iter([False] * 4)
    watching.is_stopped = lambda: next(looks, True)
    began = time.monotonic()
    assert verify(data, follower=watching, parallel=1).stopped
    assert time.monotonic() - began < 60
