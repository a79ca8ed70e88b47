"""Browsing frameworks, statements, skills and the coverage, as people of each role."""

import json

import pytest
from django.urls import reverse
from django.utils import timezone

from range.accounts.models import Membership, Organisation
from range.catalog.models import Scenario, ScenarioVersion
from range.competencies import services
from range.competencies.models import Alignment, Framework, ObservableSkill, RoleRequirement
from range.pipeline.models import SkillEstimate
from range.standards.library import library
from tests.support.fixtures import SPEC

pytestmark = pytest.mark.django_db
KINDS = {"T": "task", "K": "knowledge", "S": "skill"}
TEXTS = {
    "T1118": "Identify vulnerabilities",
    "S0544": "Skill in recognising vulnerabilities",
    "K0001": "Knowledge of doors",
}
LATER = {"T9118": "Identify and record vulnerabilities", "S0544": "Skill in vulnerabilities"}


def official(version, texts=TEXTS, role="PD-WRL-007"):
    elements = [
        {"element_type": "category", "element_identifier": "PD", "title": "PROTECTION", "text": ""},
        {"element_type": "category", "element_identifier": "IN", "title": "INVESTIGATION",
         "text": "Collects intelligence on foreign actors' doings."},
        {"element_type": "work_role", "element_identifier": role, "title": "Finder", "text": "F."},
        *(
            {"element_type": KINDS[code[0]], "element_identifier": code, "text": text}
            for code, text in texts.items()
        ),
    ]  # fmt: skip
    relations = [
        {"source_element_identifier": role, "dest_element_identifier": code} for code in texts
    ]
    documents = [{"doc_identifier": "D", "name": "NICE", "version": version}]
    body = {"documents": documents, "elements": elements, "relationships": relations}
    data = json.dumps({"response": {"elements": body}}).encode()
    return services.import_framework("nice", data=data, source="a file")


@pytest.fixture
def starter(db):
    services.load_starter()


@pytest.fixture
def get(client):
    def ask(viewer, name, *args, status=200, **query):
        client.force_login(viewer)
        answer = client.get(reverse(name, args=args), query)
        assert answer.status_code == status
        return " ".join(answer.content.decode().split())

    return ask


# --- frameworks ---


def test_without_anything_each_page_says_what_to_run(get, trainee):
    said = get(trainee, "frameworks")
    assert said.count("manage.py load_starter_frameworks") == 2
    assert "manage.py import_framework nice FILE_OR_URL" in said
    for name in ("coverage", "observable-skills"):
        assert "manage.py load_starter_frameworks" in get(trainee, name)


def test_with_the_slice_alone_the_page_says_how_the_whole_comes_in(get, trainee, starter):
    said = get(trainee, "frameworks")
    assert said.count("Only the starter slice of this project is here") == 2
    assert "--version-name 5.1" in said
    assert reverse("framework", args=["nice", "2.1.0-starter"]) in said


def test_an_edition_lists_roles_by_category_with_counts_and_errata(get, trainee, starter):
    official("2.1.0")
    said = get(trainee, "framework", "nice", "2.1.0")
    assert ">Protection<" in said
    assert "DCWF 541" in said
    assert "Collects intelligence on foreign actors" in said
    assert "Investigates cybersecurity incidents and cybercrime" in said
    assert reverse("framework", args=["nice", "2.1.0-starter"]) in said


def test_a_search_finds_ids_and_words_and_says_when_nothing_is_found(get, trainee, starter):
    official("2.1.0")
    assert "Knowledge of doors" in get(trainee, "framework", "nice", "2.1.0", q="doors know")
    assert "Knowledge of doors" in get(trainee, "framework", "nice", "2.1.0", q="k0001")
    nothing = get(trainee, "framework", "nice", "2.1.0", q="doors zebra")
    assert "has all of these words" in nothing
    assert "0 work roles, 0 statements" in nothing


def test_text_of_a_framework_is_never_markup(get, trainee, starter):
    official("2.1.0", {"T1118": "<script>alert(1)</script>"})
    for name, args, query in [
        ("framework", ("nice", "2.1.0"), {"q": "script"}),
        ("framework-entry", ("nice", "2.1.0", "T1118"), {}),
        ("framework-entry", ("nice", "2.1.0", "PD-WRL-007"), {}),
    ]:
        said = get(trainee, name, *args, **query)
        assert "<script>alert" not in said
        assert "&lt;script&gt;alert" in said


