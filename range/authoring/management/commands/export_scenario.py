"""Write a scenario as a zip that import_scenario reads on another range."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from range.authoring.archives import export_scenario
from range.catalog.folders import scenario_folders
from range.catalog.reader import read_scenario
from range.lib.errors import RangeError


class Command(BaseCommand):
    """Exports a scenario."""

    help = "Write a scenario as a zip."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept which scenario, and where to write it."""
        parser.add_argument("id")
        parser.add_argument("--to", type=Path, metavar="FILE", help="Default: ID-VERSION.zip here.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file, which must not exist, whole or not at all."""
        try:
            (folder,) = scenario_folders(Path(settings.RANGE_SCENARIOS_DIR), [options["id"]])
            loaded = read_scenario(folder)
            target = options["to"] or Path(f"{loaded.spec.id}-{loaded.spec.version}.zip")
            with target.open("xb") as file:
                try:
                    export_scenario(folder, file)
                except BaseException:
                    target.unlink()
                    raise
        except RangeError as error:
            raise CommandError(error.message) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from error
        self.stdout.write(f"{target} ({target.stat().st_size} bytes), digest {loaded.digest[:12]}")
