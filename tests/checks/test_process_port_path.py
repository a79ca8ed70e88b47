import pytest
from pydantic import ValidationError

from range.checks.base import Outcome, ProbeUnavailable
from range.checks.network_path import NetworkPathCheck
from range.checks.port import PortCheck
from range.checks.process import ProcessCheck


def process(**fields):
    return ProcessCheck.model_validate({"kind": "process", "machine": "box", **fields})


def test_a_running_program_is_found_with_its_owner(probe):
    probe.process("nginx: master process", executable="/usr/sbin/nginx", uid=0)
    assert process(any_match="nginx").judge(probe).outcome is Outcome.MET
    assert process(any_match="nginx", owner=33).judge(probe).reason == "process-missing"
    assert process(any_match="nginx", owner="root").judge(probe).outcome is Outcome.MET
    assert process(any_match="nginx", at_least=2).judge(probe).reason == "process-missing"


def test_a_program_that_must_be_gone(probe):
    assert process(none_match="implant").judge(probe).outcome is Outcome.MET
    probe.process("/tmp/implant", "-d")
    judged = process(none_match="implant").judge(probe)
    assert judged.reason == "process-still-runs"
    assert "implant" in judged.excerpt


def test_trap_a_renamed_process_is_known_by_its_executable(probe):
    probe.process("[kworker/0:1]", executable="/usr/local/bin/implant")
    assert process(none_match=r"/implant$").judge(probe).outcome is Outcome.UNMET


def test_trap_a_stand_in_with_the_right_words_is_not_the_service(probe):
    probe.process("nginx: master process", executable="/usr/bin/sleep")
    assert process(any_match=r"^/usr/sbin/nginx$").judge(probe).outcome is Outcome.UNMET


@pytest.mark.parametrize("fields", [{}, {"any_match": "a", "none_match": "b"}])
def test_a_process_check_asks_one_question(fields):
    with pytest.raises(ValidationError):
        process(**fields)


def port(**fields):
    return PortCheck.model_validate({"kind": "port", "from": "lan", "to": "web:80", **fields})


def test_ports_are_tried_by_connecting(probe):
    assert port().judge(probe).reason == "port-closed"
    assert port(open=False).judge(probe).outcome is Outcome.MET
    probe.open_ports.add(("lan", "web", 80))
    assert port().judge(probe).outcome is Outcome.MET
    judged = port(open=False).judge(probe)
    assert (judged.outcome, judged.reason) == (Outcome.UNMET, "port-open")


def test_a_port_nobody_could_try_is_not_judged(probe):
    probe.down = True
    with pytest.raises(ProbeUnavailable):
        port(open=False).judge(probe)


def paths():
    return NetworkPathCheck.model_validate(
        {
            "kind": "network_path",
            "matrix": [
                {"from": "lan", "to": "db:5432", "expect": "deny"},
                {"from": "lan", "to": "web:80", "expect": "allow"},
                {"from": "dmz", "to": "db:5432", "expect": "allow"},
                {"from": "dmz", "to": "web:22", "expect": "deny"},
            ],
        }
    )


def test_every_cell_of_the_matrix_must_hold(probe):
    probe.open_ports |= {("lan", "web", 80), ("dmz", "db", 5432)}
    assert paths().judge(probe).outcome is Outcome.MET


def test_trap_closing_everything_is_not_a_segmentation(probe):
    judged = paths().judge(probe)
    assert (judged.outcome, judged.score) == (Outcome.UNMET, 0.5)
    assert "lan -> web:80: wanted allow" in judged.excerpt


def test_trap_opening_everything_is_not_one_either(probe):
    probe.open_ports |= {
        ("lan", "web", 80),
        ("dmz", "db", 5432),
        ("lan", "db", 5432),
        ("dmz", "web", 22),
    }
    assert paths().judge(probe).score == 0.5
