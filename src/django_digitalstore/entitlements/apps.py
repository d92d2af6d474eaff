"""Installs the entitlements: settings, checks, periodic jobs. The tables are the host's."""

import logging

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from . import conf  # noqa: F401  settings exist before any model reads them
from .log_filters import LinkFilter


class EntitlementsConfig(AppConfig):
    """Who may use what, and why."""

    name = "django_digitalstore.entitlements"
    label = "digitalstore_entitlements"
    verbose_name = _("Digital store: entitlements")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, invariants, jobs  # noqa: F401  registers them

        logging.getLogger("django.request").addFilter(LinkFilter())
