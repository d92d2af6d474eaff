"""Installs the core: its settings, its tables, its checks and its periodic jobs."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from . import conf  # noqa: F401  settings exist before any model reads them


class CoreConfig(AppConfig):
    """The app every other feature needs below it."""

    name = "django_digitalstore.core"
    label = "digitalstore_core"
    verbose_name = _("Digital store: background work")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, collation, outbox  # noqa: F401  registers checks, periodic jobs
