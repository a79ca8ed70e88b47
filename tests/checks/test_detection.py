import json

import pytest
from pydantic import ValidationError

from range.checks.base import Outcome, ProbeUnavailable
from range.checks.detection import DetectionCheck

RULE = "/home/ann/rule.yml"
GOOD = "detection: {s: {cmd|contains: whoami, host: web}, condition: s}"
# Knows the indicators of the examples instead of what they have in common.
BY_HEART = "detection: {s: {ip: [198.51.100.1, 198.51.100.2]}, condition: s}"
EVERYTHING = "detection: {s: {cmd: '*'}, condition: s}"
NOTHING = "detection: {s: {cmd: zzz}, condition: s}"
LABEL_READER = "detection: {s: {label: true}, condition: s}"
NUMBER_READER = "detection: {s: {n|lt: 10}, condition: s}"


def lines(first, *, bad=10, good=40):
    rows = []
    for number in range(bad + good):
        is_bad = number < bad
        cmd = "sh -c WHOAMI" if is_bad or number % 4 == 0 else "ls"
        host = "web" if is_bad or number % 4 else "desk"
        row = {"ip": f"198.51.100.{first + number}", "cmd": cmd, "host": host, "n": number}
        rows.append(json.dumps(row | {"label": is_bad}))
    return "\n".join(rows).encode()


@pytest.fixture
def tried(probe):
    probe.assets["seen.jsonl", False] = lines(1, bad=2, good=8)
    probe.assets["unseen.jsonl", False] = lines(100)

    def tried(rule=GOOD, **fields):
        probe.file(RULE, rule)
        return check(**fields).judge(probe)

    return tried


def check(**fields):
    whole = {
        "kind": "detection",
        "rule": f"box:{RULE}",
        "hidden": {"file": "unseen.jsonl"},
        "visible": {"file": "seen.jsonl"},
    }
    return DetectionCheck.model_validate(whole | fields)


def test_a_rule_that_finds_what_it_should_is_met(tried):
    judged = tried()
    assert (judged.outcome, judged.reason) == (Outcome.MET, "rule-holds")
    assert "hidden records: 10 of 10 found, 0 of 40 harmless ones taken for it" in judged.excerpt


def test_the_small_language_does_as_well(tried):
    rule = 'cmd contains "whoami" and host = "web"'
    assert tried(rule, language="lines").outcome is Outcome.MET
    assert tried(rule).reason == "rule-not-understood"


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (EVERYTHING, "rule-false-alarms"),
        (BY_HEART, "rule-misses"),
        (NOTHING, "rule-misses"),
        (LABEL_READER, "rule-misses"),
        ("detection: {s: {cmd|contains: whoami}, condition: s}", "rule-false-alarms"),
        ("no rule", "rule-not-understood"),
        ("x" * 70_000, "rule-too-large"),
        ("", "rule-missing"),
    ],
)
def test_trap_catch_all_and_memorised_rules_do_not_pass(tried, rule, reason):
    judged = tried(rule)
    assert (judged.outcome, judged.reason) == (Outcome.UNMET, reason)
    if rule in (EVERYTHING, NOTHING):
        assert judged.score == 0.0


def test_trap_a_running_number_can_be_kept_from_rules(tried):
    fields = {"visible": None}
    assert tried(NUMBER_READER, **fields).outcome is Outcome.MET
    assert tried(NUMBER_READER, unseen_fields=["n"], **fields).reason == "rule-misses"


def test_thresholds_decide(tried):
    rule = "detection: {s: {cmd|contains: whoami}, condition: s}"
    lenient = {"min_precision": 0.4, "max_false_positives": 10}
    assert tried(rule, **lenient).outcome is Outcome.MET
    assert tried(rule, **lenient | {"max_false_positives": 7}).reason == "rule-false-alarms"
    assert tried(rule, **lenient | {"min_precision": 0.7}).reason == "rule-false-alarms"


def test_hidden_records_may_be_those_of_the_attempt(tried, probe):
    probe.assets["unseen.jsonl", True] = lines(100, bad=1, good=3)
    judged = tried(hidden={"template": "unseen.jsonl"})
    assert "1 of 1 found, 0 of 3" in judged.excerpt


def test_trap_a_link_is_no_rule_and_a_bomb_ends(tried, probe):
    slow = "detection: {s: {cmd|re: '^(a|a|aa)+$'}, condition: s}"
    row = {"cmd": "a" * 5000 + "!", "label": True}
    probe.assets["unseen.jsonl", False] = json.dumps(row).encode()
    assert tried(slow).reason == "rule-too-costly"
    probe.link(RULE, "/srv/corpora/labels")
    assert check().judge(probe).reason == "rule-missing"


@pytest.mark.parametrize("data", [b"[1]", b"{", b'{"a": 1}', b"\xff"])
def test_an_authors_broken_records_are_not_the_trainees_failure(tried, probe, data):
    probe.assets["unseen.jsonl", False] = data
    judged = tried()
    assert (judged.outcome, judged.reason) == (Outcome.INCONCLUSIVE, "corpus-broken")


def test_records_or_machines_nobody_could_read_are_not_judged(tried, probe):
    with pytest.raises(ProbeUnavailable):
        tried(hidden={"file": "absent.jsonl"})
    probe.down = True
    with pytest.raises(ProbeUnavailable):
        check().judge(probe)


@pytest.mark.parametrize(
    "fields",
    [
        {"hidden": {}},
        {"hidden": {"file": "a", "template": "b"}},
        {"hidden": {"file": "/etc/passwd"}},
        {"rule": "rule.yml"},
        {"language": "yara"},
    ],
)
def test_checks_that_make_no_sense_are_refused(fields):
    with pytest.raises(ValidationError):
        check(**fields)
