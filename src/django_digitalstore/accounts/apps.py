"""Installs the accounts: pages of one's own account. It has no tables."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Profile and password."""

    name = "django_digitalstore.accounts"
    label = "digitalstore_accounts"
    verbose_name = _("Digital store: accounts")
    default_auto_field = "django.db.models.BigAutoField"
