"""Django's entry for range.webview."""

from django.apps import AppConfig


class WebviewConfig(AppConfig):
    """Registers the app under the label `webview`."""

    name = "range.webview"
    label = "webview"
    default_auto_field = "django.db.models.BigAutoField"