def test_what_changed_names_added_withdrawn_and_reworded_ids(get, instructor, starter):
    official("2.1.0")
    official("2.2.0", LATER)
    said = get(instructor, "framework-changes", "nice", "2.2.0")
    assert "What changed from NICE 2.1.0 to NICE 2.2.0" in said
    assert "2 withdrawn, 1 added, 1 reworded" in said
    assert "% alike" in said
    back = get(instructor, "framework-changes", "nice", "2.1.0", since="2.2.0")
    assert "1 withdrawn, 2 added, 1 reworded" in back


def test_a_lone_edition_has_nothing_to_compare_with(get, trainee):
    official("2.1.0")
    said = get(trainee, "framework-changes", "nice", "2.1.0")
    assert "There is nothing to compare with" in said


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("framework", ("nice", "9.9")),
        ("framework", ("attack", "2.1.0-starter")),
        ("framework", ("nice", "2.1.0\0")),
        ("framework-changes", ("nice", "9.9")),
        ("framework-entry", ("nice", "2.1.0-starter", "T9999")),
        ("framework-entry", ("nice", "2.1.0-starter", "T\0")),
        ("observable-skill", ("no-such-skill",)),
        ("skill-jsonld", ("no-such-skill",)),
    ],
)
def test_what_is_not_there_is_missing(get, trainee, starter, name, args):
    get(trainee, name, *args, status=404)


# --- roles and statements ---


def test_a_role_leads_to_statements_skills_and_scenarios(get, trainee, starter, exercise):
    official("2.1.0")
    said = get(trainee, "framework-entry", "nice", "2.1.0", "PD-WRL-007")
    assert "What readiness asks here" in said
    assert reverse("observable-skill", args=["triage-vulnerability"]) in said
    assert reverse("framework-entry", args=["dcwf", "5.1-starter", "541"]) in said
    assert reverse("scenario", args=["small"]) in said
    assert "1 of 1 aligned" in said


def test_a_dcwf_role_leads_to_its_nice_twin(get, trainee, starter):
    said = get(trainee, "framework-entry", "dcwf", "5.1-starter", "541")
    assert reverse("framework-entry", args=["nice", "2.1.0-starter", "PD-WRL-007"]) in said


def test_a_statement_tells_roles_skills_review_and_other_wordings(get, trainee, starter):
    official("2.1.0")
    official("2.2.0", LATER)
    said = get(trainee, "framework-entry", "nice", "2.2.0", "S0544")
    assert "Finder" in said
    assert "unreviewed" in said
    assert "Skill in recognising vulnerabilities" in said


def test_a_withdrawn_id_keeps_its_page_with_suggestions(get, trainee, starter):
    official("2.1.0")
    official("2.2.0", LATER)
    said = get(trainee, "framework-entry", "nice", "2.2.0", "T1118", status=410)
    assert "NICE 2.2.0 does not have this id" in said
    assert TEXTS["T1118"] in said
    assert reverse("framework-entry", args=["nice", "2.2.0", "T9118"]) in said
    assert Framework.objects.current("nice").version == "2.2.0"


# --- skills ---


def test_a_skill_shows_rubric_alignments_roles_and_scenarios(get, trainee, starter, exercise):
    said = get(trainee, "observable-skill", "report-findings")
    assert "Serves an engineer and a director in one short report." in said
    assert "Independent under new conditions" in said
    assert "S0579" in said
    assert "Muster project" in said
    assert reverse("scenario", args=["small"]) in said
    assert "Vulnerability Analysis" in said
    assert "Nothing of yours shows it yet" in said
    assert reverse("alignments") not in said


def test_evidence_is_counted_only_for_whom_the_viewer_may_see(
    get, starter, trainee, other_trainee, instructor, assessor, exercise
):
    # As the worker leaves them: once from all attempts, once from assessed ones alone.
    for assessed_only, checks in ((True, 4), (False, 7)):
        SkillEstimate.objects.create(
            trainee=trainee, skill=ObservableSkill.objects.get(key="analyse-logs"), mean=0, sd=1,
            evidence_count=checks, scenario_count=2, hinted_count=0, attested_count=checks,
            parameter_set="2026.1", updated_at=timezone.now(), assessed_only=assessed_only,
        )  # fmt: skip
    assert "You: 7 checks in 2 scenarios" in get(trainee, "observable-skill", "analyse-logs")
    assert "7 checks" not in get(other_trainee, "observable-skill", "analyse-logs")
    assert "7 checks of 1 person" in get(instructor, "observable-skill", "analyse-logs")
    assert "Nobody whose skills you may see" in get(assessor, "observable-skill", "analyse-logs")


