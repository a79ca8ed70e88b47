"""Shapes what the page of machine images shows to authors and to operators."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from range.accounts.access import can_bring_builds
from range.accounts.models import User
from range.catalog.folders import scenario_folders
from range.catalog.models import AllowedImage


@dataclass(frozen=True, kw_only=True)
class ImagePage:
    """Everything the page shows.

    Args:
        folders: Build folders that an operator may offer; empty for authors.
    """

    offered: tuple[AllowedImage, ...]
    withdrawn: tuple[AllowedImage, ...]
    may_change: bool
    folders: tuple[str, ...]


def image_page(viewer: User) -> ImagePage:
    """Gather the page for one person."""
    may_change = can_bring_builds(viewer)
    rows = AllowedImage.objects.select_related("allowed_by").defer("files").order_by("name")
    withdrawn = rows.exclude(withdrawn_at=None).order_by("-withdrawn_at")
    return ImagePage(
        offered=tuple(rows.filter(withdrawn_at=None)),
        withdrawn=tuple(withdrawn[:50]) if may_change else (),
        may_change=may_change,
        folders=tuple(build_folders()) if may_change else (),
    )


def build_folders() -> dict[str, Path]:
    """Return the build folders of the range's own scenarios, by scenario and folder."""
    return {
        f"{scenario.name}/{path.parent.relative_to(scenario).as_posix()}": path.parent
        for scenario in scenario_folders(Path(settings.RANGE_SCENARIOS_DIR))
        for path in sorted(scenario.glob("**/Dockerfile"))
    }
