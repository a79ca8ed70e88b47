from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from range.authoring.plan import attempt_with
from range.authoring.solving import Solver, StepFailed
from range.catalog.reader import read_scenario
from range.catalog.rendering import rendered
from range.catalog.topology_builder import build_topology
from range.lib import clock
from tests.authoring.support import ShellDriver, images
from tests.catalog.support import changed, write


@pytest.fixture
def solver(tmp_path):
    """Make a solver whose reference of `enter` is the given steps."""

    def make(*steps, files=None, objectives=None):
        data = changed(reference=changed()["reference"] | {"enter": list(steps)})
        if objectives:
            data["objectives"] = objectives
        loaded = read_scenario(write(tmp_path / "s", data, files=files))
        _, values = attempt_with(loaded.spec, b"s", {"way": "suid"})
        spec = rendered(loaded.spec, values)
        topology = build_topology(
            spec,
            assets=loaded.assets,
            images=images(spec, None),
            values=values,
        )
        driver = ShellDriver()
        handle = driver.start(uuid4(), topology, deadline=clock.now() + timedelta(minutes=1))
        return Solver(driver, handle, spec, loaded.assets, values)

    return make


def step(run, **fields):
    return {"on": "box", "run": run, **fields}


def test_a_flag_in_the_output_is_handed_in(solver):
    made = solver(step("echo found:\ncat /srv/note", submit="enter"))
    made.reference()
    assert made.submissions == {("enter", "flag"): made.values["flag_enter"]}


def test_steps_run_as_the_consoles_account_unless_told_otherwise(solver):
    made = solver(step("true"), step("true", **{"as": "root"}))
    made.reference("enter")
    assert made.driver.ran == [("trainee", "true"), ("root", "true")]


def test_escape_sequences_do_not_hide_a_flag(solver):
    made = solver(step("echo '\x1b[1mFLAG{'", may_fail=True))
    flag = made.values["flag_enter"]
    made = solver(step(f"echo '\x1b[31m{flag[:9]}\x1b[0m{flag[9:]}'", submit="enter"))
    made.reference("enter")
    assert made.submissions["enter", "flag"] == flag


def test_a_step_that_fails_says_which_and_how(solver):
    made = solver(step("echo before\nbreak things"))
    with pytest.raises(StepFailed) as caught:
        made.reference()
    assert "reference.enter, step 1: ended with 1 as trainee on box" in str(caught.value)
    assert "cannot break things" in str(caught.value)


def test_attack_what_a_database_cannot_hold_is_left_out_of_what_was_printed(solver):
    made = solver(step("environ"))
    with pytest.raises(StepFailed, match="HOME=/rootSHELL=/bin/bash"):
        made.reference()


def test_a_capture_that_takes_too_long_says_which_step(solver):
    costly = {"objective": "enter", "check": "which", "capture": r"(a|aa)+$"}
    objectives = changed()["objectives"]
    answer = {"id": "which", "kind": "answer", "prompt": "?", "equals": "x"}
    objectives[0]["checks"] = {"all_of": [{"kind": "flag"}, answer]}
    made = solver(step(f"echo {'a' * 5000}b", submit=costly), objectives=objectives)
    with pytest.raises(StepFailed, match=r"reference\.enter, step 1: the pattern under capture"):
        made.reference()


def test_a_step_may_be_allowed_to_fail(solver):
    made = solver(step("break things", may_fail=True), step("true"))
    made.reference("enter")
    assert len(made.driver.ran) == 2


def test_a_step_that_hangs_is_told_apart(solver):
    made = solver(step("hang", timeout_seconds=7, may_fail=True))
    with pytest.raises(StepFailed, match="not done after 7 s"):
        made.reference()


def test_output_without_a_flag_cannot_be_handed_in(solver):
    made = solver(step("echo nothing", submit="enter"))
    with pytest.raises(StepFailed, match="nothing to hand in"):
        made.reference()


def test_a_flag_can_be_read_from_a_file(solver):
    made = solver({"submit": {"objective": "enter", "from": "box:/srv/note"}})
    made.reference("enter")
    assert made.submissions["enter", "flag"] == made.values["flag_enter"]
    missing = solver({"submit": {"objective": "enter", "from": "box:/none"}})
    with pytest.raises(StepFailed, match="no file"):
        missing.reference()


def test_an_answer_is_captured_from_the_output(solver):
    objectives = changed()["objectives"]
    objectives[0]["checks"] = {
        "all_of": [
            {"kind": "flag"},
            {"id": "which", "kind": "answer", "prompt": "?", "equals": "{{ colour }}"},
        ]
    }
    made = solver(
        step(
            "echo colour=green end",
            submit={"objective": "enter", "check": "which", "capture": r"colour=(\w+)"},
        ),
        {"submit": {"objective": "enter", "check": "flag", "text": "{{ flag_enter }}"}},
        objectives=objectives,
    )
    made.reference("enter")
    assert made.submissions == {
        ("enter", "which"): "green",
        ("enter", "flag"): made.values["flag_enter"],
    }


def test_a_submission_must_name_its_check_where_there_are_several(solver):
    objectives = changed()["objectives"]
    answer = {"kind": "answer", "prompt": "?", "equals": "x"}
    objectives[0]["checks"] = {"all_of": [{"kind": "flag"}, answer]}
    made = solver(step("echo x", submit="enter"), objectives=objectives)
    with pytest.raises(StepFailed, match="2 checks to hand in for"):
        made.reference()


def test_scripts_and_files_are_filled_in_like_templates(solver):
    files = {"reference/solve.sh": "echo {{ colour }}\n", "reference/app.py": "X = '{{ colour }}'"}
    made = solver(
        {"on": "box", "script": "reference/solve.sh"},
        {"on": "box", "put": "reference/app.py", "to": "/srv/app.py", "mode": "0640"},
        files=files,
    )
    made.reference("enter")
    assert made.driver.ran == [("trainee", f"echo {made.values['colour']}\n")]
    placed = made.driver.machine(made.handle, "box").files["/srv/app.py"]
    assert placed.data == f"X = '{made.values['colour']}'".encode()
    assert placed.mode == 0o640


def test_waiting_uses_the_ranges_clock(solver):
    made = solver({"wait_seconds": 600})
    with clock.frozen(datetime(2030, 1, 1, tzinfo=UTC)):
        made.reference("enter")
        assert clock.now() == datetime(2030, 1, 1, 0, 10, tzinfo=UTC)


def test_a_wrong_solution_builds_on_the_references_it_names(solver):
    made = solver(step("echo first"))
    made.wrong("hide")
    assert made.driver.ran == [("root", "true")]
    made.spec.wrong["hide"].__dict__["after"] = ("enter",)
    made.wrong("hide")
    assert made.driver.ran[1:] == [("trainee", "echo first"), ("root", "true")]
