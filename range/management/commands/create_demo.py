"""Create the demo people and print how to sign in."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from range.accounts import demo
from range.catalog.models import ScenarioVersion
from range.exercises.services import open_practice


class Command(BaseCommand):
    """Creates demo organisations, people and their practice exercises; safe to repeat."""

    help = "Create the demo people; a second run keeps their passwords."

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept where the accounts are kept."""
        default = Path(settings.BASE_DIR) / "var" / "demo-accounts.json"
        parser.add_argument("--file", type=Path, default=default)

    def handle(self, *args: Any, **options: Any) -> None:
        """Create, keep and print."""
        path: Path = options["file"]
        accounts = demo.create(demo.kept(path))
        demo.keep(accounts, path)
        for version in ScenarioVersion.objects.latest_per_scenario():
            open_practice(version)
        for account in accounts:
            self.stdout.write(
                f"{account.role.lower():<11} {account.username:<11} {account.password}"
            )
