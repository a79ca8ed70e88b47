"""Django's entry for range.timeline."""

from django.apps import AppConfig


class TimelineConfig(AppConfig):
    """Registers the app under the label `timeline`."""

    name = "range.timeline"
    label = "timeline"
    default_auto_field = "django.db.models.BigAutoField"
