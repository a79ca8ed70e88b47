"""Run the builder role until told to stop, or build named scenarios once."""

import time
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from range.authoring.builder import Builder
from range.catalog.models import ScenarioVersion
from range.lib.roles import end_on_signal

WAIT_FOR_ANOTHER = timedelta(minutes=15)
State = ScenarioVersion.ImageState


class Command(BaseCommand):
    """Builds the images of published scenarios."""

    help = "Build the images that scenarios start from."
    # Starting checks the range once; here it would load every page there is.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept scenarios to build once."""
        parser.add_argument("--once", nargs="*", metavar="SLUG", help="Build these and end.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Build until SIGTERM or SIGINT, or once."""
        if options["once"] is None:
            Builder().run(end_on_signal())
            return
        for version in self._versions(options["once"]):
            self._build(version)

    def _versions(self, slugs: list[str]) -> list[ScenarioVersion]:
        newest = ScenarioVersion.objects.latest_per_scenario().values("pk")
        versions = ScenarioVersion.objects.filter(pk__in=newest).select_related("scenario")
        found = {version.scenario.slug: version for version in versions.order_by("scenario__slug")}
        missing = [slug for slug in slugs if slug not in found]
        if missing:
            raise CommandError(
                f"Not published: {', '.join(missing)}. Run manage.py publish_scenarios first."
            )
        return [found[slug] for slug in slugs or found]

    def _build(self, version: ScenarioVersion) -> None:
        slug, began = version.scenario.slug, time.monotonic()
        builder = Builder(progress=self._tell)
        builder.put_back(version)
        version.refresh_from_db()
        while version.image_state != State.READY:
            if version.image_state == State.BUILDING:
                self._wait_for_another(version, began)
            elif not builder.build(version, source=version.image_state):
                version.refresh_from_db()
                continue
            version.refresh_from_db()
            if version.image_state == State.FAILED:
                raise CommandError(f"{slug}: {version.image_detail}")
        self.stdout.write(f"{slug}: ready ({time.monotonic() - began:.1f} s)")

    def _wait_for_another(self, version: ScenarioVersion, began: float) -> None:
        if time.monotonic() - began > WAIT_FOR_ANOTHER.total_seconds():
            raise CommandError(f"{version.scenario.slug}: another builder did not finish in time.")
        time.sleep(1)

    def _tell(self, line: str) -> None:
        self.stdout.write(f"  {line}")
