"""Run the reconciler role until told to stop."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from range.lib.roles import end_on_signal
from range.sandboxes.probing import Probing
from range.sandboxes.reconciler import Reconciler


class Command(BaseCommand):
    """Starts, stops, expires and reaps sandboxes."""

    help = "Make every sandbox what its row wants."
    # Starting checks the range once; here it would load every page there is.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Reconcile until SIGTERM or SIGINT."""
        ended = end_on_signal()
        probing = Probing(driver_name=settings.RANGE_DRIVER)
        probing.begin(ended)
        Reconciler(
            driver_name=settings.RANGE_DRIVER, concurrency=settings.RANGE_LAUNCH_CONCURRENCY
        ).run(ended)
        probing.finish()
