"""What differs between two editions, and which alignments a release leaves astray."""

import json

import pytest
from django.utils import timezone

from range.competencies import services
from range.competencies.changes import astray, changes_between, last_words
from range.competencies.models import Alignment, Framework

pytestmark = pytest.mark.django_db
KINDS = {"T": "task", "K": "knowledge", "S": "skill"}
BEFORE = {
    "T1118": "Identify vulnerabilities of systems",
    "T1084": "Identify anomalous network activity",
    "S0866": "Skill in performing log file analysis",
}
AFTER = {
    "T9118": "Identify and record vulnerabilities of systems",
    "T1084": "Identify anomalous  network activity ",
    "S0866": "Skill in analysing log files",
    "K9001": "Knowledge of doors",
}


def file_of(version, texts, roles=("PD-WRL-001",)):
    elements = [
        {"element_type": "work_role", "element_identifier": role, "title": role, "text": ""}
        for role in roles
    ] + [
        {"element_type": KINDS[code[0]], "element_identifier": code, "text": text}
        for code, text in texts.items()
    ]
    documents = [{"doc_identifier": "D", "name": "NICE", "version": version}]
    body = {"documents": documents, "elements": elements, "relationships": []}
    return json.dumps({"response": {"elements": body}}).encode()


def imported(version, texts, **more):
    data = file_of(version, texts, **more)
    return services.import_framework("nice", data=data, source="x")


@pytest.fixture
def editions():
    before = imported("2.0.0", BEFORE).framework
    return before, imported("2.1.0", AFTER, roles=("PD-WRL-001", "OG-WRL-017")).framework


def test_added_withdrawn_and_reworded_ids_are_told_apart(editions):
    changes = changes_between(*editions)
    assert [each.code for each in changes.added] == ["K9001", "OG-WRL-017", "T9118"]
    assert [each.was.code for each in changes.withdrawn] == ["T1118"]
    assert [(old.code, new.text) for old, new in changes.reworded] == [
        ("S0866", "Skill in analysing log files")
    ]


def test_a_withdrawn_id_names_its_likeliest_successor_and_our_skills(editions):
    services.load_starter()
    (gone,) = changes_between(*editions).withdrawn
    assert gone.was.text == BEFORE["T1118"]
    assert [each.code for each in gone.successors] == ["T9118"]
    aligned = Alignment.objects.filter(code="T1118").values_list("skill__key", flat=True)
    assert {skill.key for skill in gone.skills} == set(aligned)


def test_a_comparison_backwards_withdraws_what_was_added(editions):
    before, after = editions
    assert {each.was.code for each in changes_between(after, before).withdrawn} == {
        "K9001", "OG-WRL-017", "T9118",
    }  # fmt: skip


def test_of_the_starter_slice_only_what_a_release_lacks_is_told(editions):
    services.load_starter()
    slice_ = Framework.objects.at("nice", "2.1.0-starter")
    changes = changes_between(slice_, editions[1])
    assert changes.is_partial
    assert (changes.added, changes.reworded) == ((), ())
    assert "T1118" in {each.was.code for each in changes.withdrawn}


def test_alignments_that_a_release_leaves_astray_stay_and_are_named_with_a_suggestion(editions):
    services.load_starter()
    before = Alignment.objects.count()
    found = {each.code: each for each in astray(editions[1])}
    assert found["T1118"].successors[0].code == "T9118"
    assert "test-model-application" in {skill.key for skill in found["T1118"].skills}
    assert "T1084" not in found
    assert Alignment.objects.count() == before


def test_a_rejected_alignment_is_not_astray(editions, instructor):
    services.load_starter()
    rows = Alignment.objects.filter(code="T1118")
    rows.update(is_rejected=True, reviewed_by=instructor, reviewed_at=timezone.now())
    assert "T1118" not in {each.code for each in astray(editions[1])}


def test_last_words_come_from_the_newest_official_edition(editions):
    services.load_starter()
    words = last_words("nice", ["T1118", "S0866", "S0156", "T0000"])
    assert words["T1118"].text == BEFORE["T1118"]
    assert words["S0866"].text == AFTER["S0866"]
    assert words["S0156"].text == "Read traffic packet by packet"
    assert "T0000" not in words


def test_an_address_names_an_edition_and_the_slice_apart(editions):
    services.load_starter()
    assert Framework.objects.at("nice", "2.1.0") == editions[1]
    assert Framework.objects.at("nice", "2.1.0-starter").is_starter
    assert Framework.objects.at("nice", "9.9") is None
    again = imported("2.1.0", {**AFTER, "K9002": "Knowledge of windows"}).framework
    assert Framework.objects.at("nice", "2.1.0") == again
