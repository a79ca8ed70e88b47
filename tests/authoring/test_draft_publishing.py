"""Publishing drafts, whose they are, and what retiring does."""

import io

import pytest

from range.accounts.models import Membership, Organisation
from range.authoring import drafts
from range.authoring.archives import export_scenario
from range.authoring.builder import Builder
from range.authoring.draft_opening import (
    SourceMissing,
    from_archive,
    from_skeleton,
    from_version,
)
from range.authoring.draft_publishing import (
    NotOwner,
    ScenarioMissing,
    check,
    next_number,
    publish,
    retire,
    scenario_of,
)
from range.authoring.drafts import Change, NotAuthor, Stale
from range.authoring.skeleton import new_scenario
from range.catalog.models import Scenario, ScenarioSource, ScenarioVersion
from range.catalog.problems import ScenarioInvalid
from range.catalog.publish import publish as publish_folder
from range.catalog.publish import source_of
from range.catalog.source import File
from range.exercises.models import Exercise
from range.exercises.services import offered_to
from range.timeline.services import events_of

pytestmark = pytest.mark.django_db
YAML = "scenario.yaml"


@pytest.fixture
def draft(instructor, school):
    return from_skeleton("open-drawer", kind="attack", author=instructor, organisation=school)


@pytest.fixture
def elsewhere(db):
    return Organisation.objects.create(slug="south", name="South", kind="SCHOOL")


@pytest.fixture
def stranger(person, elsewhere):
    return person("sam", elsewhere, Membership.Role.INSTRUCTOR)


def edit(draft, author, old, new, path=YAML):
    before = drafts.files_of(draft)[path]
    assert old in before.text
    words = before.text.replace(old, new)
    changes = {path: Change(file=File(data=words.encode()), base=before.sha256)}
    return drafts.change(draft.pk, changes, author=author)


def test_a_published_draft_is_offered_to_its_school_alone(
    draft, instructor, trainee, elsewhere, stranger
):
    done = publish(draft.pk, author=instructor, revision=1)
    assert done.created
    assert done.version.scenario.owner == draft.organisation
    assert [each.version for each in offered_to(trainee)] == [done.version]
    assert not offered_to(stranger).exists()
    assert Exercise.objects.count() == 1
    assert [event.kind for event in events_of(draft.pk)][-1] == "draft.published"
    assert [event.kind for event in events_of(done.version.scenario_id)] == ["scenario.published"]


def test_a_version_keeps_every_file_and_opens_again_as_it_was(draft, instructor, school):
    version = publish(draft.pk, author=instructor, revision=1).version
    assert source_of(version) == drafts.files_of(draft)
    opened = from_version(version, author=instructor, organisation=school)
    assert check(opened).known == version


def test_errors_refuse_with_their_line(draft, instructor):
    broken = edit(draft, instructor, "networks: [office]", "networks: [attic]")
    with pytest.raises(ScenarioInvalid) as refusal:
        publish(broken.pk, author=instructor, revision=2)
    problem = next(each for each in refusal.value.problems if "attic" in each.found)
    assert (
        drafts.files_of(broken)[YAML]
        .text.splitlines()[problem.line - 1]
        .strip()
        .startswith("networks: [attic]")
    )
    assert not Scenario.objects.exists()


def test_another_content_needs_another_number(draft, instructor):
    publish(draft.pk, author=instructor, revision=1)
    changed = edit(draft, instructor, "difficulty: 1 ", "difficulty: 2 ")
    with pytest.raises(ScenarioInvalid, match=r"Write 0\.1\.1"):
        publish(changed.pk, author=instructor, revision=2)
    assert any(each.where == "version" for each in check(changed).errors)
    again = edit(changed, instructor, "version: 0.1.0", "version: 0.1.1")
    assert publish(again.pk, author=instructor, revision=3).created
    assert ScenarioVersion.objects.count() == 2


def test_the_same_content_publishes_once(draft, instructor):
    first = publish(draft.pk, author=instructor, revision=1)
    second = publish(draft.pk, author=instructor, revision=1)
    assert (second.version, second.created) == (first.version, False)


