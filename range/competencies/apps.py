"""Django's entry for range.competencies."""

from django.apps import AppConfig


class CompetenciesConfig(AppConfig):
    """Registers the app under the label `competencies`."""

    name = "range.competencies"
    label = "competencies"
    default_auto_field = "django.db.models.BigAutoField"
