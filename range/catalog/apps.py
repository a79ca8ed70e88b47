"""Django's entry for range.catalog."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Registers the app under the label `catalog`."""

    name = "range.catalog"
    label = "catalog"
    default_auto_field = "django.db.models.BigAutoField"
