"""Publish every scenario whose files are valid, and offer it to the schools for practice."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from range.authoring.verified import date_publication
from range.catalog.folders import scenario_folders
from range.catalog.problems import ScenarioInvalid
from range.catalog.publish import publish
from range.exercises.services import open_practice


class Command(BaseCommand):
    """Publishes scenarios."""

    help = "Publish scenarios; what was published before stays as it is."

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept which scenarios."""
        parser.add_argument("slug", nargs="*")

    def handle(self, *args: Any, **options: Any) -> None:
        """Publish each and print one line for it."""
        folders = scenario_folders(Path(settings.RANGE_SCENARIOS_DIR), options["slug"])
        failed = [folder.name for folder in folders if not self._publish(folder)]
        if failed:
            raise CommandError(f"Not published: {', '.join(failed)}.")

    def _publish(self, folder: Path) -> bool:
        try:
            published = publish(folder)
        except ScenarioInvalid as error:
            self.stderr.write(f"{folder.name:<24} not valid\n{error.message}")
            return False
        version = published.version
        date_publication(version)
        offers = open_practice(version)
        state = "published" if published.created else "unchanged"
        images = version.get_image_state_display().lower()
        self.stdout.write(
            f"{folder.name:<24} {version.version:<10} {state:<10} {version.digest[:12]}  "
            f"images: {images}" + (f"  new offers: {offers}" if offers else "")
        )
        return True
