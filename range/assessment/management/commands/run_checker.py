"""Run the checker role until told to stop."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from range.assessment.checker import Checker
from range.lib.roles import end_on_signal
from range.runtime.registry import get_driver


class Command(BaseCommand):
    """Judges running attempts and collects finished ones."""

    help = "Judge what attempts ask for, from outside their sandboxes."
    # Starting checks the range once; here it would load every page there is.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Judge until SIGTERM or SIGINT."""
        Checker(lambda: get_driver(settings.RANGE_DRIVER)).run(end_on_signal())
