"""Django's entry for range.assessment."""

from django.apps import AppConfig


class AssessmentConfig(AppConfig):
    """Registers the app under the label `assessment`."""

    name = "range.assessment"
    label = "assessment"
    default_auto_field = "django.db.models.BigAutoField"
