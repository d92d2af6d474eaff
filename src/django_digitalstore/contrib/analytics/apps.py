"""Installs the sales analytics: their settings, the rollup's tables, checks, the periodic job."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from . import conf  # noqa: F401  settings exist before any model reads them


class AnalyticsConfig(AppConfig):
    """Sales, counted."""

    name = "django_digitalstore.contrib.analytics"
    label = "digitalstore_analytics"
    verbose_name = _("Digital store: analytics")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, invariants, jobs  # noqa: F401  registers them
