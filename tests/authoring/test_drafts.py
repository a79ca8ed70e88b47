"""Drafts: saved, restored, archived; whoever is too late loses nothing and overwrites nothing."""

from datetime import timedelta

import pytest
from django.utils import timezone

from range.accounts.models import Membership, Organisation
from range.authoring import drafts
from range.authoring.draft_files import (
    FILE_LIMIT_BYTES,
    FILES_LIMIT,
    TOTAL_LIMIT_BYTES,
    FileRefused,
)
from range.authoring.draft_history import NEWEST_KEPT, superfluous
from range.authoring.draft_opening import from_skeleton
from range.authoring.draft_publishing import publish
from range.authoring.drafts import Change, DraftArchived, DraftMissing, NotAuthor, Stale
from range.authoring.models import Draft, DraftRevision
from range.catalog.source import File
from range.timeline.services import events_of

pytestmark = pytest.mark.django_db
BRIEF = "brief.md"


@pytest.fixture
def draft(instructor, school):
    return from_skeleton("open-drawer", kind="attack", author=instructor, organisation=school)


@pytest.fixture
def stranger(person, db):
    elsewhere = Organisation.objects.create(
        slug="south", name="South School", kind=Organisation.Kind.SCHOOL
    )
    return person("sam", elsewhere, Membership.Role.INSTRUCTOR)


def text(draft, path=BRIEF):
    return drafts.files_of(draft)[path].text


def wanted(words, draft=None, path=BRIEF):
    base = drafts.files_of(draft)[path].sha256 if draft else None
    return {path: Change(file=File(data=words.encode()), base=base)}


def save(draft, words, author, *, path=BRIEF, base=None):
    return drafts.change(
        draft.pk,
        wanted(words, base or Draft.objects.get(pk=draft.pk), path),
        author=author,
    )


def test_a_save_counts_and_keeps_what_was_before(draft, instructor):
    first = text(draft)
    saved = save(draft, "# Second\n", instructor)
    assert (saved.revision, text(saved)) == (2, "# Second\n")
    kept = draft.revisions.order_by("number")
    assert [each.number for each in kept] == [1, 2]
    assert kept[0].files[BRIEF]["text"] == first


def test_a_save_that_changes_nothing_makes_no_revision(draft, instructor):
    assert save(draft, text(draft), instructor).revision == 1
    assert draft.revisions.count() == 1


def test_a_stale_save_is_refused_with_what_is_there_now(draft, instructor, administrator):
    save(draft, "# Theirs\n", administrator)
    with pytest.raises(Stale) as refusal:
        save(draft, "# Mine\n", instructor, base=draft)
    assert text(refusal.value.draft) == "# Theirs\n"
    assert refusal.value.paths == [BRIEF]
    draft.refresh_from_db()
    assert text(draft) == "# Theirs\n"


def test_a_page_that_is_behind_may_save_a_file_nobody_else_changed(draft, instructor):
    save(draft, "# Theirs\n", instructor)
    saved = save(draft, "changed\n", instructor, path="scenario.yaml", base=draft)
    assert saved.revision == 3
    assert text(saved) == "# Theirs\n"


def test_who_writes_what_stands_there_already_is_not_late(draft, instructor):
    save(draft, "# Same\n", instructor)
    again = save(draft, "# Same\n", instructor, base=draft)
    assert (again.revision, text(again)) == (2, "# Same\n")


def test_a_stale_delete_is_refused(draft, instructor):
    save(draft, "# Theirs\n", instructor)
    gone = {BRIEF: Change(file=None, base=drafts.files_of(draft)[BRIEF].sha256)}
    with pytest.raises(Stale):
        drafts.change(draft.pk, gone, author=instructor)


def test_one_refused_file_refuses_the_whole_change(draft, instructor):
    both = wanted("# Fine\n", draft) | {"../evil": Change(file=File(data=b"x"))}
    with pytest.raises(FileRefused):
        drafts.change(draft.pk, both, author=instructor)
    draft.refresh_from_db()
    assert draft.revision == 1


@pytest.mark.parametrize(
    "path",
    [
        "../up",
        "/etc/passwd",
        "a//b",
        "a/./b",
        "a/../../b",
        "C:\\x",
        "C:x",
        "nul\0",
        "line\nbreak",
        "‮gpj.exe",
        "",
        ".",
        " lead",
        "trail ",
        "./a",
        "a/",
        "x" * 121,
        "/".join("abcdefghijklmn"),
        ".git/config",
        "__pycache__/a.pyc",
        "brief.md~",
        "e\u0301.md",
        "BRIEF.md",
        "brief.md/inside",
    ],
)
def test_hostile_names_are_refused(draft, instructor, path):
    with pytest.raises(FileRefused):
        drafts.change(draft.pk, {path: Change(file=File(data=b"x"))}, author=instructor)
    draft.refresh_from_db()
    assert draft.revision == 1


