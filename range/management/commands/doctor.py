"""Tell what the range misses, and what is unsafe about it."""

import json
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from range.operations import doctor


class Command(BaseCommand):
    """Prints a table, or one JSON object; exit code 1 means that something must be done."""

    help = __doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept how to answer."""
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look, and tell."""
        findings = doctor.examine(Path(settings.RANGE_STATE_DIR))
        if options["json"]:
            self.stdout.write(json.dumps(doctor.as_json(findings), indent=2))
        else:
            self.stdout.write(doctor.table(findings))
        sys.exit(doctor.exit_code(findings))
