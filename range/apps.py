"""Django's entry for the composition root."""

from django.apps import AppConfig


class RangeConfig(AppConfig):
    """Registers the root's management commands and joins libraries to Django."""

    name = "range"
    label = "range"

    def ready(self) -> None:
        """Tell the layers below Django what only settings know."""
        from django.conf import settings
        from django.db import connection

        from range.lib.notify import use_connection
        from range.runtime.options import DriverOptions, configure

        use_connection(lambda: connection)
        configure(
            DriverOptions(
                installation=settings.RANGE_INSTALLATION,
                network_pool=settings.RANGE_NETWORK_POOL,
                stronger_runtime=settings.RANGE_STRONGER_RUNTIME,
            )
        )
