"""Check scenarios without starting anything: format, references, and what an author forgets."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from range.catalog.folders import scenario_folders
from range.catalog.lint import checked
from range.catalog.problems import Problem, Severity
from range.lib.errors import RangeError


class Command(BaseCommand):
    """Checks scenario folders."""

    help = "Check scenario files; errors end with status 1."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept which scenarios and how to print."""
        parser.add_argument("slug", nargs="*")
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--strict", action="store_true", help="Warnings count as errors.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print every finding, then a summary."""
        root = Path(settings.RANGE_SCENARIOS_DIR)
        try:
            folders = scenario_folders(root, options["slug"])
        except RangeError as error:
            raise CommandError(error.message) from error
        found = {folder.name: checked(folder)[1] for folder in folders}
        if options["json"]:
            self.stdout.write(
                json.dumps({name: [asdict(each) for each in all_] for name, all_ in found.items()})
            )
        else:
            self._print(found)
        counted = {Severity.ERROR, Severity.WARNING} if options["strict"] else {Severity.ERROR}
        bad = [name for name, all_ in found.items() if counted & {p.severity for p in all_}]
        if bad:
            raise CommandError(f"Not valid: {', '.join(bad)}.")

    def _print(self, found: dict[str, list[Problem]]) -> None:
        for name, problems in found.items():
            for problem in problems:
                self.stdout.write(f"{name}/{problem}")
            counts = ", ".join(
                f"{sum(p.severity is severity for p in problems)} {severity}s"
                for severity in (Severity.ERROR, Severity.WARNING)
            )
            self.stdout.write(f"{name}: {counts}")
