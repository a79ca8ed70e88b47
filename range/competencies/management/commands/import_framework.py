"""Command: import an official framework file as a read-only edition."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from range.competencies import services
from range.competencies.readers import source
from range.lib.errors import RangeError

_SHOWN = 20


class Command(BaseCommand):
    """Imports a file or an https address and reports what it could not use."""

    help = "Import the official NICE component JSON, or a table of NICE and DCWF role codes."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the framework, where its file lies, and the DCWF's version."""
        parser.add_argument("name", choices=["nice", "dcwf"])
        parser.add_argument("source", metavar="FILE_OR_URL")
        parser.add_argument("--version-name", default="", help="of the DCWF, such as 5.1")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import and report.

        Raises:
            CommandError: The file cannot be had or read; nothing was written.
        """
        try:
            report = services.import_framework(
                options["name"],
                data=source.load(options["source"]),
                source=options["source"],
                version=options["version_name"],
            )
        except RangeError as error:
            raise CommandError(error.message) from error
        if not report.created:
            self.stdout.write(f"{report.framework} was imported before from this very file.")
            return
        self.stdout.write(
            f"{report.framework}: {report.roles} work roles, {report.statements} statements."
        )
        self._list("No longer in this release", report.withdrawn)
        self._list("Aligned with our skills, but not in this release", report.orphaned)
        self._list("Left out", report.problems)

    def _list(self, heading: str, lines: tuple[str, ...]) -> None:
        if lines:
            more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
            self.stdout.write(f"{heading}: {', '.join(lines[:_SHOWN])}{more}.")
