"""Installs the payments: settings, the inbox and sandbox tables, checks, periodic jobs."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from . import conf  # noqa: F401  settings exist before any model reads them


class PaymentsConfig(AppConfig):
    """Money in."""

    name = "django_digitalstore.payments"
    label = "digitalstore_payments"
    verbose_name = _("Digital store: payments")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, invariants, jobs, receivers  # noqa: F401  registers them

        receivers.connect()
