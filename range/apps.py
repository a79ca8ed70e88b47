"""Django's entry for the composition root."""

from collections.abc import Mapping

from django.apps import AppConfig


class RangeConfig(AppConfig):
    """Registers the root's management commands and joins libraries to Django."""

    name = "range"
    label = "range"

    def ready(self) -> None:
        """Tell the layers below Django what only settings know."""
        from django.conf import settings
        from django.db import connection

        from range.catalog.image_names import use_catalogue
        from range.lib.notify import use_connection
        from range.runtime.options import DriverOptions, configure

        use_connection(lambda: connection)
        use_catalogue(_allowed_images)
        configure(
            DriverOptions(
                installation=settings.RANGE_INSTALLATION,
                network_pool=settings.RANGE_NETWORK_POOL,
                stronger_runtime=settings.RANGE_STRONGER_RUNTIME,
            )
        )


def _allowed_images() -> Mapping[str, str] | None:
    # Only where a scenario names an image: most roles never read one.
    from range.catalog.allowed_images import names_offered

    return names_offered()
