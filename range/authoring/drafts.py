"""Changes to drafts: made, saved, restored, archived; whoever is too late is told, not obeyed."""

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from range.accounts.access import Viewer, can_author_in, schools_of_staff
from range.accounts.models import Organisation, User
from range.authoring.build_contexts import refuse_foreign
from range.authoring.draft_files import FileRefused, checked_path, refuse_too_much
from range.authoring.draft_history import thin
from range.authoring.models import Draft, DraftQuerySet, DraftRevision
from range.authoring.skeleton import checked_slug, is_slug
from range.catalog.models import ScenarioVersion
from range.catalog.reader import SCENARIO_FILE
from range.catalog.source import File, Files, packed, unpacked, written_out
from range.lib.errors import RangeError
from range.lib.storable import storable
from range.timeline.services import record

DRAFTS_LIMIT = 200
_TOLD = re.compile(r"^(id|title):[ \t]*([^\n#]+)", re.MULTILINE)


class DraftMissing(RangeError):
    """There is no such draft, or not for this person; both look the same from outside."""

    def __init__(self) -> None:
        super().__init__(
            "There is no such draft in your organisation.", reason="draft-missing", status=404
        )


class NotAuthor(RangeError):
    """Somebody may not write scenarios there."""

    def __init__(self) -> None:
        super().__init__(
            "Only instructors and administrators of an organisation write its scenarios.",
            reason="not-author",
            status=403,
        )


class TooManyDrafts(RangeError):
    """An organisation has as many drafts as it may."""

    def __init__(self) -> None:
        super().__init__(
            f"An organisation has at most {DRAFTS_LIMIT} drafts. Archive some first.",
            reason="too-many-drafts",
            status=409,
        )


class DraftArchived(RangeError):
    """A draft was put away and takes no changes until it is taken up again."""

    def __init__(self) -> None:
        super().__init__(
            "This draft is archived. Take it up again in the workshop to change it.",
            reason="draft-archived",
            status=409,
        )


class Stale(RangeError):
    """A draft was changed since the page that wants to change it was loaded.

    Args:
        draft: As it is now; its files hold the other text.
    """

    def __init__(self, draft: Draft, paths: list[str]) -> None:
        super().__init__(
            f"{', '.join(paths) or 'This draft'} was changed elsewhere since you opened it here.",
            reason="draft-stale",
            status=409,
        )
        self.draft = draft
        self.paths = paths


@dataclass(frozen=True, kw_only=True)
class Change:
    """What becomes of one file.

    Args:
        file: None removes it.
        base: Digest of the content that the change was made to; None where there was none.
    """

    file: File | None
    base: str | None = None


def drafts_for(viewer: Viewer) -> DraftQuerySet:
    """Return the drafts of the viewer's organisations, those changed last first."""
    return Draft.objects.filter(organisation__in=schools_of_staff(viewer)).order_by("-changed_at")


def draft_of(viewer: Viewer, draft_id: uuid.UUID) -> Draft:
    """Return a draft of the viewer's organisations.

    Raises:
        DraftMissing: It does not exist, or belongs to another organisation.
    """
    found = Draft.objects.select_related("organisation", "opened_from").filter(pk=draft_id).first()
    if found is None or not can_author_in(viewer, found.organisation_id):
        raise DraftMissing
    return found


def files_of(draft: Draft) -> dict[str, File]:
    """Return a draft's files."""
    return unpacked(draft.files)


@contextmanager
def folder_of(draft: Draft | DraftRevision) -> Iterator[Path]:
    """Give a folder with a draft's files, or an earlier revision's, for as long as it is needed."""
    slug = draft.draft.slug if isinstance(draft, DraftRevision) else draft.slug
    with written_out(unpacked(draft.files), name=slug) as folder:
        yield folder


def create(
    files: Files,
    *,
    author: User,
    organisation: Organisation,
    slug: str,
    title: str,
    about: str,
    opened_from: ScenarioVersion | None = None,
    report: str = "",
) -> Draft:
    """Make a draft whose build contexts were judged by whoever calls.

    Raises:
        NotAuthor: The author is not of the organisation's staff.
        BadName: The slug cannot name a scenario.
        FileRefused: A draft cannot hold these files.
        TooManyDrafts: There are as many as there may be.
    """
    if not can_author_in(author, organisation.pk):
        raise NotAuthor
    for path in files:
        checked_path(path)
    refuse_too_much(files)
    with transaction.atomic():
        # Two at once would count the same drafts.
        Organisation.objects.select_for_update().get(pk=organisation.pk)
        if Draft.objects.at_hand().filter(organisation=organisation).count() >= DRAFTS_LIMIT:
            raise TooManyDrafts
        draft = Draft.objects.create(
            organisation=organisation,
            author=author,
            slug=checked_slug(slug),
            title=title[:160],
            files=packed(files),
            opened_from=opened_from,
            report=report,
        )
        _append(draft, files, author=author, about=about)
        note(draft, "draft.made", author, about=about)
    return draft


