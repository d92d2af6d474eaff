"""Installs the switch that closes the site: settings, tables and checks."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from . import conf  # noqa: F401  settings exist before any model reads them


class UnderConstructionConfig(AppConfig):
    """Closes the site for a while."""

    name = "django_digitalstore.contrib.underconstruction"
    label = "digitalstore_underconstruction"
    verbose_name = _("Digital store: under construction")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks  # noqa: F401  registers them
