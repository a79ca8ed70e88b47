"""Django's entry for range.accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Registers the app under the label `accounts`."""

    name = "range.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
