"""One release after another: 2.0.0, 2.1.0 and 2.2.0 in small files of our own."""

import json

import pytest

from range.competencies import services
from range.competencies.frameworks import alignments_of, demand_of, role_by_code
from range.competencies.models import Alignment, Framework, Statement

pytestmark = pytest.mark.django_db

# What each release has, in miniature: ids are withdrawn and added between them.
RELEASES = {
    "2.0.0": {"roles": {"PD-WRL-001": ["T1084", "S0866", "T1117"]}, "texts": {}},
    "2.1.0": {"roles": {"PD-WRL-001": ["T1084", "S0866", "T1347"]}, "texts": {}},
    "2.2.0": {
        "roles": {"PD-WRL-001": ["S0866", "T1347"], "OG-WRL-017": ["T1347"]},
        "texts": {"S0866": "Reworded skill in logs"},
    },
}
KINDS = {"T": "task", "K": "knowledge", "S": "skill"}


def file_of(version: str) -> bytes:
    release = RELEASES[version]
    codes = sorted({code for codes in release["roles"].values() for code in codes})
    elements = [
        {"element_type": "work_role", "element_identifier": role, "title": role, "text": ""}
        for role in release["roles"]
    ] + [
        {
            "element_type": KINDS[code[0]],
            "element_identifier": code,
            "title": "",
            "text": release["texts"].get(code, f"Text of {code}"),
        }
        for code in codes
    ]
    relations = [
        {"source_element_identifier": role, "dest_element_identifier": code}
        for role, listed in release["roles"].items()
        for code in listed
    ]
    documents = [{"doc_identifier": "D", "name": "NICE", "version": version}]
    body = {"documents": documents, "elements": elements, "relationships": relations}
    return json.dumps({"response": {"elements": body}}).encode()


def imported(version: str):
    return services.import_framework("nice", data=file_of(version), source=version)


def test_each_release_reports_what_it_withdrew_from_the_one_before():
    assert imported("2.0.0").withdrawn == ()
    assert imported("2.1.0").withdrawn == ("T1117",)
    assert imported("2.2.0").withdrawn == ("T1084",)


def test_older_releases_stay_whole_and_keep_their_words():
    for version in RELEASES:
        imported(version)
    texts = Statement.objects.filter(code="S0866").order_by("framework__version")
    assert [row.text for row in texts] == [
        "Text of S0866",
        "Text of S0866",
        "Reworded skill in logs",
    ]
    assert Statement.objects.filter(code="T1117").count() == 1


def test_the_newest_import_is_the_one_in_use_even_if_it_is_an_older_release():
    imported("2.1.0")
    imported("2.0.0")
    assert Framework.objects.current("nice").version == "2.0.0"


def test_an_alignment_outlives_the_release_that_withdraws_its_id():
    services.load_starter()
    imported("2.2.0")
    words = {each.code: each for each in alignments_of(["analyse-traffic"])["analyse-traffic"]}
    withdrawn = words["nice:T1084"]
    assert (withdrawn.text, withdrawn.label) == ("", "NICE 2.1.0")
    assert Alignment.objects.filter(code="T1084").exists()
    assert "T1084" not in demand_of(role_by_code("PD-WRL-001")).bearing


def test_a_role_of_a_later_release_without_requirements_is_not_offered():
    services.load_starter()
    imported("2.2.0")
    assert role_by_code("OG-WRL-017") is None
    assert role_by_code("PD-WRL-001").dcwf_code == "511"


def test_a_role_that_the_release_in_use_lacks_is_not_offered():
    services.load_starter()
    assert role_by_code("IO-WRL-005") is not None
    imported("2.2.0")
    assert role_by_code("IO-WRL-005") is None


def test_an_import_that_fails_midway_leaves_the_release_before_in_use(monkeypatch):
    before = imported("2.1.0").framework

    def fail(*args):
        raise RuntimeError("the power went")

    monkeypatch.setattr(services, "_fill", fail)
    with pytest.raises(RuntimeError):
        imported("2.2.0")
    assert Framework.objects.current("nice") == before
    assert Framework.objects.count() == 1
