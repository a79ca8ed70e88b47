"""What the database itself refuses of estimates, and how rows name themselves."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models import CASCADE, ProtectedError
from django.utils import timezone

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
from range.pipeline.models import SkillEstimate
from range.pipeline.services import refresh

pytestmark = pytest.mark.django_db


@pytest.fixture
def skill(starter):
    return ObservableSkill.objects.get(key="analyse-logs")


def fields(trainee, skill, **changed):
    known = {
        "trainee": trainee,
        "skill": skill,
        "mean": 0.0,
        "sd": 1.0,
        "evidence_count": 0,
        "scenario_count": 0,
        "hinted_count": 0,
        "attested_count": 0,
        "parameter_set": "2026.1",
        "updated_at": timezone.now(),
    }
    return known | changed


@pytest.mark.parametrize("sd", [0.0, -1.0])
def test_certainty_is_impossible(trainee, skill, sd):
    with pytest.raises(IntegrityError), transaction.atomic():
        SkillEstimate.objects.create(**fields(trainee, skill, sd=sd))
    assert not SkillEstimate.objects.exists()


def test_a_skill_has_one_estimate_a_trainee(trainee, skill):
    SkillEstimate.objects.create(**fields(trainee, skill))
    with pytest.raises(IntegrityError), transaction.atomic():
        SkillEstimate.objects.create(**fields(trainee, skill, mean=2.0))
    assert SkillEstimate.objects.get().mean == 0.0


def test_a_person_with_evidence_cannot_be_deleted_and_estimates_stay(trainee, proven):
    refresh(trainee)
    assert SkillEstimate.objects.filter(trainee=trainee).count() == 6
    with pytest.raises(ProtectedError):
        trainee.delete()
    assert SkillEstimate.objects.filter(trainee=trainee).count() == 6
    assert SkillEstimate._meta.get_field("trainee").remote_field.on_delete is CASCADE


def test_an_aligned_skill_that_a_role_asks_for_is_not_deleted(skill):
    assert RoleRequirement.objects.filter(skill=skill).exists()
    with pytest.raises(ProtectedError):
        skill.delete()


def test_rows_name_themselves(trainee, skill):
    framework = Framework.objects.current("nice")
    role = WorkRole.objects.get(framework=framework, code="PD-WRL-001")
    assert str(framework) == "nice 2.1.0"
    assert str(role) == "Defensive Cybersecurity (PD-WRL-001)"
    assert str(Statement.objects.get(framework=framework, code="S0866")) == "S0866"
    assert str(skill) == "Analyse logs"
    assert "S0866" in str(Alignment.objects.get(skill=skill, code="S0866"))
    assert str(Crosswalk.objects.get(nice_code="PD-WRL-001")) == "PD-WRL-001 = 511"
    assert "PD-WRL-001" in str(RoleRequirement.objects.filter(role_code="PD-WRL-001").first())
    assert str(role.pk) in str(RoleStatement.objects.filter(work_role=role).first())
    assert str(CompetencyArea(code="NF-COM-001", title="Doors")) == "Doors (NF-COM-001)"
    row = SkillEstimate(**fields(trainee, skill, mean=0.456, sd=0.7))
    assert str(row).endswith("0.46 ± 0.70")
