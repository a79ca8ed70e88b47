"""The shell functions behind bin/up: finding an interpreter, doing things once, giving advice."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CLONE = Path(__file__).resolve().parents[2]
REAL = Path(os.path.realpath(sys.executable))


@pytest.fixture
def clone(tmp_path):
    """A clone that holds the shell programs only, and a home and a PATH with nothing of use."""
    folder = tmp_path / "clone"
    (folder / "bin").mkdir(parents=True)
    for name in ("common.sh", "up"):
        shutil.copy(CLONE / "bin" / name, folder / "bin" / name)
    (tmp_path / "home").mkdir()
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "mkdir", "dirname", "id", "ls", "cat", "cut", "sha256sum", "date", "tr"):
        (tools / name).symlink_to(shutil.which(name))
    return folder


def sh(clone, script, **environment):
    return subprocess.run(
        [shutil.which("sh"), "-c", f"set -eu; . bin/common.sh; {script}", "bin/try"],
        cwd=clone,
        env={
            "PATH": str(clone.parent / "tools"),
            "HOME": str(clone.parent / "home"),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def put_python(place, target=REAL):
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


def put_program(place, text):
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"#!{shutil.which('sh')}\n{text}\n")
    place.chmod(0o755)


def test_it_finds_an_interpreter_of_pyenv_that_is_on_no_path(clone):
    put_python(clone.parent / "home" / ".pyenv" / "versions" / "3.13.9" / "bin" / "python3")
    done = sh(clone, "find_interpreter")
    assert done.stdout.strip() == str(REAL), done.stderr


def test_it_finds_one_where_pyenv_was_told_to_put_it(clone, tmp_path):
    put_python(tmp_path / "elsewhere" / "versions" / "3.12.1" / "bin" / "python3")
    done = sh(clone, "find_interpreter", PYENV_ROOT=str(tmp_path / "elsewhere"))
    assert done.stdout.strip() == str(REAL)


def test_a_shim_that_runs_nothing_is_passed_over(clone):
    shim = "echo 'pyenv: python3.13: command not found' >&2; exit 127"
    put_program(clone.parent / "tools" / "python3.13", shim)
    put_python(clone.parent / "tools" / "python3.12")
    assert sh(clone, "find_interpreter").stdout.strip() == str(REAL)


def test_one_that_is_too_old_is_passed_over(clone, tmp_path):
    put_program(clone.parent / "tools" / "python3", "exit 1")
    done = sh(clone, "find_interpreter || echo none", PYENV_ROOT=str(tmp_path / "none"))
    found = done.stdout.strip()
    # This machine may have another one somewhere; then it is new enough.
    if found != "none":
        check = "import sys; sys.exit(sys.version_info < (3, 12))"
        assert subprocess.run([found, "-c", check], check=False).returncode == 0


def test_the_one_that_is_named_comes_first(clone, tmp_path):
    named = tmp_path / "named" / "python"
    put_python(named)
    put_program(clone.parent / "tools" / "python3.13", "echo wrong")
    assert sh(clone, "find_interpreter", MUSTER_PYTHON=str(named)).stdout.strip() == str(REAL)


def test_without_any_it_says_how_to_supply_one(clone):
    done = sh(clone, "no_interpreter")
    assert done.returncode == 1
    assert "3.12" in done.stderr
    assert "MUSTER_PYTHON=" in done.stderr


def test_a_step_tells_its_time_and_keeps_its_words(clone):
    done = sh(clone, "step 'Do a thing' echo words")
    assert done.stdout.startswith("  Do a thing")
    assert done.stdout.rstrip().endswith("s")
    assert "words" not in done.stdout
    assert (clone / "var" / "log" / "setup-Do-a-thing.log").read_text() == "words\n"


def test_a_step_that_fails_shows_why(clone):
    (clone.parent / "tools" / "tail").symlink_to(shutil.which("tail"))
    done = sh(clone, "step 'Do a thing' sh -c 'echo because >&2; exit 3' || echo told")
    assert "because" in done.stderr
    assert "var/log/setup-Do-a-thing.log" in done.stderr
    assert done.stdout.endswith("told\n")


def test_what_is_stamped_is_done_until_its_inputs_change(clone):
    (clone / "input").write_text("one")
    assert sh(clone, 'stamp x "$(digest input)"').returncode == 0
    assert sh(clone, 'stamped x "$(digest input)"').returncode == 0
    (clone / "input").write_text("two")
    assert sh(clone, 'stamped x "$(digest input)"').returncode == 1


def test_without_an_engine_and_without_rights_it_says_what_to_install(clone):
    done = sh(clone, 'no_engine "It does not answer."')
    assert done.returncode == 1
    assert "apt-get install docker.io" in done.stderr
    assert "run this again" in done.stderr
