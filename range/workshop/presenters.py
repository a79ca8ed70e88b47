"""Shapes what the workshop's pages show: the desk, files in a tree, problems, preview."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db.models import Q
from django.utils import timezone
from django.utils.safestring import SafeString

from range.accounts.access import Viewer, can_bring_builds, can_change_scenario, schools_of_staff
from range.accounts.models import Organisation, User
from range.authoring import drafts
from range.authoring.draft_files import TEXT_LIMIT_BYTES
from range.authoring.draft_publishing import Checked, check
from range.authoring.models import Draft
from range.catalog.models import Scenario, ScenarioVersion
from range.catalog.problems import Problem
from range.catalog.reader import SCENARIO_FILE
from range.catalog.rendering import rendered, variants
from range.catalog.schema import ScenarioSpec
from range.catalog.services import brief_html
from range.catalog.source import Files, contexts_of
from range.catalog.variables import draw
from range.checks.spec import Scalar
from range.exercises.models import Attempt, Exercise
from range.lib.errors import RangeError
from range.workspace.presenters import specs
from range.workspace.presenters.topology import Picture

# Samples are drawn from a key of their own: nothing in a preview opens anything.
_SAMPLE_SECRET = b"muster/preview"
SAMPLES = 20


@dataclass(frozen=True, kw_only=True)
class Offered:
    """A scenario as the desk lists it."""

    scenario: Scenario
    version: ScenarioVersion
    may_change: bool


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What somebody can write at: their organisations, drafts and scenarios."""

    schools: Sequence[Organisation]
    drafts: Sequence[Draft]
    archived: Sequence[Draft]
    scenarios: Sequence[Offered]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file in the tree.

    Args:
        locked: Whether it belongs to what builds an image, and the viewer may not change it.
    """

    path: str
    name: str
    size_bytes: int
    is_text: bool
    locked: bool
    fixed: bool


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One combination of the choices that decide which parts exist."""

    number: int
    label: str
    chosen: bool


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A draft as a trainee with one drawn attempt would see it.

    Args:
        trouble: What cannot be shown, in words; empty where all can.
    """

    brief: SafeString
    summary: str
    goals: Sequence[specs.Goal]
    picture: Picture
    variants: Sequence[Variant]
    sample: int
    next_sample: int
    trouble: str = ""


def desk_for(viewer: User) -> Desk:
    """Gather what a person can write at."""
    mine = drafts.drafts_for(viewer).select_related("author", "organisation", "opened_from")
    mine = mine.defer("files", "report", "opened_from__spec", "opened_from__assets")
    homes = list(schools_of_staff(viewer))
    return Desk(
        schools=list(Organisation.objects.filter(pk__in=homes).order_by("name")),
        drafts=list(mine.filter(archived_at=None)),
        archived=list(mine.exclude(archived_at=None)[:50]),
        scenarios=list(_offered(viewer, homes)),
    )


def _offered(viewer: User, homes: Sequence[uuid.UUID]) -> Iterator[Offered]:
    newest = ScenarioVersion.objects.latest_per_scenario().values("pk")
    versions = (
        ScenarioVersion.objects.filter(pk__in=newest, scenario__in=Scenario.objects.open_to(homes))
        .select_related("scenario__owner")
        .defer("spec", "assets", "brief", "images")
        .order_by("scenario__title")
    )
    may: dict[uuid.UUID | None, bool] = {None: can_change_scenario(viewer, None)}
    for version in versions:
        owner = version.scenario.owner_id
        if owner not in may:
            may[owner] = can_change_scenario(viewer, owner)
        yield Offered(scenario=version.scenario, version=version, may_change=may[owner])


def tree_of(files: Files, viewer: Viewer) -> list[tuple[str, list[Entry]]]:
    """Return files by folder, the scenario file first."""
    contexts = [] if can_bring_builds(viewer) else list(contexts_of(files))
    entries = [
        Entry(
            path=path,
            name=path.rpartition("/")[2],
            size_bytes=len(file.data),
            is_text=file.text is not None and len(file.data) <= TEXT_LIMIT_BYTES,
            locked=any(path.startswith(f"{each}/" if each else "") for each in contexts),
            fixed=path == SCENARIO_FILE,
        )
        for path, file in files.items()
    ]
    entries.sort(key=lambda each: (_folder(each), not each.fixed, each.name))
    return [(folder, list(inside)) for folder, inside in groupby(entries, key=_folder)]


def _folder(entry: Entry) -> str:
    return entry.path.rpartition("/")[0]


@dataclass(frozen=True, kw_only=True)
class Side:
    """What stands beside the editor."""

    checked: Checked
    preview: Preview | None

    @property
    def problems(self) -> list[Problem]:
        """Return everything to say about the draft."""
        return self.checked.problems


def side_of(draft: Draft, *, variant: int = 0, sample: int = 1) -> Side:
    """Check a draft and draw one attempt of it."""
    found = check(draft)
    preview = None
    if found.loaded is not None:
        preview = preview_of(
            draft, found.loaded.spec, found.loaded.brief, variant=variant, sample=sample
        )
    return Side(checked=found, preview=preview)


def preview_of(
    draft: Draft, spec: ScenarioSpec, brief: str, *, variant: int, sample: int
) -> Preview:
    """Draw one attempt of a scenario, and show it as a trainee would see it."""
    combinations = variants(spec)
    variant = variant if 0 <= variant < len(combinations) else 0
    sample = sample if 1 <= sample <= SAMPLES else 1
    attempt_id = uuid.uuid5(draft.pk, f"sample {sample}")
    values = draw(spec, _SAMPLE_SECRET, attempt_id, epoch=1) | combinations[variant]
    html, shown, trouble = SafeString(""), spec, ""
    try:
        html = specs.safe(brief_html(spec, brief, values))
        shown = rendered(spec, values)
    except RangeError as error:
        trouble = error.message
    return Preview(
        brief=html,
        summary=specs.preview(shown.summary),
        goals=specs.goals(shown),
        picture=specs.picture(shown),
        variants=[
            Variant(number=number, label=_label(each), chosen=number == variant)
            for number, each in enumerate(combinations)
            if each
        ],
        sample=sample,
        next_sample=sample % SAMPLES + 1,
        trouble=trouble,
    )


def _label(combination: dict[str, Scalar]) -> str:
    return ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in combination.items())


def kept_open(scenario: Scenario, viewer: Viewer) -> dict[str, object]:
    """Return what goes on although a scenario is retired: attempts, and assigned exercises.

    Of other organisations' exercises only the number is told.
    """
    attempts = Attempt.objects.open().filter(exercise__version__scenario=scenario).count()
    assigned = Exercise.objects.filter(version__scenario=scenario).exclude(cohort=None)
    still = assigned.filter(Q(closes_at=None) | Q(closes_at__gt=timezone.now()))
    mine = still.filter(organisation__in=schools_of_staff(viewer))
    shown = list(mine.select_related("cohort").order_by("closes_at", "opens_at"))
    return {"active": attempts, "exercises": shown, "others": still.count() - len(shown)}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One published version in a scenario's history."""

    version: ScenarioVersion
    before: ScenarioVersion | None
    verified_at: datetime | None


def rows_of(scenario: Scenario) -> list[Row]:
    """Return a scenario's versions, the newest first, each with the one before it."""
    found = list(
        scenario.versions.defer("spec", "assets", "brief", "images").order_by("-published_at")
    )
    return [
        Row(
            version=version,
            before=found[place + 1] if place + 1 < len(found) else None,
            verified_at=version.verified_at,
        )
        for place, version in enumerate(found)
    ]
