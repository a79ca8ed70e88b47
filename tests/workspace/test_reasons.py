"""Reasons of checks in sentences: what is missing is said, and the answer is not."""

import pytest

from range.workspace.presenters.reasons import sentence


@pytest.mark.parametrize(
    "reason",
    [
        "answers-as-expected",
        "answers-differ",
        "some-answers-differ",
        "no-answer",
        "key-unreadable",
        "login-accepted",
        "login-refused",
        "login-method-unknown",
    ],
)
def test_what_services_come_to_has_a_sentence_of_its_own(reason):
    told = sentence(reason)
    assert told != reason.replace("-", " ").capitalize()
    assert len(told.split()) > 3 or reason == "no-answer"


def test_an_unknown_reason_is_written_out():
    assert sentence("quite-new_one") == "Quite new one"
