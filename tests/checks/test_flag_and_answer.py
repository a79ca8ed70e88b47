import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from range.checks.answer import AnswerCheck
from range.checks.base import Outcome
from range.checks.flag import FlagCheck

FLAG = "FLAG{" + "ABCDEFGH" * 6 + "ABCQ}"


def answer(**fields):
    return AnswerCheck.model_validate({"kind": "answer", "id": "a", "prompt": "?", **fields})


def test_the_attempts_own_flag_is_met(probe):
    check = FlagCheck(kind="flag", id="flag", value=FLAG)
    assert check.judge(probe, objective="root").reason == "not-submitted"
    probe.submissions["root", "flag"] = f"  {FLAG.lower()}\n"
    assert check.judge(probe, objective="root").outcome is Outcome.MET


def test_another_flag_is_unmet(probe):
    check = FlagCheck(kind="flag", id="flag", value=FLAG)
    probe.submissions["root", "flag"] = FLAG.replace("A", "B")
    assert check.judge(probe, objective="root").reason == "flag-wrong"


def test_a_flag_handed_in_for_another_objective_does_not_count(probe):
    check = FlagCheck(kind="flag", id="flag", value=FLAG)
    probe.submissions["other", "flag"] = FLAG
    assert check.judge(probe, objective="root").outcome is Outcome.UNMET


@pytest.mark.parametrize("value", ["", "{{ flag_root }}"])
def test_trap_a_check_that_was_never_filled_in_accepts_nothing(probe, value):
    probe.submissions["root", "flag"] = value or "x"
    check = FlagCheck(kind="flag", id="flag", value=value)
    assert check.judge(probe, objective="root").outcome is Outcome.UNMET


@pytest.mark.parametrize(
    ("fields", "right", "wrong"),
    [
        ({"equals": "Kaliningrad"}, [" kaliningrad "], ["kalinin grad", ""]),
        ({"equals": "A", "normalise": []}, ["A"], ["a", " A"]),
        ({"equals": "a b", "normalise": ["spaces"]}, ["a   b"], ["a b c"]),
        ({"equals": "x", "normalise": ["quotes"]}, ['"x"'], ["X"]),
        ({"one_of": ["ssh", "22"]}, ["SSH", "22"], ["222", "ssh 22"]),
        ({"set": ["alpha", "beta"]}, ["beta, Alpha", "alpha beta"], ["alpha", "alpha beta gamma"]),
        ({"matches": r"cve-\d{4}-\d+"}, ["CVE-2024-1"], ["see CVE-2024-1", "cve-24-1"]),
        ({"number": {"value": 9.8, "tolerance": 0.1}}, ["9.75", "9,9"], ["9.6", "nan", "inf", "x"]),
        ({"cidr": "10.1.2.0/24"}, ["10.1.2.0/24", "10.1.2.7/24"], ["10.1.3.0/24", "10.1.2.0"]),
        ({"cidr": "10.1.2.3"}, ["10.1.2.3", "10.1.2.3/32"], ["10.1.2.4", "0.0.0.0/0"]),
    ],
)
def test_answers_are_compared(fields, right, wrong):
    check = answer(**fields)
    assert all(check.accepts(each) for each in right)
    assert not any(check.accepts(each) for each in wrong)


def test_the_last_answer_counts(probe):
    check = answer(equals="42")
    assert check.judge(probe, objective="o").reason == "not-submitted"
    probe.submissions["o", "a"] = "41"
    assert check.judge(probe, objective="o").reason == "answer-wrong"
    probe.submissions["o", "a"] = "42"
    assert check.judge(probe, objective="o").outcome is Outcome.MET


@pytest.mark.parametrize(
    "fields", [{}, {"equals": "a", "cidr": "10.0.0.0/8"}, {"equals": "a", "max_tries": 0}]
)
def test_an_answer_needs_exactly_one_comparison(fields):
    with pytest.raises(ValidationError):
        answer(**fields)


@given(st.text(max_size=3000))
def test_trap_no_text_breaks_a_comparison_or_matches_by_accident(text):
    for fields in (
        {"equals": "the-right-answer-7"},
        {"number": {"value": 123456.789}},
        {"cidr": "203.0.113.0/29"},
        {"matches": r"(x+x+)+y{4}z"},
        {"set": ["one-7", "two-8"]},
    ):
        assert answer(**fields).accepts(text) is False
