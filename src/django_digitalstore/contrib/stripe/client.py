"""The one place that imports Stripe's library, when it is first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    import stripe

__all__ = ["build_client", "load_stripe"]


def load_stripe() -> Any:
    """Return the module ``stripe``. Raises ``ImproperlyConfigured`` where it is not installed."""
    try:
        import stripe
    except ImportError as error:
        raise ImproperlyConfigured(
            "StripeBackend needs the package stripe, which is not installed. "
            "Write `pip install django-digitalstore[stripe]`."
        ) from error
    return stripe


def build_client(
    key: str, *, timeout: float, account: str = "", base_url: str = ""
) -> stripe.StripeClient:
    """Return a client that never repeats a call by itself: whoever calls decides that.

    ``timeout`` is in seconds. ``account`` is a connected account on whose behalf it calls.
    ``base_url`` is another address than Stripe's, for tests. No I/O.
    """
    library = load_stripe()
    addresses = {"base_addresses": {"api": base_url}} if base_url else {}
    client: stripe.StripeClient = library.StripeClient(
        key,
        stripe_account=account or None,
        max_network_retries=0,
        http_client=library.RequestsClient(timeout=timeout),
        **addresses,
    )
    return client
