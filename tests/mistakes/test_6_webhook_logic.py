"""Mistake 6: webhook logic is edited casually."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.test import override_settings

from django_digitalstore.entitlements import get_grant_model, policies

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs("payments")]


def host_backend() -> Any:
    """Return the class of a host's provider whose translation writes."""
    from django_digitalstore.payments import get_order_model
    from django_digitalstore.payments.backends.sandbox import SandboxBackend

    class QuickBackend(SandboxBackend):
        def normalize(self, message: Any) -> Sequence[Any]:
            get_order_model().objects.update(status="paid")
            return super().normalize(message)

    return QuickBackend


def __getattr__(name: str) -> Any:
    # The setting names the class by a path, and it can be made only where payments are installed.
    if name == "QuickBackend":
        return host_backend()
    if name == "BrokenFulfilment":
        return broken_fulfilment()
    raise AttributeError(name)


def broken_fulfilment() -> Any:
    """Return the class of a host's fulfilment that breaks after it has granted."""
    from django_digitalstore.payments.fulfilments import ProductFulfilment

    class BrokenFulfilment(ProductFulfilment):
        def fulfil(self, line: Any, payment: Any) -> None:
            super().fulfil(line, payment)
            raise RuntimeError("After the grant.")

    return BrokenFulfilment


def test_a_backend_writes_instead_of_translating(client, attempt, app, customer, product) -> None:
    from django_digitalstore.payments.models import InboxMessage
    from tests.payments import signed

    quick = {"default": {"BACKEND": f"{__name__}.QuickBackend"}}
    with override_settings(DIGITALSTORE_PAYMENTS=quick):
        answer = signed.post(client, signed.payment_event(attempt), "msg_1")

    assert (answer.status_code, answer.content) == (500, b"Failed, please send it again.\n")
    stored = InboxMessage.objects.get()
    assert stored.state == "failed"
    assert stored.error == (
        f"GuardedWrite: {app}.Order: update() would write status. Only payments.flows writes this; "
        "an order's state follows from its payments, refunds and disputes. To give access by hand "
        "call entitlements.flows.grant_product(); otherwise report the fact by its provider's "
        "webhook, or call payments.flows.refresh_order(order). In a test, call "
        "django_digitalstore.payments.testing.paid_order(customer, product)."
    )
    attempt.order.refresh_from_db()
    assert attempt.order.status == "pending"
    assert not policies.has_access(customer, product)

    # The right backend and one more delivery heal it.
    assert signed.post(client, signed.payment_event(attempt), "msg_1").status_code == 200
    assert policies.has_access(customer, product)


def test_duplicates_are_ignored_by_somebody_else(client, attempt, customer, product) -> None:
    from tests.payments import signed

    body = signed.payment_event(attempt)
    answers = [signed.post(client, body, name) for name in ("msg_1", "msg_1", "msg_2")]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert get_grant_model().objects.count() == 1
    assert policies.has_access(customer, product)


def test_order_and_purchase_are_one_transaction(client, attempt, customer, product) -> None:
    from tests.payments import signed

    broken = {"product": f"{__name__}.BrokenFulfilment"}
    with override_settings(DIGITALSTORE_FULFILMENTS=broken):
        answer = signed.post(client, signed.payment_event(attempt), "msg_1")

    assert answer.status_code == 500
    attempt.order.refresh_from_db()
    assert attempt.order.status == "pending"
    assert not policies.has_access(customer, product)
    assert not get_grant_model().objects.exists()
