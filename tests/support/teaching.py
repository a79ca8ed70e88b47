"""Another school beside the first, and an exercise assigned to the first cohort."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from range.accounts.models import Cohort, Membership, Organisation
from range.exercises.models import Exercise


@pytest.fixture
def far_school(db):
    return Organisation.objects.create(slug="far", name="Far School", kind="SCHOOL")


@pytest.fixture
def far_cohort(far_school):
    return Cohort.objects.create(organisation=far_school, name="Far cohort")


@pytest.fixture
def far_instructor(person, far_school):
    return person("fay", far_school, Membership.Role.INSTRUCTOR)


@pytest.fixture
def given(version, school, cohort):
    """An exercise assigned to the first cohort, open since an hour and for another."""
    now = timezone.now()
    return Exercise.objects.create(
        version=version,
        organisation=school,
        cohort=cohort,
        opens_at=now - timedelta(hours=1),
        closes_at=now + timedelta(hours=1),
    )


@pytest.fixture
def teach(client, instructor):
    """Sign the instructor in, and ask and press by the name of an address."""
    client.force_login(instructor)

    class Teach:
        def get(self, address, /, *arguments, **data):
            return client.get(reverse(address, args=arguments), data)

        def post(self, address, /, *arguments, **data):
            return client.post(reverse(address, args=arguments), data)

        def words(self, answer):
            text = re.sub(r"<[^>]+>", " ", answer.content.decode())
            return re.sub(r"\s+", " ", text)

    return Teach()