def change(
    draft_id: uuid.UUID,
    changes: Mapping[str, Change],
    *,
    author: User,
    about: str = "Saved",
) -> Draft:
    """Change files of a draft together, or none of them; return the draft as it is now.

    A page that is behind may still change files which nobody changed in the meantime.

    Raises:
        DraftMissing: It is no draft of the author's organisations.
        Stale: A file was changed in the meantime; nothing was overwritten.
        DraftArchived: It takes no changes.
        FileRefused: A draft cannot hold that.
        BuildsRefused: It would bring or alter what builds images.
    """
    with transaction.atomic():
        draft = _locked(author, draft_id)
        before = files_of(draft)
        after = dict(before)
        stale = []
        for path, wanted in changes.items():
            if _digest(before.get(path)) not in (wanted.base, _digest(wanted.file)):
                stale.append(path)
            if wanted.file is None:
                after.pop(path, None)
            else:
                after[checked_path(path)] = wanted.file
        if stale:
            raise Stale(draft, stale)
        return _moved(draft, before, after, author=author, about=about)


def rename_file(draft_id: uuid.UUID, path: str, wanted: str, *, author: User) -> Draft:
    """Give a file another path.

    Raises:
        RangeError: As `change` does, or the path is taken or there is no such file.
    """
    draft = draft_of(author, draft_id)
    files = files_of(draft)
    if path not in files:
        raise FileRefused("There is no such file any more; reload the page.")
    if wanted in files:
        raise FileRefused("There is a file of that name already.")
    changes = {
        path: Change(file=None, base=files[path].sha256),
        wanted: Change(file=files[path]),
    }
    about = f"Renamed {path} to {wanted}"
    return change(draft_id, changes, author=author, about=about)


def restore(draft_id: uuid.UUID, number: int, *, author: User) -> Draft:
    """Make a draft what it was at an earlier revision, which is a new revision.

    Raises:
        DraftMissing: There is no such draft or revision.
        DraftArchived: It takes no changes.
    """
    with transaction.atomic():
        draft = _locked(author, draft_id)
        wanted = draft.revisions.filter(number=number).first()
        if wanted is None:
            raise DraftMissing
        # Its build contexts were judged when the revision was made.
        files = unpacked(wanted.files)
        about = f"Restored revision {number}"
        moved = _moved(draft, files, files, author=author, about=about)
        note(draft, "draft.restored", author, number=number)
    return moved


def name_revision(draft_id: uuid.UUID, number: int, name: str, *, author: User) -> None:
    """Give a revision a name, which keeps it; an empty one takes the name away.

    Raises:
        DraftMissing: There is no such draft or revision.
    """
    draft = draft_of(author, draft_id)
    shown = " ".join(storable(name).split())[:80]
    if draft.revisions.filter(number=number).update(name=shown) != 1:
        raise DraftMissing


def archive(draft_id: uuid.UUID, *, author: User, restored: bool = False) -> Draft:
    """Put a draft away, or take it up again; nothing of it is lost.

    Raises:
        DraftMissing: It is no draft of the author's organisations.
    """
    with transaction.atomic():
        draft = _locked(author, draft_id, archived=True)
        if restored == (draft.archived_at is not None):
            draft.archived_at = None if restored else timezone.now()
            draft.save(update_fields=["archived_at"])
            note(draft, "draft.taken_up" if restored else "draft.archived", author)
    return draft


def note(draft: Draft, kind: str, author: User, **payload: object) -> None:
    """Write down what was done to a draft."""
    record(draft.pk, kind=kind, actor=f"instructor:{author.pk}", payload=payload)


def _locked(author: User, draft_id: uuid.UUID, *, archived: bool = False) -> Draft:
    draft_of(author, draft_id)
    draft = Draft.objects.select_for_update().get(pk=draft_id)
    if draft.archived_at is not None and not archived:
        raise DraftArchived
    return draft


def _moved(draft: Draft, before: Files, after: Files, *, author: User, about: str) -> Draft:
    if packed(after) == draft.files:
        return draft
    refuse_too_much(after)
    refuse_foreign(before, after, author=author)
    draft.files = packed(after)
    draft.slug, draft.title = told(after, slug=draft.slug, title=draft.title)
    draft.revision += 1
    draft.changed_at = timezone.now()
    draft.save(update_fields=["files", "slug", "title", "revision", "changed_at"])
    _append(draft, after, author=author, about=about)
    thin(draft, now=draft.changed_at)
    return draft


def told(files: Files, *, slug: str, title: str) -> tuple[str, str]:
    """Return the id and title that a scenario file says, as far as it can be read.

    Read line by line: while somebody types, the file is no YAML half of the time.
    """
    text = (files[SCENARIO_FILE].text if SCENARIO_FILE in files else None) or ""
    found = {name: value.strip(" \"'") for name, value in _TOLD.findall(text[:4000])}
    said = found.get("id", "")
    return (said if is_slug(said) else slug), (found.get("title") or title)[:160]


def _append(draft: Draft, files: Files, *, author: User, about: str) -> None:
    DraftRevision.objects.create(
        draft=draft,
        number=draft.revision,
        files=draft.files,
        size_bytes=len(json.dumps(draft.files)),
        made_by=author,
        about=about[:120],
    )


def _digest(file: File | None) -> str | None:
    return None if file is None else file.sha256
