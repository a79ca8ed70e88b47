"""Erase what graded attempts carry beyond their scores, leaving signed tombstones."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from range.assessment.provenance import ErasureRefused, erase_payloads, graded_before
from range.exercises.models import Attempt


class Command(BaseCommand):
    """Excerpts, typed commands, questions and answers go; outcomes, scores and times stay."""

    help = "Erase what graded attempts carry beyond their scores; the chains still verify."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--attempt", help="one attempt, by its id")
        which.add_argument("--older-than", type=int, metavar="DAYS", help="graded so long ago")
        parser.add_argument("--reason", required=True, help="kept in every tombstone")

    def handle(self, *args: Any, **options: Any) -> None:
        """Erase attempt by attempt; one that cannot be erased does not hold up the others."""
        if options["attempt"]:
            try:
                attempts = [Attempt.objects.get(pk=options["attempt"])]
            except (Attempt.DoesNotExist, ValidationError) as error:
                raise CommandError("There is no such attempt.") from error
        else:
            days = timedelta(days=max(1, options["older_than"]))
            attempts = list(graded_before(timezone.now() - days))
        erased, refused = 0, 0
        for attempt in attempts:
            try:
                erased += erase_payloads(attempt, reason=options["reason"], actor="range")
            except ErasureRefused as error:
                refused += 1
                self.stderr.write(error.message)
        self.stdout.write(f"Erased {erased} payloads of {len(attempts) - refused} attempts.")
        if refused:
            raise CommandError(f"{refused} attempts were left as they are.")
