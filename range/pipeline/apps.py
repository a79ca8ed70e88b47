"""Django's entry for range.pipeline."""

from django.apps import AppConfig


class PipelineConfig(AppConfig):
    """Registers the app under the label `pipeline`."""

    name = "range.pipeline"
    label = "pipeline"
    default_auto_field = "django.db.models.BigAutoField"
