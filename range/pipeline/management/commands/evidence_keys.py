"""Show the public keys that verify this range's evidence, or replace the one that signs."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from range.lib.signing import rotate
from range.timeline import tombstones


class Command(BaseCommand):
    """Prints what an agency keeps to verify evidence by; /evidence/keys.json serves the same."""

    help = "Print the public keys that verify this range's evidence."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rotate", action="store_true", help="make a new key, retire the old")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the keys; what was signed before a rotation still verifies."""
        ring = rotate(settings.RANGE_STATE_DIR) if options["rotate"] else tombstones.keys()
        self.stdout.write(json.dumps(ring.listed(), indent=2))
