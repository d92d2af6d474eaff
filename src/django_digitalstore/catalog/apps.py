"""Installs the catalog: its settings and checks. The tables are the host's."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from . import conf  # noqa: F401  settings exist before any model reads them


class CatalogConfig(AppConfig):
    """What is for sale."""

    name = "django_digitalstore.catalog"
    label = "digitalstore_catalog"
    verbose_name = _("Digital store: catalog")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, jobs  # noqa: F401  registers them
