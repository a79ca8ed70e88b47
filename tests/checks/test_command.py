import pytest
from pydantic import ValidationError

from range.checks.base import Outcome, ProbeUnavailable, ToolResult
from range.checks.command import FILES_LIMIT, CommandCheck

CONFIG = "/srv/app.json"


def check(**fields):
    whole = {"kind": "command", "machine": "box", "run": ["/usr/bin/lint", CONFIG]}
    return CommandCheck.model_validate(whole | {"reads": [CONFIG]} | fields)


def ended(code=0, stdout=b"all fine", stderr=b"", **more):
    return lambda files: ToolResult(exit_code=code, stdout=stdout, stderr=stderr, **more)


@pytest.fixture
def lint(probe):
    probe.file(CONFIG, "{}")
    probe.tools["/usr/bin/lint"] = ended()
    return probe


def test_a_program_that_ends_and_prints_as_expected_is_met(lint):
    judged = check(contains=["^all fine$"], not_contains=["warning"]).judge(lint)
    assert judged.outcome is Outcome.MET
    assert lint.ran[0]["files"] == {CONFIG: b"{}"}
    assert lint.ran[0]["replaced"] == (CONFIG,)


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (ended(2, stderr=b"line 3: no colon"), "exit-code-differs"),
        (ended(stdout=b"one warning"), "content-still-there"),
        (ended(stdout=b""), "content-missing"),
        (ended(137, timed_out=True), "tool-too-slow"),
    ],
)
def test_what_differs_is_named_with_what_was_printed(lint, result, reason):
    lint.tools["/usr/bin/lint"] = result
    judged = check(contains=["fine|warning"], not_contains=["warning"]).judge(lint)
    assert (judged.outcome, judged.reason) == (Outcome.UNMET, reason)
    assert "exit code" in judged.excerpt


def test_a_program_the_image_lacks_is_the_authors_fault(lint):
    judged = check(run=["/usr/bin/absent"]).judge(lint)
    assert (judged.outcome, judged.reason) == (Outcome.INCONCLUSIVE, "tool-missing")


def test_a_folder_is_copied_without_links(lint):
    lint.folder("/srv/conf.d")
    lint.file("/srv/conf.d/a.conf", "a")
    lint.link("/srv/conf.d/b.conf", "/etc/shadow")
    assert check(reads=["/srv/conf.d"]).judge(lint).outcome is Outcome.MET
    assert lint.ran[0]["files"] == {"/srv/conf.d/a.conf": b"a"}


@pytest.mark.parametrize(
    ("put", "reason"),
    [
        (lambda probe: probe.files.pop(("box", CONFIG)), "file-missing"),
        (lambda probe: probe.link(CONFIG, "/etc/passwd"), "file-is-link"),
        (lambda probe: probe.file(CONFIG, "", size_bytes=2 << 20), "file-too-large"),
    ],
)
def test_trap_a_file_taken_away_is_not_the_one_of_the_image(lint, put, reason):
    put(lint)
    judged = check().judge(lint)
    assert (judged.outcome, judged.reason) == (Outcome.UNMET, reason)
    assert lint.ran == []


def test_trap_a_flooded_folder_ends_soon(lint):
    lint.folder("/srv/conf.d")
    for number in range(FILES_LIMIT + 1):
        lint.file(f"/srv/conf.d/{number}", "x")
    assert check(reads=["/srv/conf.d"]).judge(lint).reason == "too-many-files"


@pytest.mark.parametrize(
    "path", ["/usr/bin/lint", "/lib/x.so", "/etc/ld.so.preload", "/", "/etc", "/usr"]
)
def test_trap_nothing_of_the_machine_becomes_part_of_the_program(path):
    with pytest.raises(ValidationError, match="would change the trusted program"):
        check(reads=[path])


def test_trap_a_program_found_by_its_name_or_run_inside_cannot_decide(lint):
    with pytest.raises(ValidationError, match="absolute path"):
        check(run=["lint"])
    with pytest.raises(ValidationError, match="role: supporting"):
        check(where="inside", reads=[])
    lint.tools["lint"] = ended()
    inside = check(where="inside", reads=[], run=["lint"], role="supporting", account="ann")
    assert inside.judge(lint).outcome is Outcome.MET
    assert lint.ran[0]["files"] == {"account": "ann"}


def test_a_machine_nobody_could_look_at_is_not_judged(lint):
    lint.down = True
    with pytest.raises(ProbeUnavailable):
        check().judge(lint)
