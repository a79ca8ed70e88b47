"""Run the workshop role until told to stop: verification and trials that authors ask for."""

from typing import Any

from django.core.management.base import BaseCommand

from range.authoring.workshop import Workshop
from range.lib.roles import end_on_signal


class Command(BaseCommand):
    """Carries out what authors ask for in the browser."""

    help = "Verify scenarios and keep trials running, as authors ask for them in the browser."
    # Starting checks the range once; here it would load every page there is.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until SIGTERM or SIGINT."""
        Workshop().run(end_on_signal())