def test_the_list_of_skills_can_be_searched(get, trainee, starter):
    assert "43 skills" in get(trainee, "observable-skills")
    assert "1 skill<" in get(trainee, "observable-skills", q="timeline")
    assert "No skill has all of these words" in get(trainee, "observable-skills", q="zebra")


# --- what the library covers ---


def test_coverage_names_what_no_scenario_observes(get, trainee, starter, exercise):
    said = get(trainee, "coverage", role="PD-WRL-007")
    assert "2 of 7" in said
    assert "No scenario for" in said
    assert "Triage vulnerabilities" in said
    assert "no scenario observes it" in said
    assert "1 of 6" in said


def test_coverage_lists_every_skill_that_no_scenario_observes(client, trainee, starter, exercise):
    client.force_login(trainee)
    answer = client.get(reverse("coverage"))
    found, said = answer.context["coverage"], " ".join(answer.content.decode().split())
    observed = {key for each in library(trainee) for key in each.skills}
    assert observed
    every = set(ObservableSkill.objects.values_list("key", flat=True))
    assert {each.key for each in found.gaps} == every - observed
    assert f"{len(found.gaps)} of {len(every)}" in said
    assert any(each.roles for each in found.gaps)
    assert not all(each.roles for each in found.gaps)
    assert found.gaps == sorted(found.gaps, key=lambda each: (not each.roles, each.name))
    for gap in found.gaps:
        asking = RoleRequirement.objects.filter(skill__key=gap.key)
        assert {each.code for each in gap.roles} == set(asking.values_list("role_code", flat=True))
        assert f'href="{reverse("observable-skill", args=[gap.key])}"' in said


def test_with_every_skill_observed_coverage_has_no_gap(client, trainee, starter, exercise):
    observed = {key for each in library(trainee) for key in each.skills}
    RoleRequirement.objects.exclude(skill__key__in=observed).delete()
    ObservableSkill.objects.exclude(key__in=observed).delete()
    client.force_login(trainee)
    assert "Every skill is observed" in client.get(reverse("coverage")).content.decode()


def test_coverage_of_an_unknown_role_says_so(get, trainee, starter):
    assert "Readiness cannot be said for XX-1" in get(trainee, "coverage", role="XX-1")


def test_a_scenario_of_another_school_is_known_to_nobody_else(
    instructor, assessor, trainee, version, exercise, agency
):
    other = Organisation.objects.create(slug="far", name="Far", kind="SCHOOL")
    foreign = Scenario.objects.create(slug="secret", title="Secret", owner=other)
    ScenarioVersion.objects.create(scenario=foreign, version="1", digest="f" * 64, spec=SPEC)
    hidden = Scenario.objects.create(slug="hidden", title="Not offered")
    ScenarioVersion.objects.create(scenario=hidden, version="1", digest="e" * 64, spec=SPEC)
    assert [each.slug for each in library(trainee)] == ["small"]
    for viewer, offered in ((instructor, True), (assessor, False)):
        assert {each.slug: each.is_offered for each in library(viewer)} == {
            "small": offered,
            "hidden": False,
        }


def test_a_school_that_one_only_learns_at_shows_no_more_than_it_offers(instructor, version):
    other = Organisation.objects.create(slug="far", name="Far", kind="SCHOOL")
    foreign = Scenario.objects.create(slug="secret", title="Secret", owner=other)
    ScenarioVersion.objects.create(scenario=foreign, version="1", digest="f" * 64, spec=SPEC)
    held = Membership.objects.create(person=instructor, organisation=other, role="TRAINEE")
    assert [each.slug for each in library(instructor)] == ["small"]
    Membership.objects.filter(pk=held.pk).update(role="INSTRUCTOR")
    assert [each.slug for each in library(instructor)] == ["secret", "small"]


def test_retired_scenarios_cover_nothing(instructor, version, exercise):
    Scenario.objects.update(retired_at=timezone.now())
    assert library(instructor) == []


def test_rejected_alignments_count_nowhere(get, instructor, starter, exercise):
    official("2.1.0")
    Alignment.objects.filter(code="T1118").update(
        is_rejected=True, reviewed_by=instructor, reviewed_at=timezone.now()
    )
    said = get(instructor, "framework-entry", "nice", "2.1.0", "T1118")
    assert "Checks of this range say nothing about this statement" in said
    assert "0 of 1 aligned" in get(instructor, "framework-entry", "nice", "2.1.0", "PD-WRL-007")
