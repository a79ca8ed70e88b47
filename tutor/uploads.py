"""Texts that instructors give the tutor: looked through first, then stored, replaced, withdrawn."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from range.accounts.access import Viewer, can_give_knowledge, can_read_knowledge
from range.accounts.cohorts import NotStaff, actor_of
from range.accounts.models import Organisation, User
from range.catalog.models import Scenario, ScenarioQuerySet
from range.lib.errors import RangeError
from range.lib.notify import notify
from range.timeline.services import record
from tutor.chunking import Article, FrontMatter, Piece, cut_plain
from tutor.front_matter import FrontMatterInvalid
from tutor.given_text import UploadRefused
from tutor.importers.folder import entry_of
from tutor.importers.reading import Entry, cleaned, digest_of
from tutor.models import Chunk, Source, Upload
from tutor.quoting import inert, one_line
from tutor.storing import Place, learn_frequencies, write

# Wakes the worker, which embeds.
CHANNEL = "knowledge"
MOST_CHUNKS = 2_000
MOST_SOURCES = 500
KEPT_FOR = timedelta(days=1)


class KnowledgeMissing(RangeError):
    """There is no such text, or it is another organisation's; both look the same."""

    def __init__(self) -> None:
        super().__init__(
            "There is no such text of your organisation. Choose one under Knowledge.",
            reason="knowledge-missing",
            status=404,
        )


@dataclass(frozen=True, kw_only=True)
class Given:
    """What somebody says about a text; empty where the text itself may say it.

    Args:
        name: The file's, for a text that has no title.
    """

    text: str
    name: str = ""
    title: str = ""
    version: str = ""
    license: str = ""
    url: str = ""
    scenario: str = ""
    min_rung: int = 0
    spoils: bool = False


