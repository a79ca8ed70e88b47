"""Suggested successors: the same words elsewhere are found, foreign words are not."""

from range.competencies.successors import Wordings

TEXTS = {
    "S0001": "Skill in analysing captured network traffic",
    "S0002": "Skill in administering accounts",
    "S0003": "Skill in writing detection signatures for network traffic",
    "S0004": "Skill in reading source code",
}


def test_another_form_of_the_same_words_comes_first():
    found = Wordings(TEXTS).nearest("Skill in network traffic analysis")
    assert found[0].code == "S0001"
    assert found[0].text == TEXTS["S0001"]
    assert found[0].likeness > 0.6


def test_the_same_words_are_wholly_alike_in_any_case_and_order():
    (first, *_) = Wordings(TEXTS).nearest("READING code (source): skill in")
    assert first.code == "S0004"
    assert round(first.likeness, 6) == 1


def test_common_words_alone_suggest_nothing():
    assert Wordings(TEXTS).nearest("Skill in cooking") == ()


def test_nothing_is_suggested_from_nothing():
    assert Wordings({}).nearest("Skill in reading") == ()
    assert Wordings(TEXTS).nearest("") == ()


def test_there_are_never_more_than_asked_for():
    many = {f"T{number:04}": f"Review logs of service {number}" for number in range(9)}
    found = Wordings(many).nearest("Review logs of services")
    assert [each.code for each in found] == ["T0000", "T0001", "T0002"]
