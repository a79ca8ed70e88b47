"""Verify a signed evidence file, or everything that this range's database holds."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from range.assessment.provenance import problems_of
from range.exercises.models import Attempt
from range.pipeline.exports.verify_evidence import verify
from range.timeline import tombstones


class Command(BaseCommand):
    """With FILE: every byte against the signature, then every hash. Without: every attempt."""

    help = "Verify a signed evidence file, or without one all evidence of this range."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path)
        parser.add_argument("--keys", type=Path, help="trusted keys; this range's own without it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Tell what holds; exit with 1 if anything does not.

        Raises:
            CommandError: Something does not verify, or cannot be read.
        """
        if options["file"] is None:
            self._verify_rows()
            return
        own = tombstones.keys().listed()
        try:
            keys = json.loads(options["keys"].read_bytes()) if options["keys"] else own
            told = verify(options["file"].read_bytes(), keys)
        except Exception as error:
            # Whatever a hostile file makes the program stumble over, it did not verify.
            raise CommandError(f"NOT VERIFIED: {error or type(error).__name__}") from error
        attempts = told["attempts"].values()
        events, rows = (sum(each[kind] for each in attempts) for kind in ("events", "evidence"))
        self.stdout.write(
            f"VERIFIED: {len(attempts)} attempts of {told['person']['name']}, {events} events, "
            f"{rows} records of evidence; signed at {told['signed_at']} with key {told['key']}."
        )

    def _verify_rows(self) -> None:
        count, broken = 0, 0
        for attempt in Attempt.objects.order_by("started_at", "pk").iterator():
            count += 1
            for problem in problems_of(attempt):
                broken += 1
                self.stderr.write(f"attempt {attempt.pk}: {problem}")
        if broken:
            raise CommandError(f"NOT VERIFIED: {broken} problems in {count} attempts.")
        self.stdout.write(f"VERIFIED: {count} attempts.")
