"""What a role's process loads stays in it: what only others need must not be there."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.clone import clean_environment

CLONE = Path(__file__).resolve().parents[2]
# A role as it is when its work begins, asked what it has loaded by then.
ASK = """
import importlib, sys
from django.core.management import execute_from_command_line
command, *further = sys.argv[1:]
import django
django.setup()
from django.core.management import get_commands
module = importlib.import_module(f"{get_commands()[command]}.management.commands.{command}")
def told(*args, **options):
    for each in further:
        importlib.import_module(each)
    print(*sys.modules)
module.Command.handle = told
execute_from_command_line(["manage.py", command])
"""
# Pages and their addresses, models of language, developers' tools, and what one kind of check
# loads when it is judged.
NO_LOOP_NEEDS = {
    "range.urls", "tutor.views", "langchain_core", "openai", "onnxruntime", "rich", "asyncssh",
}  # fmt: skip
# What reads scenarios, writes their texts and judges them.
NO_CONSOLE_NEEDS = NO_LOOP_NEEDS | {
    "range.catalog.schema", "range.checks.kinds", "regex",
    "range.catalog.services", "jinja2", "ruamel.yaml", "markdown_it", "nh3", "tutor.services",
    "numpy", "paramiko", "docker", "requests",
    "pydantic", "click", "greenlet", "pgvector", "range.authoring.models",
    "range.assessment.models",
}  # fmt: skip
SERVING = ("range.console.asgi", "range.console.opening", "range.runtime.docker_console", "uvloop")


def loaded(command, *further, settings="range.settings"):
    done = subprocess.run(
        [sys.executable, "-c", ASK, command, *further],
        cwd=CLONE,
        env=clean_environment() | {
            "DJANGO_DEBUG": "1", "RANGE_RUNTIME_ENV": "", "RANGE_LOG_FORMAT": "json",
            "DJANGO_SETTINGS_MODULE": settings, "PYTHONPATH": str(CLONE),
        },
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return set(done.stdout.split())


def test_the_console_role_loads_no_pages_and_nothing_that_writes_scenarios():
    modules = loaded("run_console", *SERVING, settings="range.settings_console")
    assert modules >= {*SERVING, "range.console.consumers", "range.catalog.values"}
    assert not modules & NO_CONSOLE_NEEDS


def test_every_model_that_the_console_roles_models_name_is_among_its_apps():
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--tag", "models", "--fail-level", "WARNING",
         "--settings", "range.settings_console"],
        cwd=CLONE,
        env=clean_environment() | {"DJANGO_DEBUG": "1", "RANGE_RUNTIME_ENV": ""},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize(
    "command", ["run_view", "run_reconciler", "run_checker", "run_builder", "run_workshop"]
)
def test_roles_without_pages_load_none(command):
    assert not loaded(command) & NO_LOOP_NEEDS
