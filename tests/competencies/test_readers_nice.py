"""The reader of the official NICE form, on small files of our own in that form."""

import json
from pathlib import Path

import pytest

from range.competencies.readers import nice, starter
from range.competencies.readers.content import UnreadableFramework


def element(kind, code, title="", text=""):
    return {
        "element_type": kind,
        "element_identifier": code,
        "title": title,
        "text": text,
        "doc_identifier": "DOC",
    }


def relation(source, dest):
    return {
        "source_element_identifier": source,
        "source_doc_identifier": "DOC",
        "dest_element_identifier": dest,
        "dest_doc_identifier": "DOC",
        "relationship_identifier": "projection",
        "provenance_doc_identifier": "DOC",
    }


ELEMENTS = [
    element("category", "PD", "PROTECT", "Guards."),
    element("category", "IN", "INVESTIGATE", "Collects intelligence on foreign actors' doings."),
    element("work_role", "PD-WRL-001", "Watching", "Watches."),
    element("work_role", "PD-WRL-002", "Digging", "Digs."),
    element("competency_area", "NF-COM-001", "Doors", "Opens doors."),
    element("task", "T0001", text="Watch"),
    element("knowledge", "K0001", text="Knowledge of doors"),
    element("skill", "S0001", text="Skill in watching"),
    element("sort", "S-PD", "00001"),
    element("opm_code", "511"),
]
RELATIONS = [
    relation("PD-WRL-001", "T0001"),
    relation("PD-WRL-001", "S0001"),
    relation("PD-WRL-001", "S0001"),
    relation("PD-WRL-001", "511"),
    relation("PD-WRL-002", "K0001"),
    relation("PD", "S-PD"),
]


def file_of(elements=ELEMENTS, relations=RELATIONS, version="2.1.0") -> bytes:
    body = {
        "documents": [{"doc_identifier": "DOC", "name": "NICE", "version": version}],
        "relationship_types": [{"relationship_identifier": "projection", "description": ""}],
        "elements": elements,
        "relationships": relations,
    }
    return json.dumps({"response": {"requestType": 4, "elements": body}}).encode()


def test_roles_statements_and_areas_are_read_with_their_links():
    content = nice.read(file_of())
    assert (content.name, content.version) == ("nice", "2.1.0")
    assert [role.code for role in content.roles] == ["PD-WRL-001", "PD-WRL-002"]
    assert {each.code: each.kind for each in content.statements} == {
        "T0001": "TASK",
        "K0001": "KNOWLEDGE",
        "S0001": "SKILL",
    }
    assert content.role_statements == {
        "PD-WRL-001": ("S0001", "T0001"),
        "PD-WRL-002": ("K0001",),
    }
    assert [area.title for area in content.areas] == ["Doors"]
    assert not content.problems


def test_the_known_mistake_of_category_in_is_corrected_and_kept_as_an_erratum():
    content = nice.read(file_of())
    investigate = next(each for each in content.categories if each.code == "IN")
    assert "foreign actors" not in investigate.description
    assert content.errata[0]["code"] == "IN"
    assert "foreign actors" in content.errata[0]["published"]


def test_a_release_without_the_mistake_has_no_erratum():
    healthy = [each for each in ELEMENTS if each["element_identifier"] != "IN"]
    healthy.append(element("category", "IN", "INVESTIGATE", "Investigates crimes."))
    content = nice.read(file_of(healthy))
    assert not content.errata
    assert {each.code: each.description for each in content.categories}["IN"] == (
        "Investigates crimes."
    )


def test_a_withdrawn_statement_is_reported_and_the_rest_is_read():
    without = [each for each in ELEMENTS if each["element_identifier"] != "T0001"]
    content = nice.read(file_of(without, version="2.2.0"))
    assert content.role_statements["PD-WRL-001"] == ("S0001",)
    assert content.problems == ("PD-WRL-001 lists T0001, which the release does not define.",)


def test_kinds_of_a_later_release_are_left_out_and_reported():
    later = [*ELEMENTS, element("withdraw_reason", "W-1", text="Merged")]
    content = nice.read(file_of(later, version="2.0.0"))
    assert content.problems == ("1 elements of kind 'withdraw_reason' were left out.",)
    assert len(content.roles) == 2


def test_an_id_that_stands_twice_keeps_its_first_wording():
    twice = [*ELEMENTS, element("task", "T0001", text="Watch otherwise")]
    content = nice.read(file_of(twice))
    assert next(each.text for each in content.statements if each.code == "T0001") == "Watch"
    assert "T0001 stands twice" in content.problems[0]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "official component JSON"),
        (b"\x00\xff", "official component JSON"),
        (b"[]", "official component JSON"),
        (b'{"response": {"elements": {"documents": [], "elements": []}}}', "no document"),
        (file_of(elements=[element("task", "T1", text="x")]), "no work role"),
    ],
)
def test_what_is_not_the_form_is_refused_with_a_sentence(data, said):
    with pytest.raises(UnreadableFramework, match=said) as refused:
        nice.read(data)
    assert refused.value.reason == "framework-unreadable"


OFFICIAL = next(
    (
        parent / "shared" / "data" / "nice" / "cprt_SP_800_181_2_1_0.json"
        for parent in Path(__file__).resolve().parents
        if (parent / "shared" / "data" / "nice").is_dir()
    ),
    None,
)


@pytest.mark.skipif(OFFICIAL is None, reason="the official release is not on this machine")
def test_the_official_release_is_read_whole_and_holds_every_code_of_the_starter_slice():
    content = nice.read(OFFICIAL.read_bytes())
    assert (len(content.roles), len(content.statements), len(content.areas)) == (41, 2148, 11)
    slice_ = starter.read()
    texts = {each.code: each.kind for each in content.statements}
    titles = {role.code: role.title for role in content.roles}
    for statement in slice_.nice.statements:
        assert texts[statement.code] == statement.kind
    for role in slice_.nice.roles:
        assert titles[role.code] == role.title
        listed = set(slice_.nice.role_statements[role.code])
        assert listed <= set(content.role_statements[role.code]), role.code
    aligned = {code for skill in slice_.skills.skills for code, _ in skill.relations()}
    assert aligned <= content.codes()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"PK\x03\x04rest", "spreadsheet"),
        (b"<!doctype html><html>", "web page"),
        (file_of()[:-40], "ends too early"),
        (b'{"response": {}}', "as JSON from the publisher"),
        (b'{"work_roles": []}', "as JSON from the publisher"),
        (b"[" * 100_000, "Expected the official"),
        (b"\xff\xfe", "Expected the official"),
    ],
)
def test_every_wrong_file_is_told_what_to_do(data, said):
    with pytest.raises(UnreadableFramework, match=said):
        nice.read(data)


@pytest.mark.parametrize("version", ["", "../2.1.0", "2.1.0/x", "2.1.0-starter", "9" * 25])
def test_a_version_that_cannot_stand_in_an_address_is_refused(version):
    with pytest.raises(UnreadableFramework, match="version"):
        nice.read(file_of(version=version))


@pytest.mark.parametrize(
    "wrong",
    [
        element("task", "T" * 25, text="Long id"),
        element("work_role", "PD-WRL-009", "x" * 161),
        element("task", " ", text="No id"),
        element("task", "T0009", text="NUL \0"),
        element("task", "T\0", text="NUL"),
    ],
)
def test_what_the_database_could_not_keep_is_refused_before_it_is_asked(wrong):
    with pytest.raises(UnreadableFramework, match="cannot be kept"):
        nice.read(file_of([*ELEMENTS, wrong]))
