"""Command: show what models used and cost, by organisation and model."""

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from tutor import budget

COLUMNS = ("organisation__slug", "mode", "model_name", "requests", "used_in", "used_out", "spent")


class Command(BaseCommand):
    """Show the ledger."""

    help = "Show what models used and cost, by organisation and model."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--days", type=int, default=30, help="how far back (default 30)")
        parser.add_argument(
            "--json", action="store_true", help="one JSON object on standard output"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the sums."""
        rows = budget.summed(timedelta(days=options["days"]))
        if options["json"]:
            self.stdout.write(json.dumps({"ledger": rows}, default=str))
            return
        self.stdout.write("organisation  mode  model  requests  tokens read  written  cost")
        for row in rows:
            self.stdout.write("  ".join(str(row[column]) for column in COLUMNS))
        if not rows:
            self.stdout.write("No model has answered yet.")
