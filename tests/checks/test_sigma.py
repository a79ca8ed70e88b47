import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.checks.patterns import Budget, PatternTooCostly
from range.checks.rule_logic import Record, RuleInvalid
from range.checks.sigma import read_sigma

EVENT = {
    "EventID": 4625,
    "Image": r"C:\Windows\System32\cmd.exe",
    "CommandLine": "cmd /c WHOAMI && net user",
    "src": {"ip": "198.51.100.7", "port": 4444},
    "Groups": ["users", "Admins"],
    "Parent": None,
}


def holds(detection, event=EVENT):
    text = "title: t\nlogsource: {product: any}\ndetection:\n"
    text += "\n".join(f"  {line}" for line in detection.strip().splitlines())
    return read_sigma(text.encode())(Record(event), Budget(2))


@pytest.mark.parametrize(
    ("search", "wanted"),
    [
        ("s: {EventID: 4625}", True),
        ("s: {EventID: [1, 4625]}", True),
        ("s: {EventID: '4625'}", True),
        ("s: {EventID: 462}", False),
        ("s: {Missing: x}", False),
        ("s: {CommandLine: cmd}", False),
        ("s: {CommandLine|contains: whoami}", True),
        ("s: {CommandLine|contains|cased: whoami}", False),
        ("s: {CommandLine|contains: [whoami, absent]}", True),
        ("s: {CommandLine|contains|all: [whoami, absent]}", False),
        ("s: {CommandLine|contains|all: [whoami, net]}", True),
        ("s: {CommandLine|startswith: CMD}", True),
        ("s: {CommandLine|endswith: user}", True),
        ("s: {CommandLine|startswith: whoami}", False),
        ("s: {CommandLine: 'cmd*net ????'}", True),
        ("s: {CommandLine: 'cmd*net ???'}", False),
        ("s: {CommandLine: 'cmd*who*who*'}", False),
        (r"s: {Image|endswith: '\cmd.exe'}", True),
        (r"s: {Image: '*\\System32\\*'}", True),
        (r"s: {CommandLine|contains: '\*'}", False),
        ("s: {CommandLine|re: 'WHO[A-Z]{3}'}", True),
        ("s: {CommandLine|re: 'who[a-z]{3}'}", False),
        ("s: {CommandLine|re|i: 'who[a-z]{3}'}", True),
        ("s: {src.ip|cidr: 198.51.100.0/24}", True),
        ("s: {src.ip|cidr: 203.0.113.0/24}", False),
        ("s: {src.port|gte: 4444}", True),
        ("s: {src.port|lt: 4444}", False),
        ("s: {Groups: admins}", True),
        ("s: {Parent: null}", True),
        ("s: {Missing: null}", True),
        ("s: {EventID: null}", False),
        ("s: {Missing|exists: false}", True),
        ("s: {Image|exists: false}", False),
        ("s: {EventID: 4625, Image: x}", False),
        ("s: [{EventID: 1}, {EventID: 4625}]", True),
        ("s: [absent, '198.51.100.?']", True),
        ("s: [absent]", False),
        ("s: {'|all': [whoami, 198.51.100]}", True),
    ],
)
def test_a_search_is_read_as_sigma_means_it(search, wanted):
    assert holds(f"{search}\ncondition: s") is wanted


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("yes_a and no_a", False),
        ("yes_a or no_a", True),
        ("yes_a and not no_a", True),
        ("not (yes_a or no_a)", False),
        ("no_a or yes_a and yes_b", True),
        ("no_a and no_a or yes_a", True),
        ("1 of yes*", True),
        ("all of yes_*", True),
        ("all of them", False),
        ("1 of them", True),
        ("2 of them", True),
        ("3 of them", False),
        ("1 of yes_* and not 1 of no_*", True),
    ],
)
def test_a_condition_is_read_as_sigma_means_it(condition, wanted):
    searches = "yes_a: {EventID: 4625}\nyes_b: [whoami]\nno_a: {EventID: 1}\n_aside: [zzz]\n"
    assert holds(f"{searches}condition: {condition}") is wanted


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("", "no detection"),
        ("- a\n- b", "no detection"),
        ("detection: {s: {a: 1}}", "no detection"),
        ("detection: {s: {a: 1}, condition: t}", "names 't'"),
        ("detection: {s: {a: 1}, condition: s and}", "ends too early"),
        ("detection: {s: {a: 1}, condition: (s}", "not closed"),
        ("detection: {s: {a: 1}, condition: s | count() > 5}", "not understood"),
        ("detection: {s: {a: 1}, condition: 1 of none*}", "names nothing"),
        ("detection: {s: {a|base64offset: x}, condition: s}", "not supported"),
        ("detection: {s: {a|re: '('}, condition: s}", "no regular expression"),
        ("detection: {s: {a|re: '(?au)x'}, condition: s}", "no regular expression"),
        ("detection: {s: {a|cidr: x}, condition: s}", "x"),
        ("detection: {s: {a|gt: x}, condition: s}", "no number"),
        ("detection: {s: {a: [[1]]}, condition: s}", "plain values"),
        ("detection: {s: [], condition: s}", "without values"),
        ("detection: {s: {a: 1}, timeframe: 5m, condition: s}", "timeframe"),
        ("detection: {s: &a {a: 1}, condition: s}", "anchors"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", "anchors"),
        ("detection: !!python/object:os.system {}", "tags"),
        ("detection: {s: {a: 1}, condition: " + "(" * 150 + "s" + ")" * 150 + "}", "deep"),
        ("detection: {s: {a: 1}, condition: " + "not " * 300 + "s}", "deep"),
        ("detection: {s: {a: 1}, condition: " + "s or " * 300 + "s}", "words"),
        ("detection: " + "[" * 5000, "brackets"),
        ("detection: " + "{a: " * 50 + "1" + "}" * 50, "deep"),
        ("detection: {s: {a: [" + "x, " * 9000 + "x]}, condition: s}", "parts"),
        ("detection: {s: {a|re: '" + "a" * 600 + "'}, condition: s}", "longer"),
        ("x" * 70_000, "bytes"),
        ("detection: [a: b", "no YAML"),
        ("---\na: 1\n---\nb: 2", "no YAML"),
    ],
    ids=lambda value: value[:40],
)
def test_trap_a_rule_that_is_none_or_hostile_is_refused_soon(rule, said):
    began = time.monotonic()
    with pytest.raises(RuleInvalid, match=said):
        read_sigma(rule.encode())
    assert time.monotonic() - began < 5


