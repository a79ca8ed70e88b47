"""Tell what the range misses, and what is unsafe about it."""

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from range.operations import containment, doctor


class Command(BaseCommand):
    """Prints a table, or JSON; exit code 1 means that something must be done."""

    help = __doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept how to answer."""
        parser.add_argument(
            "--json", action="store_true", help="print JSON: one object, or a list with --probe"
        )
        parser.add_argument(
            "--probe",
            action="store_true",
            help="try to get out of sandboxes instead of looking; wants root, takes ten seconds",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Look, or probe, and tell."""
        if options["probe"]:
            self._probe(as_json=options["json"])
        findings = doctor.examine(Path(settings.RANGE_STATE_DIR))
        if options["json"]:
            self.stdout.write(json.dumps(doctor.as_json(findings), indent=2))
        else:
            self.stdout.write(doctor.table(findings))
        sys.exit(doctor.exit_code(findings))

    def _probe(self, *, as_json: bool) -> NoReturn:
        verdicts = containment.probe(Path(settings.RANGE_STATE_DIR))
        if as_json:
            self.stdout.write(json.dumps(containment.as_json(verdicts), indent=2))
        else:
            self.stdout.write(containment.table(verdicts))
        sys.exit(containment.exit_code(verdicts))
