"""Settings of the entitlements. Each is read as ``settings.DIGITALSTORE_<NAME>``."""

from datetime import timedelta
from typing import Any, ClassVar

from appconf import AppConf

from django_digitalstore.core.conf import slot_default

__all__ = ["EntitlementsConf"]


class EntitlementsConf(AppConf):  # type: ignore[misc]  # django-appconf is untyped
    """Models and delivery."""

    #: The host's models; None means ``<STORE_APP>.PurchasedProduct`` and so on.
    PURCHASED_PRODUCT_MODEL: str | None = None
    GRANT_MODEL: str | None = None
    DOWNLOAD_MODEL: str | None = None
    #: How bytes reach the owner: one alias, ``default``.
    DELIVERY: ClassVar[dict[str, dict[str, Any]]] = {
        "default": {
            "BACKEND": (
                "django_digitalstore.entitlements.backends.streaming.StreamingDeliveryBackend"
            )
        }
    }
    #: How long a download link works after the click that made it.
    DOWNLOAD_LINK_AGE = timedelta(minutes=10)
    #: After how many days an owner gets no later releases; None: never. Products may differ.
    UPDATE_DAYS: int | None = None
    #: Downloads for each purchase; None: without a limit. Products may differ.
    DOWNLOAD_LIMIT: int | None = None
    #: How long after a counted download a later part of the same file counts as its rest.
    DOWNLOAD_RESUME_AGE = timedelta(hours=24)
    #: What of the visitor's address the log keeps: "full", "truncated" (/24, /48), or "none".
    DOWNLOAD_LOG_ADDRESS = "full"
    #: How long the log keeps address and browser; None: for ever. The lines stay.
    DOWNLOAD_LOG_AGE: timedelta | None = timedelta(days=90)
    #: Name of the URL of the page that ends e-mails about releases; it takes a token. None means
    #: ``<STORE_APP>:unsubscribe``; "": this site tells nobody of releases.
    UNSUBSCRIBE_URL: str | None = None
    #: Purchases on one page of the library.
    PURCHASES_PER_PAGE = 24

    class Meta:
        prefix = "digitalstore"

    def configure_purchased_product_model(self, value: str | None) -> str:
        return slot_default(value, "PurchasedProduct")

    def configure_grant_model(self, value: str | None) -> str:
        return slot_default(value, "Grant")

    def configure_download_model(self, value: str | None) -> str:
        return slot_default(value, "Download")