def test_sizes_and_counts_are_bounded(draft, instructor):
    def put(files):
        changes = {path: Change(file=File(data=data)) for path, data in files.items()}
        return drafts.change(draft.pk, changes, author=instructor)

    with pytest.raises(FileRefused, match="at most"):
        put({"seed/big": b"x" * (FILE_LIMIT_BYTES + 1)})
    with pytest.raises(FileRefused, match="in all"):
        put({f"seed/{i}": b"x" * FILE_LIMIT_BYTES for i in range(TOTAL_LIMIT_BYTES // 2**21 + 1)})
    with pytest.raises(FileRefused, match="files"):
        put({f"seed/{i}": b"" for i in range(FILES_LIMIT)})


def test_any_bytes_are_kept_as_they_are(draft, instructor, tmp_path):
    data = bytes(range(256)) * 3
    saved = drafts.change(draft.pk, {"seed/blob": Change(file=File(data=data))}, author=instructor)
    saved.refresh_from_db()
    with drafts.folder_of(saved) as folder:
        assert (folder / "seed/blob").read_bytes() == data
        assert (folder / BRIEF).read_text() == text(saved)
    assert not folder.exists()


def test_a_draft_keeps_its_scenario_file(draft, instructor):
    gone = Change(file=None, base=drafts.files_of(draft)["scenario.yaml"].sha256)
    with pytest.raises(FileRefused):
        drafts.change(draft.pk, {"scenario.yaml": gone}, author=instructor)


def test_a_file_is_renamed_unless_the_name_is_taken(draft, instructor):
    moved = drafts.rename_file(draft.pk, BRIEF, "old.md", author=instructor)
    assert BRIEF not in moved.files
    with pytest.raises(FileRefused, match="already"):
        drafts.rename_file(draft.pk, "old.md", "scenario.yaml", author=instructor)


def test_an_earlier_revision_comes_back_as_a_new_one(draft, instructor):
    first = text(draft)
    save(draft, "# Second\n", instructor)
    back = drafts.restore(draft.pk, 1, author=instructor)
    assert (back.revision, text(back)) == (3, first)
    assert draft.revisions.count() == 3
    with pytest.raises(DraftMissing):
        drafts.restore(draft.pk, 99, author=instructor)


def test_archiving_can_be_undone_and_refuses_changes_meanwhile(draft, instructor):
    drafts.archive(draft.pk, author=instructor)
    with pytest.raises(DraftArchived):
        save(draft, "# Late\n", instructor)
    drafts.archive(draft.pk, author=instructor, restored=True)
    assert save(draft, "# Later\n", instructor).revision == 2
    kinds = [event.kind for event in events_of(draft.pk)]
    assert kinds == ["draft.made", "draft.archived", "draft.taken_up"]


def test_the_name_and_title_follow_the_scenario_file(draft, instructor):
    yaml = text(draft, "scenario.yaml").replace("id: open-drawer", "id: shut-drawer")
    saved = save(draft, yaml + "\n", instructor, path="scenario.yaml")
    assert saved.slug == "shut-drawer"
    broken = save(saved, "id: ../../etc\ntitle: 'Odd: one'\n", instructor, path="scenario.yaml")
    assert (broken.slug, broken.title) == ("shut-drawer", "Odd: one")


@pytest.mark.parametrize("who", ["stranger", "trainee", "assessor"])
def test_strangers_and_trainees_reach_no_draft(draft, who, request):
    person = request.getfixturevalue(who)
    for act in (
        lambda: drafts.draft_of(person, draft.pk),
        lambda: save(draft, "# Mine\n", person),
        lambda: drafts.rename_file(draft.pk, BRIEF, "x.md", author=person),
        lambda: drafts.restore(draft.pk, 1, author=person),
        lambda: drafts.archive(draft.pk, author=person),
        lambda: drafts.name_revision(draft.pk, 1, "mine", author=person),
        lambda: publish(draft.pk, author=person, revision=1),
    ):
        with pytest.raises(DraftMissing):
            act()
    assert not drafts.drafts_for(person).exists()
    draft.refresh_from_db()
    assert (draft.revision, draft.archived_at) == (1, None)


def test_nobody_makes_a_draft_for_another_organisation(school, stranger):
    with pytest.raises(NotAuthor):
        from_skeleton("open-drawer", kind="attack", author=stranger, organisation=school)


def revisions(*ages_minutes, names=None, size=1000):
    now = timezone.now()
    return now, [
        DraftRevision(
            number=1000 - place,
            made_at=now - timedelta(minutes=age),
            name=(names or {}).get(place, ""),
            size_bytes=size,
        )
        for place, age in enumerate(ages_minutes)
    ]


def test_thinning_keeps_the_newest_and_the_named_and_some_of_every_age():
    ages = [minute / 4 for minute in range(4 * 60 * 24)]
    now, rows = revisions(*ages, names={777: "before the class"})
    gone = {each.number for each in superfluous(rows, now=now)}
    kept = [each for each in rows if each.number not in gone]
    assert {each.number for each in rows[:NEWEST_KEPT]}.isdisjoint(gone)
    assert 1000 - 777 not in gone
    assert 50 < len(kept) < 120
    last_hour = [each for each in kept if now - each.made_at < timedelta(hours=1)]
    assert len(last_hour) > 25


def test_thinning_bounds_bytes_and_leaves_few_alone():
    now, rows = revisions(*range(0, 600, 40), size=30 << 20)
    assert len(rows) - len(superfluous(rows, now=now)) == NEWEST_KEPT
    assert superfluous(revisions(0, 1, 2)[1], now=now) == []
