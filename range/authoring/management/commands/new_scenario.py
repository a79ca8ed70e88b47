"""Begin a scenario: a folder that checks and verifies as it stands."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from range.authoring.skeleton import KINDS, new_scenario
from range.lib.errors import RangeError


class Command(BaseCommand):
    """Writes a scenario's folder."""

    help = "Begin a scenario that checks and verifies as it stands."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept the name, and what to begin from."""
        parser.add_argument("id", help="Name of the folder, such as open-drawer.")
        parser.add_argument(
            "--from", dest="kind", choices=KINDS, default=KINDS[0], help="What trainees do in it."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it, list its files and say what to do next."""
        root = Path(settings.RANGE_SCENARIOS_DIR)
        try:
            folder = new_scenario(root, options["id"], kind=options["kind"])
        except RangeError as error:
            raise CommandError(error.message) from error
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.stdout.write(f"  {path.relative_to(root)}")
        self.stdout.write(f"Try it:    manage.py try_scenario {folder.name}")
        self.stdout.write(f"Prove it:  manage.py verify_scenarios {folder.name}")
