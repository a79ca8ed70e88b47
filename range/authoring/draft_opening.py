"""Begins drafts: from a published version, a skeleton, an archive, or another format."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import transaction

from range.accounts.access import can_author_in, can_read_scenario
from range.accounts.models import Organisation, User
from range.authoring import drafts
from range.authoring.archive_names import ArchiveRefused, quoted
from range.authoring.archives import unpack
from range.authoring.build_contexts import without_foreign
from range.authoring.drafts import NotAuthor
from range.authoring.importers.draft import REPORT_FILE, slug_of, write
from range.authoring.importing import FORMATS, understood
from range.authoring.models import Draft
from range.authoring.skeleton import KINDS, checked_slug, new_scenario
from range.catalog.models import Scenario, ScenarioVersion
from range.catalog.publish import source_of
from range.catalog.reader import SCENARIO_FILE
from range.catalog.services import is_unchanged
from range.catalog.source import File, read_files
from range.lib.errors import RangeError

UPLOAD_LIMIT_BYTES = 16 << 20
IMPORTED_LIMIT = 20
# What a skeleton says to somebody with a shell.
_SHELL = re.compile(r"save, and look:(\n#)? manage\.py try_scenario \S+")


class SourceMissing(RangeError):
    """A version's files were not kept, and the folder they came from changed since."""

    def __init__(self) -> None:
        super().__init__(
            "The files of this version were not kept, and its folder has changed since. Publish "
            "the scenario again, and open that version.",
            reason="source-missing",
            status=409,
        )


