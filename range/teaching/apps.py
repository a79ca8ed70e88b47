"""Django's entry for range.teaching."""

from django.apps import AppConfig


class TeachingConfig(AppConfig):
    """Registers the app under the label `teaching`."""

    name = "range.teaching"
    label = "teaching"
    default_auto_field = "django.db.models.BigAutoField"
