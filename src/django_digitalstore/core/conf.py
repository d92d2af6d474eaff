"""Settings of the core. Each is read as ``settings.DIGITALSTORE_<NAME>``."""

from typing import Any, ClassVar

from appconf import AppConf
from django.conf import settings

__all__ = ["CoreConf", "slot_default"]


def slot_default(setting_value: str | None, model_name: str) -> str:
    """Return the label of a model slot: what the host wrote, else ``<store app>.<model_name>``."""
    return setting_value or f"{settings.DIGITALSTORE_STORE_APP}.{model_name}"


class CoreConf(AppConf):  # type: ignore[misc]  # django-appconf is untyped
    """What the whole store shares."""

    #: Label of the host's app that holds the store's models. Each model slot defaults to
    #: ``<STORE_APP>.<Model>`` and can be named alone, as in ``DIGITALSTORE_PRODUCT_MODEL``.
    STORE_APP = "shop"
    #: The site's address, as in ``"https://shop.example.com"``: every absolute URL (webhooks,
    #: return pages, e-mails) begins with it, never with the Host header of a request.
    #: In test mode None means ``http://127.0.0.1:8000``, where runserver serves.
    SITE_URL: str | None = None
    #: True allows the sandbox provider, test keys and a private local folder for files.
    #: Write ``DIGITALSTORE_TEST_MODE = DEBUG`` in the settings file: it is read there, once,
    #: because test runners set ``DEBUG`` to False at run time.
    TEST_MODE = False
    #: Role name → dotted path of a predicate ``(user) -> bool``. A host may add roles.
    ROLES: ClassVar[dict[str, str]] = {}
    #: The permission that makes a seller, as in ``"library.sell_product"``; None means
    #: ``<app of the product model>.sell_product``, which the product's table brings.
    SELLER_PERMISSION: str | None = None
    #: Alias in Django's ``TASKS`` that delivers outbox rows after commit; None delivers them
    #: in the process that wrote them.
    TASKS: str | None = None
    #: Alias in Django's ``CACHES`` for what all processes share: in production a Redis, as
    #: ``check --deploy`` says where an installed feature needs one.
    CACHE = "default"

    class Meta:
        prefix = "digitalstore"

    def configure_roles(self, value: dict[str, Any]) -> dict[str, Any]:
        """Keep the built-in roles under the host's own."""
        return {
            "customer": "django_digitalstore.core.roles.is_customer",
            "seller": "django_digitalstore.core.roles.is_seller",
            **value,
        }
