import pytest
from pydantic import ValidationError

from range.checks.base import Outcome, ProbeUnavailable
from range.checks.temporal import TemporalCheck

CONTAIN = {"event": "evidence.recorded", "objective": "contain"}
REPORT = {"event": "submission.accepted", "objective": "report"}
START = {"event": "sandbox.running"}
RESET = {"event": "sandbox.machine_reset", "machine": "web"}


def check(event=CONTAIN, **fields):
    return TemporalCheck.model_validate({"kind": "temporal", "event": event, **fields})


def contained(probe, *, at=0, outcome="MET"):
    probe.happen("evidence.recorded", at=at, objective="contain", check="cut", outcome=outcome)


def test_before(probe):
    first = check(before=REPORT)
    assert first.judge(probe).reason == "event-missing"
    contained(probe, at=60)
    assert first.judge(probe).outcome is Outcome.MET
    probe.happen("submission.accepted", at=90, objective="report", check="answer")
    assert first.judge(probe).outcome is Outcome.MET
    reverse = check(REPORT, before=CONTAIN)
    assert reverse.judge(probe).reason == "event-at-another-time"


def test_within(probe):
    soon = check(within={"seconds": 900, "after": START})
    contained(probe)
    assert soon.judge(probe).reason == "event-at-another-time"
    probe.happen("sandbox.running", at=10)
    contained(probe, at=911)
    assert soon.judge(probe).outcome is Outcome.UNMET
    assert check(within={"seconds": 901, "after": START}).judge(probe).outcome is Outcome.MET


def test_during(probe):
    inside = check(during={"after": START, "until": RESET})
    contained(probe)
    probe.happen("sandbox.running")
    probe.happen("sandbox.machine_reset", machine="db")
    assert inside.judge(probe).outcome is Outcome.UNMET
    contained(probe)
    assert inside.judge(probe).outcome is Outcome.MET


def test_a_span_ends_and_may_begin_again(probe):
    inside = check(during={"after": START, "until": RESET})
    probe.happen("sandbox.running")
    probe.happen("sandbox.machine_reset", machine="web")
    contained(probe)
    assert inside.judge(probe).reason == "event-at-another-time"
    probe.happen("sandbox.running")
    contained(probe)
    assert inside.judge(probe).outcome is Outcome.MET


def test_never(probe):
    none = check(RESET, never=True)
    assert none.judge(probe).reason == "event-absent"
    probe.happen("sandbox.machine_reset", machine="db")
    assert none.judge(probe).outcome is Outcome.MET
    late = check(RESET, never=True, during={"after": CONTAIN})
    probe.happen("sandbox.machine_reset", machine="web")
    assert none.judge(probe).reason == "event-happened"
    assert late.judge(probe).outcome is Outcome.MET
    contained(probe)
    probe.happen("sandbox.machine_reset", machine="web")
    assert late.judge(probe).reason == "event-happened"


def test_only_success_counts_where_nothing_else_is_said(probe):
    contained(probe, outcome="UNMET")
    assert check(before=REPORT).judge(probe).reason == "event-missing"
    lost = check(CONTAIN | {"outcome": "unmet"}, never=True)
    assert lost.judge(probe).reason == "event-happened"
    assert check(CONTAIN | {"outcome": "any"}, before=REPORT).judge(probe).outcome is Outcome.MET
    other = CONTAIN | {"outcome": "any", "check": "other"}
    assert check(other, before=REPORT).judge(probe).reason == "event-missing"


def test_trap_a_reset_does_not_wind_the_clock_back(probe):
    probe.happen("sandbox.running")
    probe.happen("sandbox.running", at=5000)
    contained(probe, at=5100)
    assert check(within={"seconds": 900, "after": START}).judge(probe).outcome is Outcome.UNMET


def test_trap_the_order_is_the_records_whatever_a_machines_clock_says(probe):
    probe.happen("submission.accepted", at=0, objective="report")
    contained(probe, at=-3600)
    assert check(before=REPORT).judge(probe).reason == "event-at-another-time"


TYPED = {"event": "console.command", "text": "^nmap "}


@pytest.mark.parametrize("fields", [{"event": TYPED, "never": True}, {"before": TYPED}])
def test_trap_what_a_trainee_types_never_decides(probe, fields):
    with pytest.raises(ValidationError, match="give role: supporting"):
        check(**fields)
    assert check(role="supporting", **fields).role == "supporting"


def test_a_typed_command_is_told_by_its_text(probe):
    probe.happen("console.command", machine="box", text="cat nmap.txt")
    typed = check(TYPED, before=REPORT, role="supporting")
    assert typed.judge(probe).reason == "event-missing"
    probe.happen("console.command", machine="box", text="nmap -sV web")
    assert typed.judge(probe).outcome is Outcome.MET


def test_events_nobody_could_read_are_not_judged(probe):
    probe.down = True
    with pytest.raises(ProbeUnavailable):
        check(never=True).judge(probe)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"never": True, "before": REPORT},
        {"during": {"after": START}, "before": REPORT},
        {"event": {"event": "evidence.recordet"}, "never": True},
    ],
)
def test_a_check_asks_one_question_about_events_that_exist(fields):
    with pytest.raises(ValidationError):
        check(**fields)
