"""An agency with an administrator and a crowd of candidates who said their gender."""

import pytest
from django.apps import apps
from django.utils import timezone

from tests.support.statistics import gather_statistics

# This file is read before Django is set up, so models are looked up when they are needed.
model = apps.get_model


def rows(name):
    return model(name).objects


REASON = "The board wants to know by spring."


@pytest.fixture
def manager(person, agency):
    return person("mia", agency, "ADMIN")


@pytest.fixture
def switched_on(manager, agency):
    from range.pipeline.impact.switch import switch

    switch(manager, agency, on=True, reason=REASON)


@pytest.fixture
def crowd(school, agency):
    """Make candidates, each at a stage and of a group; nothing where a name is empty."""

    def make(count, *, gender="", stage="", name="c"):
        known = rows("accounts.User").count()
        people = rows("accounts.User").bulk_create(
            model("accounts.User")(
                username=f"{name}{known + n}", display_name=f"{name.title()} {known + n}"
            )
            for n in range(count)
        )
        rows("accounts.Membership").bulk_create(
            model("accounts.Membership")(person=each, organisation=school, role="TRAINEE")
            for each in people
        )
        rows("accounts.Consent").bulk_create(
            model("accounts.Consent")(trainee=each, agency=agency) for each in people
        )
        if stage:
            rows("pipeline.Candidacy").bulk_create(
                model("pipeline.Candidacy")(agency=agency, trainee=each, stage=stage)
                for each in people
            )
        if gender:
            rows("pipeline.GroupDeclaration").bulk_create(
                model("pipeline.GroupDeclaration")(person=each, dimension="gender", group=gender)
                for each in people
            )
        gather_statistics()
        return people

    return make


@pytest.fixture
def mixed(crowd):
    """120 people: of 60 women 10 were hired, of 60 men 40."""
    return [
        *crowd(10, gender="woman", stage="HIRED", name="winona"),
        *crowd(50, gender="woman", stage="INVITED", name="wanda"),
        *crowd(40, gender="man", stage="HIRED", name="milo"),
        *crowd(20, gender="man", stage="INVITED", name="magnus"),
    ]


@pytest.fixture
def withdraw():
    def make(people):
        model("accounts.Consent").objects.filter(trainee__in=people).update(
            revoked_at=timezone.now()
        )

    return make
