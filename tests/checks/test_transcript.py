import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from range.checks.base import Outcome
from range.checks.transcript import TranscriptCheck, simple_commands


def check(**fields):
    return TranscriptCheck.model_validate({"kind": "transcript", "program": ["nmap"], **fields})


@pytest.mark.parametrize(
    "line",
    [
        "nmap -sS web",
        "/usr/bin/nmap web",
        "sudo nmap web",
        "sudo -n nmap web",
        "cd /tmp && nmap web | tee out",
        "FOO=1 nmap web",
        "time nmap web; echo done",
        "(nmap web)",
    ],
)
def test_a_program_that_was_started_is_found(probe, line):
    probe.typed(line)
    assert check().judge(probe).outcome is Outcome.MET


@pytest.mark.parametrize(
    "line",
    [
        "echo nmap -sS web",
        "echo 'sudo nmap web; nmap'",
        "# nmap web",
        "cat nmap.txt",
        "printf '%s' \"$(echo nmap)\"",
        "nmap 'unclosed",
        "",
    ],
)
def test_trap_words_that_are_only_printed_do_not_count(probe, line):
    probe.typed(line)
    assert check().judge(probe).reason == "command-not-typed"


def test_machine_arguments_and_exit_code_are_compared(probe):
    probe.typed("nmap -sV web", machine="kali", exit_code=1)
    assert check(machine="kali").judge(probe).outcome is Outcome.MET
    assert check(machine="web").judge(probe).outcome is Outcome.UNMET
    assert check(arguments="-sV").judge(probe).outcome is Outcome.MET
    assert check(arguments="-sU").judge(probe).outcome is Outcome.UNMET
    assert check(exit_code=0).judge(probe).outcome is Outcome.UNMET


def test_it_can_never_be_required():
    with pytest.raises(ValidationError):
        check(role="required")
    assert check().role == "supporting"


@given(st.text(max_size=300))
def test_no_typed_line_breaks_the_splitting(line):
    for words in simple_commands(line):
        assert words
