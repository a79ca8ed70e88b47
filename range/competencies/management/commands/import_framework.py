"""Command: import an official framework file as a read-only edition."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from range.competencies import services
from range.competencies.readers import source
from range.competencies.successors import Successor
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
                source=_shown(options["source"]),
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
        gone = [f"{each.was.code}{_perhaps(each.successors)}" for each in report.gone]
        self._list("No longer in this release", gone)
        lost = [
            f"{each.code} ({', '.join(skill.key for skill in each.skills)})"
            f"{_perhaps(each.successors)}"
            for each in report.astray
        ]
        self._list("Aligned with our skills, but not in this release; they stay aligned", lost)
        self._list("Left out", report.problems)

    def _list(self, heading: str, lines: Sequence[str]) -> None:
        if not lines:
            return
        self.stdout.write(f"{heading}: {len(lines)}")
        for line in lines[:_SHOWN]:
            self.stdout.write(f"  {line}")
        if len(lines) > _SHOWN:
            self.stdout.write(f"  and {len(lines) - _SHOWN} more; the pages of frameworks list all")


def _shown(named: str) -> str:
    """Return what people read of where a file came from: of this machine, its name alone."""
    return named if "://" in named else Path(named).name


def _perhaps(successors: Sequence[Successor]) -> str:
    """Write the likeliest successor with its likeness, or nothing."""
    if not successors:
        return ""
    first = successors[0]
    return f": perhaps {first.code} now, {first.likeness:.0%} alike: {first.text}"