class SlugTaken(RangeError):
    """A scenario or a draft has that id already."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="scenario-id-taken", status=409)


def files_of_version(version: ScenarioVersion, *, viewer: User) -> dict[str, File]:
    """Return a published version's files.

    Raises:
        NotAuthor: It is not the viewer's to read.
        SourceMissing: They are nowhere any more.
    """
    if not can_read_scenario(viewer, version.scenario.owner_id):
        raise NotAuthor
    kept = source_of(version)
    if kept is not None:
        return kept
    folder = Path(settings.RANGE_SCENARIOS_DIR) / version.scenario.slug
    if is_unchanged(version, folder):
        return read_files(folder)
    raise SourceMissing


def from_version(version: ScenarioVersion, *, author: User, organisation: Organisation) -> Draft:
    """Open a draft of a published version.

    Raises:
        RangeError: As `files_of_version` and `drafts.create` do.
    """
    return drafts.create(
        files_of_version(version, viewer=author),
        author=author,
        organisation=organisation,
        slug=version.scenario.slug,
        title=version.scenario.title,
        about=f"Opened from version {version.version}",
        opened_from=version,
    )


def from_skeleton(slug: str, *, kind: str, author: User, organisation: Organisation) -> Draft:
    """Begin a draft that checks as it stands, with comments that teach.

    Raises:
        RangeError: The name cannot be a scenario's, or as `drafts.create` does.
    """
    kind = kind if kind in KINDS else KINDS[0]
    _refuse_taken(checked_slug(slug), author, organisation)
    with _place() as place:
        folder = new_scenario(place, slug, kind=kind)
        files = read_files(folder)
    files[SCENARIO_FILE] = _for_the_browser(files[SCENARIO_FILE])
    return drafts.create(
        files,
        author=author,
        organisation=organisation,
        slug=slug,
        title=slug.replace("-", " ").capitalize(),
        about=f"Begun from the skeleton for {kind}",
    )


def from_archive(
    source: IO[bytes], *, name: str, author: User, organisation: Organisation
) -> Draft:
    """Open a draft of an uploaded archive, which is taken for an enemy's.

    Raises:
        ArchiveRefused: It holds what no scenario needs.
        RangeError: As `drafts.create` does.
    """
    _refuse_strangers(author, organisation)
    with _place() as place:
        unpack(source, place / "new")
        files = read_files(place / "new")
    if SCENARIO_FILE not in files:
        raise ArchiveRefused(f"Expected a scenario with {SCENARIO_FILE}, found none in it.")
    kept, left_out = without_foreign(files, author=author)
    stem = Path(name).stem[:40] or "uploaded"
    slug, title = drafts.told(kept, slug=slug_of(stem), title=stem)
    return drafts.create(
        kept,
        author=author,
        organisation=organisation,
        slug=slug,
        title=title,
        about="Opened from an archive",
        report=_left_out(left_out),
    )


def from_format(
    source: Path, *, form: str, author: User, organisation: Organisation
) -> list[Draft]:
    """Make drafts of what another range or contest wrote, each with its report.

    Raises:
        ArchiveRefused: It is nothing of that format, or holds what no scenario needs.
        ScenarioInvalid: Its YAML cannot be read.
        RangeError: As `drafts.create` does.
    """
    _refuse_strangers(author, organisation)
    if form not in FORMATS:
        raise ArchiveRefused(f"Expected one of the formats {', '.join(FORMATS)}.")
    read, as_it_is = FORMATS[form]
    made = []
    with _place() as place:
        if not as_it_is:
            with source.open("rb") as archive:
                unpack(archive, place / "source")
        with understood():
            found = read(source if as_it_is else place / "source")
        if len(found) > IMPORTED_LIMIT:
            raise ArchiveRefused(
                f"It holds {len(found)} scenarios; the page takes {IMPORTED_LIMIT} at once. "
                "Whoever runs the range can import more with manage.py import_scenario."
            )
        with understood():
            for draft in found:
                folder = place / f"draft-{draft.slug}"
                write(draft, folder)
                made.append((draft, read_files(folder)))
    with transaction.atomic():
        return [
            _imported(files, draft.slug, draft.title, author, organisation) for draft, files in made
        ]


def _imported(
    files: dict[str, File], slug: str, title: str, author: User, organisation: Organisation
) -> Draft:
    report = files.pop(REPORT_FILE).text or ""
    kept, left_out = without_foreign(files, author=author)
    return drafts.create(
        kept,
        author=author,
        organisation=organisation,
        slug=slug,
        title=title or slug,
        about="Imported from another format",
        report="\n".join(part for part in (_left_out(left_out), report) if part),
    )


def _refuse_taken(slug: str, author: User, organisation: Organisation) -> None:
    """Refuse a new scenario under an id by which its author could know another one."""
    if Draft.objects.at_hand().filter(organisation=organisation, slug=slug).exists():
        raise SlugTaken(f"There is a draft of {slug} already. Open that one, or choose another id.")
    known = Scenario.objects.filter(slug=slug).first()
    if known is not None and can_read_scenario(author, known.owner_id):
        raise SlugTaken(
            f"{slug} is published already. Choose another id; for a new version of it, open a "
            "draft on its page."
        )


def _for_the_browser(file: File) -> File:
    """Leave out what a skeleton says to somebody with an editor and a shell of their own."""
    lines = (file.text or "").splitlines(keepends=True)
    kept = [each for each in lines if "yaml-language-server" not in each]
    text = "".join(kept).removeprefix("#\n")
    return File(data=_SHELL.sub("and look: Try follows every save.", text).encode())


def _refuse_strangers(author: User, organisation: Organisation) -> None:
    """Refuse before anything of an upload is unpacked."""
    if not can_author_in(author, organisation.pk):
        raise NotAuthor


def _left_out(folders: list[str]) -> str:
    if not folders:
        return ""
    named = "\n".join(f"- {quoted(folder or 'Dockerfile')}" for folder in folders)
    return (
        "## Left out\n\nWhat builds images comes from whoever runs the range, so this was left "
        f"out:\n\n{named}\n\nChange `build` of the machines that name it, or ask an "
        "administrator to import it.\n"
    )


@contextmanager
def _place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="muster-draft-") as place:
        yield Path(place)