def test_trap_bytes_that_are_no_text_are_refused():
    with pytest.raises(RuleInvalid):
        read_sigma(b"\xff\xfe\x00detection")


@pytest.mark.parametrize("search", ["{a|re: '^(a|a|aa)+$'}", "{a|re: '(x+x+)+y'}"])
def test_trap_a_regex_bomb_ends_soon(search):
    rule = read_sigma(f"detection: {{s: {search}, condition: s}}".encode())
    began = time.monotonic()
    record = Record({"a": "a" * 5000 + "!" + "x" * 5000})
    with pytest.raises(PatternTooCostly):
        rule(record, Budget(0.5))
    assert time.monotonic() - began < 5


def test_trap_many_stars_are_quick():
    text = "*" + "a*" * 200 + "b"
    rule = read_sigma(f"detection: {{s: {{a: '{text}'}}, condition: s}}".encode())
    began = time.monotonic()
    assert not rule(Record({"a": "a" * 60_000}), Budget(2))
    assert time.monotonic() - began < 3


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_fail_otherwise(text):
    for rule in (text, f"detection:\n  s: [x]\n  condition: {text}"):
        try:
            read_sigma(rule.encode("utf-8", "replace"))(Record({"a": "x"}), Budget(1))
        except (RuleInvalid, PatternTooCostly):
            continue
