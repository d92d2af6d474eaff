"""Settings of the payments. Each is read as ``settings.DIGITALSTORE_<NAME>``."""

from datetime import timedelta
from typing import Any, ClassVar

from appconf import AppConf

from django_digitalstore.core.conf import slot_default

__all__ = ["PaymentsConf"]


class PaymentsConf(AppConf):  # type: ignore[misc]  # django-appconf is untyped
    """Models, providers, fulfilments and the inbox."""

    #: The host's models; None means ``<STORE_APP>.Order`` and so on.
    ORDER_MODEL: str | None = None
    ORDER_LINE_MODEL: str | None = None
    PAYMENT_MODEL: str | None = None
    REFUND_MODEL: str | None = None
    DISPUTE_MODEL: str | None = None
    #: Providers by alias. Test and live accounts of one provider are two aliases.
    PAYMENTS: ClassVar[dict[str, dict[str, Any]]] = {
        "default": {"BACKEND": "django_digitalstore.payments.backends.sandbox.SandboxBackend"}
    }
    #: What a paid line does: kind of the line → dotted path of a fulfilment.
    FULFILMENTS: ClassVar[dict[str, str]] = {}
    #: Largest webhook body that is read, in bytes.
    WEBHOOK_MAX_BYTES = 262_144
    #: True takes access away while a dispute is open.
    DISPUTE_SUSPENDS = True
    #: How long an attempt to open a checkout may take before another request takes it over.
    CHECKOUT_OPENING_AGE = timedelta(seconds=60)
    #: How long after a refund was sent, and not answered, the provider's list of refunds lacks it
    #: for certain, so that it may be sent again.
    REFUND_SETTLE_AGE = timedelta(minutes=10)
    #: How often the providers are asked what no webhook told; None: never, by itself.
    RECONCILE_EVERY: timedelta | None = timedelta(hours=1)
    #: How far back they are asked.
    RECONCILE_PERIOD = timedelta(days=3)
    #: Who is told of disputes and doubts about orders of the site's own products, as addresses;
    #: None means those of ``MANAGERS``.
    SELLER_EMAILS: list[str] | None = None
    #: Orders on one page of the order history.
    ORDERS_PER_PAGE = 25

    class Meta:
        prefix = "digitalstore"

    def configure_order_model(self, value: str | None) -> str:
        return slot_default(value, "Order")

    def configure_order_line_model(self, value: str | None) -> str:
        return slot_default(value, "OrderLine")

    def configure_payment_model(self, value: str | None) -> str:
        return slot_default(value, "Payment")

    def configure_refund_model(self, value: str | None) -> str:
        return slot_default(value, "Refund")

    def configure_dispute_model(self, value: str | None) -> str:
        return slot_default(value, "Dispute")

    def configure_fulfilments(self, value: dict[str, str]) -> dict[str, str]:
        """Keep the built-in fulfilment of products under the host's own."""
        return {
            "product": "django_digitalstore.payments.fulfilments.ProductFulfilment",
            **value,
        }
