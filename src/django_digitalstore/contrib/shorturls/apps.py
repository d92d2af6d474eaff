"""Installs the short links: settings, tables, checks and the periodic jobs."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from . import conf  # noqa: F401  settings exist before any model reads them


class ShortLinksConfig(AppConfig):
    """Short links, their clicks, and the orders they led to."""

    name = "django_digitalstore.contrib.shorturls"
    label = "digitalstore_shorturls"
    verbose_name = _("Digital store: short links")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, jobs  # noqa: F401  registers them
