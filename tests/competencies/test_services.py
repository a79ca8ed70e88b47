"""Loading the starter slice and importing editions: idempotent, sealed, reported."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.utils import timezone

from range.competencies import services
from range.competencies.frameworks import (
    alignments_of,
    demand_of,
    role_by_code,
    roles_with_requirements,
)
from range.competencies.models import (
    Alignment,
    CompetencyArea,
    Crosswalk,
    Framework,
    ObservableSkill,
    RoleRequirement,
    RoleStatement,
    Statement,
    WorkRole,
)
from range.lib.errors import RangeError

pytestmark = pytest.mark.django_db


def official(version="2.1.0", statements=("T1118", "S0544"), roles=("PD-WRL-007",)) -> bytes:
    def element(kind, code, title="", text=""):
        return {
            "element_type": kind,
            "element_identifier": code,
            "title": title,
            "text": text,
        }

    kinds = {"T": "task", "S": "skill", "K": "knowledge"}
    elements = [element("work_role", code, f"Official {code}", "Words.") for code in roles]
    elements += [element(kinds[code[0]], code, text=f"Official {code}") for code in statements]
    elements += [element("competency_area", "NF-COM-001", "Doors", "Opens.")]
    relations = [
        {"source_element_identifier": role, "dest_element_identifier": code}
        for role in roles
        for code in statements
    ]
    body = {
        "documents": [{"doc_identifier": "D", "name": "NICE Framework", "version": version}],
        "elements": elements,
        "relationships": relations,
    }
    return json.dumps({"response": {"elements": body}}).encode()


def counts():
    models = (Framework, WorkRole, Statement, RoleStatement, Crosswalk, ObservableSkill)
    return [model.objects.count() for model in (*models, Alignment, RoleRequirement)]


def test_loading_twice_changes_nothing():
    services.load_starter()
    before = counts()
    services.load_starter()
    assert counts() == before
    assert before[:2] == [2, 21]
    assert ObservableSkill.objects.get(key="abuse-sudo-rules").rubric[1]["level"] == "independent"


def test_every_shipped_alignment_says_unreviewed():
    services.load_starter()
    assert {row.review for row in Alignment.objects.all()} == {"unreviewed"}
    assert not Alignment.objects.exclude(author="Muster project").exists()


def test_what_people_reviewed_or_set_survives_a_new_load(instructor):
    services.load_starter()
    alignment = Alignment.objects.get(skill__key="analyse-logs", code="S0866")
    alignment.relation = Alignment.Relation.PART_OF
    alignment.reviewed_by, alignment.reviewed_at = instructor, timezone.now()
    alignment.save()
    RoleRequirement.objects.filter(role_code="PD-WRL-001", skill__key="analyse-logs").update(
        cut_logits=1.4, author="North School"
    )
    services.load_starter()
    alignment.refresh_from_db()
    assert (alignment.relation, alignment.review) == ("PART_OF", "reviewed")
    kept = RoleRequirement.objects.get(role_code="PD-WRL-001", skill__key="analyse-logs")
    assert kept.cut_logits == 1.4


def test_a_review_without_a_moment_is_refused_by_the_database(instructor):
    services.load_starter()
    with pytest.raises(DatabaseError), transaction.atomic():
        Alignment.objects.filter(code="S0866").update(reviewed_by=instructor)


SEALED = {
    "framework": lambda f: Framework.objects.filter(pk=f.pk).update(title="x"),
    "framework-delete": lambda f: Framework.objects.filter(pk=f.pk)._raw_delete("default"),
    "role": lambda f: f.work_roles.update(title="x"),
    "role-delete": lambda f: WorkRole.objects.filter(framework=f)._raw_delete("default"),
    "role-insert": lambda f: WorkRole.objects.create(framework=f, code="XX", title="x"),
    "statement": lambda f: f.statements.update(text="x"),
    "statement-insert": lambda f: Statement.objects.create(
        framework=f, code="T9999", kind="TASK", text="x"
    ),
    "link-delete": lambda f: RoleStatement.objects.filter(work_role__framework=f)._raw_delete(
        "default"
    ),
    "link-insert": lambda f: RoleStatement.objects.create(
        work_role=f.work_roles.first(), statement=f.statements.get(code="S0866")
    ),
    "area-insert": lambda f: CompetencyArea.objects.create(framework=f, code="X", title="x"),
    "crosswalk-insert": lambda f: Crosswalk.objects.create(
        framework=f, nice_code="A", dcwf_code="B"
    ),
}


@pytest.mark.parametrize("change", SEALED)
def test_the_database_refuses_every_change_to_a_sealed_edition(change):
    services.load_starter()
    framework = Framework.objects.current("nice")
    before = counts()
    with pytest.raises(DatabaseError, match="sealed framework"), transaction.atomic():
        SEALED[change](framework)
    assert counts() == before


def test_rows_cannot_be_moved_into_a_sealed_edition():
    services.load_starter()
    sealed = Framework.objects.current("nice")
    open_ = Framework.objects.create(name="other", version="1", edition="OFFICIAL", sha256="0" * 64)
    role = WorkRole.objects.create(framework=open_, code="ZZ", title="z")
    with pytest.raises(DatabaseError, match="sealed framework"), transaction.atomic():
        WorkRole.objects.filter(pk=role.pk).update(framework=sealed)
    assert not sealed.work_roles.filter(code="ZZ").exists()


def test_an_official_edition_comes_before_the_starter_slice():
    services.load_starter()
    assert Framework.objects.current("nice").edition == Framework.Edition.STARTER
    report = services.import_framework("nice", data=official(), source="file.json")
    assert report.created
    assert Framework.objects.current("nice") == report.framework
    assert (report.roles, report.statements) == (1, 2)
    role = role_by_code("PD-WRL-007")
    assert role.title == "Official PD-WRL-007"
    assert demand_of(role).bearing.keys() == {"T1118", "S0544"}


def test_the_same_file_is_imported_once():
    first = services.import_framework("nice", data=official(), source="a")
    again = services.import_framework("nice", data=official(), source="b")
    assert not again.created
    assert again.framework == first.framework
    assert Framework.objects.count() == 1


def test_withdrawn_and_orphaned_ids_are_reported_and_nothing_breaks():
    services.load_starter()
    services.import_framework(
        "nice", data=official(statements=("T1118", "S0544", "T0020")), source="a"
    )
    report = services.import_framework(
        "nice", data=official("2.2.0", statements=("S0544", "T9001")), source="b"
    )
    assert report.withdrawn == ("T0020", "T1118")
    assert "T1118" in report.orphaned
    assert "S0544" not in report.orphaned
    words = {
        each.code: each.text
        for each in alignments_of(["triage-vulnerability"])["triage-vulnerability"]
    }
    assert words["nice:S0544"] == "Official S0544"
    assert words["nice:T1118"] == ""
    assert role_by_code("PD-WRL-007").label == "nice 2.2.0"


def test_an_unreadable_file_leaves_no_row_behind():
    with pytest.raises(RangeError):
        services.import_framework("nice", data=b"{}", source="x")
    assert Framework.objects.count() == 0


def test_a_crosswalk_needs_its_version_and_gives_roles_their_dcwf_code():
    services.load_starter()
    table = b"NICE code,DCWF code,DCWF title\nPD-WRL-001,511,Watch officer\n"
    with pytest.raises(RangeError, match="version"):
        services.import_framework("dcwf", data=table, source="x")
    services.import_framework("dcwf", data=table, source="x", version="6.0")
    role = role_by_code("PD-WRL-001")
    assert (role.dcwf_code, role.dcwf_title) == ("511", "Watch officer")
    assert role.codes == "NICE PD-WRL-001 · DCWF 511"
    assert role_by_code("PD-WRL-003").codes == "NICE PD-WRL-003"


def test_an_unknown_framework_is_refused():
    with pytest.raises(RangeError, match="reader"):
        services.import_framework("attack", data=b"", source="x")


def test_roles_carry_both_codes_and_a_demand():
    services.load_starter()
    roles = {role.code: role for role in roles_with_requirements()}
    assert len(roles) == 6
    assert roles["IO-WRL-005"].dcwf_code == "451"
    demand = demand_of(roles["IO-WRL-005"])
    assert demand.required["harden-privilege-rules"] == 0.4
    assert demand.required["enumerate-system"] == -0.8
    assert "manage-accounts" in demand.bearing["S0844"]


def test_without_a_framework_there_are_no_roles():
    assert roles_with_requirements() == []
    assert role_by_code("PD-WRL-001") is None


def test_the_commands_load_and_import(capsys, tmp_path):
    call_command("load_starter_frameworks")
    assert "43 observable skills" in capsys.readouterr().out
    path = tmp_path / "nice.json"
    path.write_bytes(official("2.2.0"))
    call_command("import_framework", "nice", str(path))
    said = capsys.readouterr().out
    assert "nice 2.2.0: 1 work roles, 2 statements." in said
    assert "No longer in this release" in said
    assert Framework.objects.current("nice").source == "nice.json"
    call_command("import_framework", "nice", str(path))
    assert "imported before" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "said"),
    [("missing.json", "cannot be read"), ("http://example.org/x", "https"), ("file:///x", "https")],
)
def test_the_command_says_what_is_wrong_with_its_source(source, said):
    with pytest.raises(CommandError, match=said):
        call_command("import_framework", "nice", source)
    assert Framework.objects.count() == 0
