import io
import os

import pytest

from range.operations.steps import STEPS, Runner, Step, StepFailed, tail

MANAGE = """
import pathlib, sys, time
ran = pathlib.Path("ran")
ran.write_text((ran.read_text() if ran.exists() else "") + " ".join(sys.argv[1:]) + "\\n")
if "wait" in sys.argv:
    while not pathlib.Path("go").exists():
        time.sleep(0.02)
if "go" in sys.argv:
    pathlib.Path("go").touch()
if "fail" in sys.argv:
    print("it broke because of this")
    sys.exit(3)
"""


@pytest.fixture
def base(tmp_path):
    (tmp_path / "manage.py").write_text(MANAGE)
    (tmp_path / "input.yaml").write_text("one")
    return tmp_path


def step(*command, **changes):
    return Step(
        **{
            "title": "Do it",
            "command": command or ("do_it",),
            "inputs": ("*.yaml",),
            "advice": "Mend it.",
            **changes,
        }
    )


def run(base, *steps, fingerprint="db1"):
    output = io.StringIO()
    Runner(base=base, fingerprint=fingerprint, environment=dict(os.environ), output=output).run(
        steps
    )
    return output.getvalue()


def ran(base):
    return (base / "ran").read_text().splitlines()


def test_a_step_runs_once_while_nothing_changes(base):
    assert "Do it" in run(base, step("do_it", "--now"))
    assert run(base, step("do_it", "--now")) == ""
    assert ran(base) == ["do_it --now"]


def test_it_runs_again_when_an_input_changes(base):
    run(base, step())
    (base / "input.yaml").write_text("two")
    run(base, step())
    (base / "another.yaml").write_text("new")
    run(base, step())
    assert len(ran(base)) == 3


def test_it_runs_again_for_another_database(base):
    run(base, step(), fingerprint="db1")
    run(base, step(), fingerprint="db2")
    assert len(ran(base)) == 2


def test_a_failure_shows_why_and_what_to_do_and_stops(base):
    with pytest.raises(StepFailed) as failed:
        run(base, step("fail"), step("later"))
    assert "it broke because of this" in failed.value.message
    assert "Mend it." in failed.value.message
    assert ran(base) == ["fail"]


def test_an_optional_step_that_fails_holds_up_nothing_and_is_tried_again(base):
    for _ in range(2):
        told = run(base, step("fail", optional=True), step("later"))
        assert "Mend it." in told
    assert ran(base) == ["fail", "later", "fail"]


def test_a_failed_step_is_tried_again(base):
    for _ in range(2):
        with pytest.raises(StepFailed):
            run(base, step("fail"))
    assert len(ran(base)) == 2


def test_a_step_beside_others_holds_up_none_of_them(base):
    told = run(base, step("wait", title="Slow", beside=True), step("go", title="Quick"))
    assert [line.split()[0] for line in told.splitlines()] == ["Quick", "Slow"]
    assert run(base, step("wait", title="Slow", beside=True), step("go", title="Quick")) == ""


def test_a_failure_ends_what_runs_beside(base):
    with pytest.raises(StepFailed):
        run(base, step("wait", beside=True), step("fail"))
    (base / "go").touch()
    assert not (base / "var" / "stamps" / "step-wait").exists()


def test_only_the_demo_step_depends_on_wanting_a_demo():
    assert [step.command[0] for step in STEPS if step.demo] == ["create_demo"]


def test_every_step_names_a_command_that_exists():
    from django.core.management import get_commands

    known = get_commands()
    assert [step.command[0] for step in STEPS if step.command[0] not in known] == []


def test_every_step_depends_on_files_that_exist():
    from django.conf import settings

    missing = [
        pattern
        for step in STEPS
        for pattern in step.inputs
        if not list(settings.BASE_DIR.glob(pattern))
    ]
    assert missing == []


def test_the_end_of_a_file_that_is_not_there_is_empty(tmp_path):
    assert tail(tmp_path / "none") == ""
