"""Other packages that do one of the jobs: ways beside ours, where they are installed.

``./dev bench --peers`` installs them. None is imported by anything but the way that measures it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from .requests import request
from .runner import Way

__all__ = [
    "MAINTENANCE",
    "closed_site",
    "dj_stripe",
    "guardian",
    "is_installed",
    "link_shortener",
    "private_storage_view",
    "why_not",
]

MAINTENANCE = "maintenance_mode.middleware.MaintenanceModeMiddleware"


def is_installed(module: str) -> bool:
    """Tell whether a peer can be measured."""
    return importlib.util.find_spec(module) is not None


def why_not(name: str) -> str:
    """Return what the table says where a peer is missing."""
    return f"{name} is not installed here: `./dev bench --peers`."


def guardian(user: Any, product: Any) -> list[Way]:
    """Return how django-guardian answers whether a user may use an object."""
    if not is_installed("guardian"):
        return []
    from guardian.shortcuts import assign_perm

    permission = f"{product._meta.app_label}.view_product"
    assign_perm(permission, user, product)
    model = get_user_model()

    def has_perm() -> None:
        # A fresh user, as each request has: what was found is kept on the user.
        assert model(pk=user.pk, is_active=True).has_perm(permission, product)

    return [Way("django-guardian has_perm", has_perm)]


def link_shortener(user: Any, headers: dict[str, str]) -> list[Way]:
    """Return how django-link-shortener follows a link."""
    if not is_installed("shortener"):
        return []
    from shortener import shortener

    code = shortener.create(user, "/library/")
    path = f"/peers/shortener/{code}/"
    return [Way("django-link-shortener", request(path, headers=headers, expected=302))]


@contextmanager
def closed_site() -> Iterator[None]:
    """Close the site by django-maintenance-mode too, where it is installed."""
    if not is_installed("maintenance_mode"):
        yield
        return
    from maintenance_mode.core import set_maintenance_mode

    set_maintenance_mode(True)
    try:
        yield
    finally:
        set_maintenance_mode(False)


def private_storage_view() -> Callable[..., HttpResponseBase] | None:
    """Return a view of django-private-storage that asks for ownership as a site would write it."""
    if not is_installed("private_storage"):
        return None
    from private_storage.views import PrivateStorageView

    from django_digitalstore.catalog import get_asset_model
    from django_digitalstore.entitlements import get_purchased_product_model

    class OwnedFileView(PrivateStorageView):
        def get_path(self) -> str:
            self.asset = (
                get_asset_model()
                ._default_manager.select_related("release")
                .get(pk=self.kwargs["asset"])
            )
            return str(self.asset.file.name)

        def can_access_file(self, private_file: Any) -> bool:
            owned: HttpRequest = self.request
            return bool(
                get_purchased_product_model()
                .objects.live()
                .filter(user=owned.user, product_id=self.asset.release.product_id)
                .exists()
            )

    view: Callable[..., HttpResponseBase] = OwnedFileView.as_view()
    return view


def dj_stripe(new_payment: Callable[[], Any]) -> dict[str, Callable[[], Any]]:
    """Return, by the name of the event, what makes the call that reports a new payment."""
    if not is_installed("djstripe"):
        return {}
    import stripe
    from djstripe.event_handlers import djstripe_receiver
    from djstripe.models import Account, WebhookEndpoint

    from django_digitalstore.contrib.stripe.testing import event, signed_event
    from django_digitalstore.entitlements import get_purchased_product_model
    from django_digitalstore.payments import get_order_model

    from . import stripe_api

    # As `manage.py djstripe_sync_models` leaves a site: it knows its account and its endpoint.
    stripe.api_base = stripe_api.serve()
    endpoint = WebhookEndpoint._default_manager.create(
        id="we_benchmark",
        livemode=False,
        enabled_events=["*"],
        secret="whsec_only-for-benchmarks",
        url="https://testserver/peers/stripe/",
        djstripe_owner_account=Account.get_or_retrieve_for_api_key(settings.STRIPE_TEST_SECRET_KEY),
    )
    path = reverse("djstripe:djstripe_webhook_by_uuid", args=[endpoint.djstripe_uuid])
    orders = get_order_model()._base_manager
    purchases = get_purchased_product_model()._base_manager

    def hand_over(sender: Any, event: Any, **rest: Any) -> None:
        now = timezone.now()
        number = event.data["object"]["metadata"]["order"]
        order = orders.select_for_update().get(public_id=number)
        orders.filter(pk=order.pk).update(status="paid", paid_at=now, updated_at=now)
        purchases.bulk_create(
            purchases.model(user_id=order.customer_id, product_id=line.product_id, granted_at=now)
            for line in order.lines.all()
        )

    def report(kind: str, make: Callable[[str, str], dict[str, Any]]) -> Callable[[], Any]:
        payment = new_payment()
        told = event(kind, make(f"{make.__name__}_{payment.pk}", payment.order.public_id))
        body, headers = signed_event(told, endpoint.secret)
        return request(path, method="POST", body=body, headers=headers)

    makers = {
        "checkout.session.completed": stripe_api.checkout_session,
        "payment_intent.succeeded": stripe_api.payment_intent,
    }
    # dj-stripe keeps Stripe's objects; what was bought is for the site to know, as here.
    djstripe_receiver(list(makers))(hand_over, weak=False)
    return {kind: partial(report, kind, make) for kind, make in makers.items()}
