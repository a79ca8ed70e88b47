"""What people say of themselves: theirs alone, on no page of others, gone when they erase it."""

import io
import zipfile

import pytest
from django.apps import apps
from django.urls import reverse

from range.accounts.models import Consent
from range.pipeline.impact.groups import DIMENSIONS, GroupsRefused, declare, declared_by
from range.pipeline.impact.switch import switch
from range.pipeline.models import GroupDeclaration
from range.timeline.models import EventPayload

pytestmark = pytest.mark.django_db
SAID = {"gender": "another", "ethnicity": "pacific", "disability": "yes"}
WORDS = ("Non-binary", "Pacific Islander", "With a disability")


def test_a_person_says_changes_and_erases(client, trainee):
    client.force_login(trainee)
    page = reverse("my-groups")
    assert "No agency has such reports" in client.get(page).text
    client.post(page, SAID)
    assert declared_by(trainee) == SAID
    assert 'value="another" selected' in client.get(page).text
    client.post(page, {"gender": "woman"})
    assert declared_by(trainee) == {"gender": "woman"}
    client.post(page, {"gender": "woman", "action": "erase"})
    assert not GroupDeclaration.objects.exists()


@pytest.mark.parametrize("sent", [{"gender": "queen"}, {"age": "\0"}, {"gender": "under-40"}])
def test_what_is_no_group_is_refused_and_changes_nothing(client, trainee, sent):
    declare(trainee, {"gender": "man"})
    client.force_login(trainee)
    assert client.post(reverse("my-groups"), sent).status_code == 400
    assert declared_by(trainee) == {"gender": "man"}


def test_only_trainees_are_asked(instructor, assessor):
    for viewer in (instructor, assessor):
        with pytest.raises(GroupsRefused):
            declare(viewer, {"gender": "man"})


def test_nobody_sees_it_on_any_page_or_export_and_no_event_speaks_of_it(
    client, proven, trainee, instructor, assessor, administrator, agency
):
    Consent.objects.create(trainee=trainee, agency=agency)
    declare(trainee, SAID)
    pages = [
        *(reverse(name, args=[trainee.pk]) for name in ("person", "skills-csv", "statements")),
        *(reverse(name, args=[trainee.pk]) for name in ("evidence-csv", "workbook", "badge")),
        reverse("evidence-file", args=[trainee.pk]),
        reverse("people"),
    ]
    for viewer in (instructor, assessor, administrator):
        client.force_login(viewer)
        for page in pages:
            answer = client.get(page)
            # Twelve checks are too few for a badge.
            assert answer.status_code == (409 if "badge" in page else 200), page
            told = answer.content
            if zipfile.is_zipfile(io.BytesIO(told)):
                archive = zipfile.ZipFile(io.BytesIO(told))
                told = b"".join(archive.read(each) for each in archive.namelist())
            for word in (*WORDS, *DIMENSIONS, "pacific"):
                assert f'"{word}"'.encode() not in told, (page, word)
            assert not any(word.encode() in told for word in WORDS), page
    said = str(list(EventPayload.objects.values_list("body", flat=True)))
    assert "pacific" not in said


def test_every_other_table_is_as_it_was(trainee):
    """Kept apart: saying it writes one row for each answer, and nothing anywhere else."""

    def rows():
        counted = apps.get_models()
        return {each._meta.label: each._base_manager.count() for each in counted}

    before = rows()
    declare(trainee, SAID)
    assert rows() == before | {"pipeline.GroupDeclaration": 3}
    declare(trainee, {})
    assert rows() == before


def test_whoever_is_asked_reads_who_counts_and_why(client, trainee, agency, person):
    manager = person("mia", agency, "ADMIN")
    switch(manager, agency, on=True, reason="To look after our stages.")
    client.force_login(trainee)
    answer = client.get(reverse("my-groups"))
    assert "East Agency" in answer.text
    assert "To look after our stages." in answer.text
    switch(manager, agency, on=False, reason="We have looked enough.")
    assert "No agency has such reports" in client.get(reverse("my-groups")).text
