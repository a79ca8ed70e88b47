import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.checks.patterns import Budget, PatternTooCostly
from range.checks.rule_lines import read_lines_rule
from range.checks.rule_logic import Record, RuleInvalid

MAIL = {
    "subject": "URGENT: new bank details",
    "from": "pay@supplier.example",
    "amount": 12_400.5,
    "ip": "198.51.100.7",
    "tags": ["external", "first-time"],
    "reply": None,
}


def holds(text):
    return read_lines_rule(text.encode())(Record(MAIL), Budget(2))


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('subject contains "urgent"', True),
        ('subject contains ["absent", "bank"]', True),
        ('subject starts "urgent" and amount > 10000', True),
        ("amount>=12400.5", True),
        ("amount < 12400", False),
        ('from ends "@supplier.example"', True),
        ('from != "pay@supplier.example"', False),
        ('not from = "PAY@supplier.example"', False),
        ('subject matches "^URGENT.*details$"', True),
        ('ip within "198.51.100.0/24"', True),
        ('tags = "external"', True),
        ("reply exists", False),
        ("subject exists", True),
        ('missing != "x"', True),
        ('any contains "first-time"', True),
        ('(subject contains "x" or amount > 1) and not ip = "203.0.113.1"', True),
        ("# nothing\n\namount < 1\namount > 1", True),
        ('subject contains "a \\" b"', False),
    ],
)
def test_a_line_means_what_it_says(line, wanted):
    assert holds(line) is wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1 to 200 lines"),
        ("# only a remark", "1 to 200 lines"),
        ("a = 1\n" * 201, "1 to 200 lines"),
        ("a = 1\nsubject", "line 2: 'subject' needs"),
        ("a is 1", "'is' is none of"),
        ("a = x", "no number, text or list"),
        ("a = []", "plain values"),
        ("a = [[1]]", "not understood|no number"),
        ("a = 1 b", "from 'b' on"),
        ("(a = 1", "not closed"),
        ('a matches "("', "no regular expression"),
        ("(" * 100 + "a = 1", "deep"),
        ('a = "open', "not understood"),
        ("x" * 70_000, "bytes"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(text, said):
    with pytest.raises(RuleInvalid, match=said):
        read_lines_rule(text.encode())


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_fail_otherwise(text):
    try:
        read_lines_rule(text.encode("utf-8", "replace"))(Record(MAIL), Budget(1))
    except (RuleInvalid, PatternTooCostly):
        return
