"""Installs the support: settings, checks, invariants, e-mails, periodic jobs."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from . import conf  # noqa: F401  settings exist before any model reads them


class SupportConfig(AppConfig):
    """Help for what was bought. The tables are the host's."""

    name = "django_digitalstore.support"
    label = "digitalstore_support"
    verbose_name = _("Digital store: support")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, emails, invariants, jobs  # noqa: F401  registers them