def test_what_was_not_looked_at_is_not_published(draft, instructor, administrator):
    edit(draft, administrator, "difficulty: 1 ", "difficulty: 2 ")
    with pytest.raises(Stale):
        publish(draft.pk, author=instructor, revision=1)
    assert not ScenarioVersion.objects.exists()


def test_nobody_publishes_over_a_scenario_of_another_organisation(
    draft, instructor, stranger, elsewhere
):
    publish(draft.pk, author=instructor, revision=1)
    theirs = from_skeleton("open-drawer", kind="fix", author=stranger, organisation=elsewhere)
    theirs = edit(theirs, stranger, "version: 0.1.0", "version: 9.0.0")
    with pytest.raises(NotOwner):
        publish(theirs.pk, author=stranger, revision=theirs.revision)
    assert ScenarioVersion.objects.count() == 1
    version = ScenarioVersion.objects.get()
    with pytest.raises(NotAuthor):
        from_version(version, author=stranger, organisation=elsewhere)


def test_the_ranges_own_scenarios_are_operators_to_publish_and_everybodys_to_open(
    instructor, administrator, school, tmp_path
):
    version = publish_folder(new_scenario(tmp_path, "open-drawer")).version
    mine = from_version(version, author=instructor, organisation=school)
    mine = edit(mine, instructor, "version: 0.1.0", "version: 0.2.0")
    with pytest.raises(NotOwner):
        publish(mine.pk, author=instructor, revision=2)
    done = publish(mine.pk, author=administrator, revision=2)
    assert done.version.scenario.owner is None


def test_a_retired_scenario_is_offered_no_longer_and_can_come_back(
    draft, instructor, trainee, stranger
):
    scenario = publish(draft.pk, author=instructor, revision=1).version.scenario
    assert retire(scenario, author=instructor)
    assert not retire(scenario, author=instructor)
    assert not offered_to(trainee).exists()
    for act in (
        lambda: retire(scenario, author=stranger, restored=True),
        lambda: retire(scenario, author=trainee, restored=True),
    ):
        with pytest.raises(NotAuthor):
            act()
    with pytest.raises(ScenarioMissing):
        scenario_of(stranger, "open-drawer")
    assert retire(scenario_of(instructor, "open-drawer"), author=instructor, restored=True)
    assert offered_to(trainee).count() == 1
    kinds = [event.kind for event in events_of(scenario.pk)]
    assert kinds == ["scenario.published", "scenario.retired", "scenario.offered_again"]


def test_an_exported_draft_comes_back_the_same(draft, instructor, school):
    packed = io.BytesIO()
    with drafts.folder_of(draft) as folder:
        export_scenario(folder, packed)
    packed.seek(0)
    again = from_archive(packed, name="x.zip", author=instructor, organisation=school)
    assert (again.files, again.slug, again.report) == (draft.files, "open-drawer", "")


def test_a_version_whose_files_are_gone_says_so(version, instructor, school):
    with pytest.raises(SourceMissing):
        from_version(version, author=instructor, organisation=school)


def test_the_builder_needs_no_folder_when_files_were_kept(draft, instructor, tmp_path, monkeypatch):
    from range.authoring import builder as module

    seen = {}

    def build(spec, folder, *, progress=None):
        seen.update(files={path.name for path in folder.rglob("*")}, name=folder.name)
        return dict.fromkeys(spec.machines, "made")

    monkeypatch.setattr(module, "build_images", build)
    version = publish(draft.pk, author=instructor, revision=1).version
    assert Builder(scenarios=tmp_path).build(version)
    version.refresh_from_db()
    assert version.image_state == "READY"
    assert seen["name"] == "open-drawer"
    assert "Dockerfile" in seen["files"]
    ScenarioSource.objects.all().delete()
    ScenarioVersion.objects.update(image_state="PENDING")
    version.refresh_from_db()
    Builder(scenarios=tmp_path).build(version)
    version.refresh_from_db()
    assert version.image_state == "FAILED"


@pytest.mark.parametrize(
    ("version", "taken", "wanted"),
    [
        ("0.1.0", {"0.1.0"}, "0.1.1"),
        ("1.9", {"1.9", "1.10"}, "1.11"),
        ("draft", {"draft"}, "draft1"),
    ],
)
def test_the_next_number_is_free(version, taken, wanted):
    assert next_number(version, taken) == wanted
