"""Publishes drafts as versions, and takes scenarios out of the offer and back into it."""

import re
import uuid
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from range.accounts.access import can_change_scenario
from range.accounts.models import User
from range.authoring import drafts
from range.authoring.drafts import DraftArchived, NotAuthor, Stale
from range.authoring.models import Draft
from range.authoring.verified import date_publication
from range.catalog.lint import checked
from range.catalog.models import Scenario, ScenarioVersion
from range.catalog.problems import Problem, ScenarioInvalid, Severity
from range.catalog.publish import Published, publish_loaded
from range.catalog.reader import LoadedScenario
from range.exercises.services import open_practice
from range.lib.errors import RangeError
from range.timeline.services import record


class NotOwner(RangeError):
    """A scenario of that id belongs to somebody else."""

    def __init__(self, slug: str, *, of_the_range: bool) -> None:
        whose = "is one of the range's own" if of_the_range else "belongs to another organisation"
        who = "an administrator publishes it" if of_the_range else "its own authors publish it"
        super().__init__(
            f"The scenario {slug} {whose}: {who}. Give yours another id in scenario.yaml.",
            reason="not-owner",
            status=403,
        )


class ScenarioMissing(RangeError):
    """There is no such scenario, or not for this person; both look the same from outside."""

    def __init__(self) -> None:
        super().__init__(
            "There is no such scenario in your workshop.", reason="scenario-missing", status=404
        )


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What is to say about a draft.

    Args:
        loaded: None where it cannot be read. Its folder is gone.
        known: The version that holds this very content already.
    """

    loaded: LoadedScenario | None
    problems: list[Problem]
    known: ScenarioVersion | None

    @property
    def errors(self) -> list[Problem]:
        """Return what keeps it from being published."""
        return [each for each in self.problems if each.severity is Severity.ERROR]


def check(draft: Draft) -> Checked:
    """Look at a draft as publication would, with the same words as check_scenarios."""
    with drafts.folder_of(draft) as folder:
        loaded, problems = checked(folder)
    if loaded is None:
        return Checked(loaded=None, problems=problems, known=None)
    versions = ScenarioVersion.objects.defer("spec", "assets", "brief", "images")
    known = versions.filter(digest=loaded.digest).select_related("scenario").first()
    taken = [] if known else _number_taken(loaded)
    return Checked(loaded=loaded, problems=[*taken, *problems], known=known)


def publish(draft_id: uuid.UUID, *, author: User, revision: int) -> Published:
    """Publish a draft, and offer it for practice.

    Args:
        revision: What the author looked at when they decided.

    Raises:
        DraftMissing: It is no draft of the author's organisations.
        DraftArchived: It was put away.
        Stale: Somebody changed it since.
        ScenarioInvalid: It cannot be read, lint finds an error, or its number is taken.
        NotOwner: A scenario of that id is somebody else's.
    """
    drafts.draft_of(author, draft_id)
    with transaction.atomic():
        draft = Draft.objects.select_for_update().get(pk=draft_id)
        if draft.archived_at is not None:
            raise DraftArchived
        if draft.revision != revision:
            raise Stale(draft, [])
        published = _published(draft, author)
        version = published.version
        Draft.objects.filter(pk=draft.pk).update(opened_from=version)
        date_publication(version)
        if published.created:
            open_practice(version)
            told = {"version": version.version, "digest": version.digest}
            drafts.note(draft, "draft.published", author, **told)
            _note(version.scenario, "scenario.published", author, **told)
    return published


def scenario_of(viewer: User, slug: str) -> Scenario:
    """Return a scenario that somebody may publish and retire.

    Raises:
        ScenarioMissing: There is none, or it is not theirs.
    """
    found = Scenario.objects.select_related("owner").filter(slug=slug).first()
    if found is None or not can_change_scenario(viewer, found.owner_id):
        raise ScenarioMissing
    return found


def retire(scenario: Scenario, *, author: User, restored: bool = False) -> bool:
    """Take a scenario out of the offer, or back into it; attempts at it go on.

    Returns:
        False if somebody else was faster.

    Raises:
        NotAuthor: It is not the author's to retire.
    """
    if not can_change_scenario(author, scenario.owner_id):
        raise NotAuthor
    rows = Scenario.objects.filter(pk=scenario.pk, retired_at__isnull=not restored)
    with transaction.atomic():
        moved = rows.update(retired_at=None if restored else timezone.now()) == 1
        if moved:
            kind = "scenario.offered_again" if restored else "scenario.retired"
            _note(scenario, kind, author)
    return moved


def next_number(version: str, taken: set[str]) -> str:
    """Return the number after a version's that is not taken."""
    head, last = re.fullmatch(r"(.*?)(\d*)", version).groups()  # type: ignore[union-attr]
    number = int(last or 0) + 1
    while f"{head}{number}" in taken:
        number += 1
    return f"{head}{number}"


def _published(draft: Draft, author: User) -> Published:
    with drafts.folder_of(draft) as folder:
        loaded, problems = checked(folder)
        if loaded is None:
            raise ScenarioInvalid(problems)
        errors = [each for each in problems if each.severity is Severity.ERROR]
        known = ScenarioVersion.objects.filter(digest=loaded.digest).exists()
        errors += [] if known else _number_taken(loaded)
        if errors:
            raise ScenarioInvalid(errors)
        published = publish_loaded(loaded, owner=draft.organisation)
    # Only now is the scenario's row locked, so nobody can take the id in between.
    owner = published.version.scenario.owner_id
    if not can_change_scenario(author, owner) or owner not in (None, draft.organisation_id):
        raise NotOwner(loaded.spec.id, of_the_range=owner is None)
    return published


def _number_taken(loaded: LoadedScenario) -> list[Problem]:
    spec = loaded.spec
    rows = ScenarioVersion.objects.filter(scenario__slug=spec.id)
    taken = set(rows.values_list("version", flat=True))
    if spec.version not in taken:
        return []
    return [
        loaded.problem(
            Severity.ERROR,
            ("version",),
            "a number that no published version has",
            repr(spec.version),
            f"Write {next_number(spec.version, taken)}.",
        )
    ]


def _note(scenario: Scenario, kind: str, author: User, **payload: object) -> None:
    record(scenario.pk, kind=kind, actor=f"instructor:{author.pk}", payload=payload)
