"""Write the JSON Schema of scenario files, for editors that complete and check as one types."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from range.catalog.editor_schema import schema_text
from range.catalog.reference_pages import checks_page, format_page

PAGES = {"scenario-format.md": format_page, "checks.md": checks_page}


class Command(BaseCommand):
    """Exports the schema."""

    help = "Print the JSON Schema of scenario.yaml, or write it to a file."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept where to write."""
        parser.add_argument("--to", type=Path, metavar="FILE")
        parser.add_argument(
            "--pages", type=Path, metavar="FOLDER", help="Write the reference pages instead."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the schema, or the pages made from it."""
        if options["pages"] is not None:
            for name, page in PAGES.items():
                (options["pages"] / name).write_text(page(), encoding="utf-8")
            return
        text = schema_text()
        if options["to"] is None:
            self.stdout.write(text)
        else:
            options["to"].write_text(text, encoding="utf-8")
