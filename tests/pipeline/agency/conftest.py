"""An agency with candidates whose estimates are written down as the worker would."""

import pytest
from django.apps import apps
from django.utils import timezone

model = apps.get_model


@pytest.fixture
def estimated(starter):
    """Store what the evidence says of some skills of a person, with plenty of it."""

    def make(person, *, assessed_only=False, checks=24, scenarios=6, sd=0.2, **means):
        skills = {row.key: row for row in model("competencies.ObservableSkill").objects.all()}
        for key, mean in means.items():
            model("pipeline.SkillEstimate").objects.create(
                trainee=person,
                skill=skills[key.replace("_", "-")],
                assessed_only=assessed_only,
                mean=mean,
                sd=sd,
                evidence_count=checks,
                scenario_count=scenarios,
                hinted_count=0,
                attested_count=checks,
                last_observed_at=timezone.now(),
                parameter_set="2026.1",
                updated_at=timezone.now(),
            )

    return make


@pytest.fixture
def candidate(person, school, agency):
    """Make a trainee who lets the agency look."""

    def make(name, *, agrees=True):
        made = person(name, school, "TRAINEE")
        if agrees:
            model("accounts.Consent").objects.create(trainee=made, agency=agency)
        return made

    return make


@pytest.fixture
def asked_of_role(starter):
    """Every skill that a role asks for, with its cut, by key in the form of a keyword."""

    def make(code="IO-WRL-005", **changes):
        rows = model("competencies.RoleRequirement").objects.filter(role_code=code)
        cuts = {row.skill.key.replace("-", "_"): row.cut_logits for row in rows}
        return cuts | changes

    return make