@dataclass(frozen=True, kw_only=True)
class Change:
    """One chunk of a text that is looked through.

    Args:
        is_new: It is not in the index yet, and will be embedded.
    """

    piece: Piece
    is_new: bool


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What storing a text would do.

    Args:
        gone: Headings of chunks that it would take away.
    """

    changes: Sequence[Change]
    gone: Sequence[str]

    @property
    def new(self) -> int:
        """Return how many chunks would be embedded."""
        return sum(change.is_new for change in self.changes)


def source_of(viewer: Viewer, source_id: uuid.UUID) -> Source:
    """Return a source that the viewer may read.

    Raises:
        KnowledgeMissing: It does not exist, or is nothing to the viewer.
    """
    source = Source.objects.select_related("organisation", "added_by").filter(pk=source_id).first()
    if source is None or not can_read_knowledge(viewer, source.organisation_id):
        raise KnowledgeMissing
    return source


def own_source(viewer: Viewer, source_id: uuid.UUID) -> Source:
    """Return a text that the viewer may replace and withdraw.

    Raises:
        KnowledgeMissing: It is none of their organisation's.
    """
    source = source_of(viewer, source_id)
    if source.origin != Source.Origin.UPLOAD or not can_give_knowledge(
        viewer, source.organisation_id
    ):
        raise KnowledgeMissing
    return source


def upload_of(viewer: Viewer, upload_id: uuid.UUID) -> Upload:
    """Return a text that the viewer's organisation is looking through.

    Raises:
        KnowledgeMissing: It does not exist any more, or is another organisation's.
    """
    found = Upload.objects.select_related("organisation", "replaces").filter(pk=upload_id).first()
    if found is None or not can_give_knowledge(viewer, found.organisation_id):
        raise KnowledgeMissing
    return found


def take(
    viewer: User, organisation: Organisation, given: Given, *, replaces: Source | None = None
) -> Upload:
    """Keep a text to be looked through; nothing is searched yet.

    Raises:
        NotStaff: The viewer does not teach there.
        UploadRefused: Something about it is missing or wrong.
    """
    if not can_give_knowledge(viewer, organisation.pk):
        raise NotStaff
    if given.scenario and not _is_for(organisation, given.scenario):
        raise UploadRefused("Choose a scenario from the list.")
    theirs = Source.objects.filter(organisation=organisation, origin=Source.Origin.UPLOAD)
    if replaces is None and theirs.count() >= MOST_SOURCES:
        raise UploadRefused(f"{MOST_SOURCES} texts are the most. Withdraw one that is not needed.")
    entry = _entry(given)
    upload = Upload(
        organisation=organisation,
        added_by=viewer,
        replaces=replaces,
        title=_line(given.title or entry.title, 200),
        version=_line(given.version or entry.version, 32),
        license=_line(given.license or entry.license, 64),
        url=_line(given.url or entry.url, 300),
        scenario=given.scenario,
        min_rung=given.min_rung,
        spoils=given.spoils,
        text=entry.body,
    )
    _refuse_incomplete(upload)
    upload.save()
    return upload


def _entry(given: Given) -> Entry:
    try:
        return entry_of(given.text, name="text", fallback=given.name)
    except FrontMatterInvalid as error:
        raise UploadRefused(f"It cannot be taken: {error.message}") from error


def scenarios_for(organisation: Organisation) -> ScenarioQuerySet:
    """Return the scenarios that a text of an organisation may be for."""
    return Scenario.objects.open_to([organisation.pk]).filter(retired_at=None).order_by("title")


def _is_for(organisation: Organisation, scenario: str) -> bool:
    return "\0" not in scenario and scenarios_for(organisation).filter(slug=scenario).exists()


def preview_of(upload: Upload) -> Preview:
    """Return the chunks that a text becomes, and what of them is new."""
    held: dict[tuple[str, int], str] = {}
    if upload.replaces is not None and upload.replaces.title == upload.title:
        chunks = Chunk.objects.filter(source=upload.replaces)
        held = {(each.sha256, each.min_rung): each.heading for each in chunks}
    pieces = article_of(upload).pieces
    kept = {(piece.sha256, piece.min_rung) for piece in pieces}
    return Preview(
        changes=[
            Change(piece=piece, is_new=(piece.sha256, piece.min_rung) not in held)
            for piece in pieces
        ],
        gone=[heading for key, heading in held.items() if key not in kept],
    )


@transaction.atomic
def keep(upload: Upload, *, viewer: User) -> Source:
    """Make a looked-through text a source; the worker embeds what is new of it."""
    old = upload.replaces
    source = write(
        Place(
            key=old.key if old else f"upload/{upload.pk}",
            origin=Source.Origin.UPLOAD,
            collection=old.collection if old else f"upload-{upload.pk}",
            scenario=upload.scenario,
            organisation_id=upload.organisation_id,
            added_by_id=viewer.pk,
        ),
        article_of(upload),
    )
    record(
        source.pk,
        kind="knowledge.replaced" if old else "knowledge.added",
        actor=actor_of(viewer),
        payload={"title": source.title, "version": source.version},
    )
    upload.delete()
    learn_frequencies()
    notify(CHANNEL)
    return source


@transaction.atomic
def withdraw(source: Source, *, viewer: User) -> None:
    """Take a text out of the index; hints that quoted it keep what they quoted."""
    record(
        source.pk,
        kind="knowledge.withdrawn",
        actor=actor_of(viewer),
        payload={"title": source.title, "version": source.version},
    )
    source.delete()


def forget_old() -> int:
    """Throw away texts that nobody decided about for a day."""
    return Upload.objects.filter(given_at__lt=timezone.now() - KEPT_FOR).delete()[0]


def article_of(upload: Upload) -> Article:
    """Cut a text into the chunks it would be stored as.

    Raises:
        UploadRefused: It becomes none, or too many.
    """
    front = FrontMatter(
        title=upload.title,
        slug="upload",
        license=upload.license,
        version=upload.version,
        url=upload.url,
        min_rung=upload.min_rung,
        spoils=upload.spoils,
    )
    pieces = cleaned(cut_plain(upload.text, front))
    if not pieces:
        raise UploadRefused("There is no text below its headings.")
    if len(pieces) > MOST_CHUNKS:
        raise UploadRefused(f"It becomes {len(pieces)} passages; {MOST_CHUNKS} are the most.")
    return Article(front=front, pieces=pieces, sha256=digest_of(front, pieces))


def _refuse_incomplete(upload: Upload) -> None:
    if len(upload.title) < 3:
        raise UploadRefused("Give it a title of at least three letters.")
    if not upload.version:
        raise UploadRefused("Say which version it is, such as 1 or a date.")
    if len(upload.license) < 2:
        raise UploadRefused("Say under which licence it may be shown, such as CC BY 4.0 or Ours.")
    if upload.url and not upload.url.startswith(("https://", "http://")):
        raise UploadRefused("An address begins with https:// or http://.")
    if not 0 <= upload.min_rung <= Chunk.SPOILING_RUNG:
        raise UploadRefused("Choose a rung from the list.")
    article_of(upload)


def _line(text: str, limit: int) -> str:
    return inert(one_line(text, limit=limit))[:limit]
