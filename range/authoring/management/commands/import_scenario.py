"""Bring a scenario from an archive among the others, or make drafts from another format."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from range.authoring.archives import import_scenario
from range.authoring.importers.draft import REPORT_FILE
from range.authoring.importing import FORMATS, import_drafts
from range.lib.errors import RangeError


class Command(BaseCommand):
    """Imports scenarios."""

    help = "Import a scenario from a zip or tar.gz that export_scenario or somebody else made."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept the archive, what it may do, and whose format it is in."""
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--allow-builds",
            action="store_true",
            help="Accept Dockerfiles: their programs run while images are built. Read them first.",
        )
        parser.add_argument(
            "--format", choices=FORMATS, help="Make drafts of what another range or contest wrote."
        )
        parser.add_argument("--replace", action="store_true", help="Replace one of the same id.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import it and say what to do next."""
        root = Path(settings.RANGE_SCENARIOS_DIR)
        try:
            if options["format"]:
                self._drafts(options["file"], root, options["format"])
                return
            with options["file"].open("rb") as source:
                loaded = import_scenario(
                    source, root, allow_builds=options["allow_builds"], replace=options["replace"]
                )
        except RangeError as error:
            raise CommandError(error.message) from error
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}.") from error
        self.stdout.write(f"{loaded.spec.id}: imported, digest {loaded.digest[:12]}")
        self.stdout.write(f"Prove it:  manage.py verify_scenarios {loaded.spec.id}")

    def _drafts(self, source: Path, root: Path, form: str) -> None:
        for draft in import_drafts(source, root, form=form):
            report = root / draft.slug / REPORT_FILE
            self.stdout.write(report.read_text(encoding="utf-8"))
            self.stdout.write(f"Try it:    manage.py try_scenario {draft.slug}\n")
