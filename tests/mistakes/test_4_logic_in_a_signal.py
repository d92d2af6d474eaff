"""Mistake 4: business logic in a signal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone

from django_digitalstore.entitlements import flows, get_purchased_product_model, policies
from django_digitalstore.entitlements.signals import access_granted
from django_digitalstore.entitlements.sources import Source

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs("payments")]


@pytest.fixture
def on(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[..., None]]:
    """Connect a receiver of the host for one test."""
    connected: list[tuple[Any, Any]] = []

    def connect(signal: Any, receiver: Any) -> None:
        signal.connect(receiver, weak=False)
        connected.append((signal, receiver))

    yield connect
    for signal, receiver in connected:
        signal.disconnect(receiver)


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what our log says that receivers raised."""
    return [
        str(record.exc_info[1])
        for record in caplog.records
        if record.name == "django.dispatch" and record.exc_info
    ]


def pay(client: Any, attempt: Any) -> None:
    from tests.payments import signed

    assert signed.post(client, signed.payment_event(attempt), "msg_1").status_code == 200


IN_SIGNAL = (
    "entitlements.flows.{flow}() was called by a receiver of the signal {signal}. Signals notify "
    "after the change; they never decide. Put what a paid line does into a fulfilment and name it "
    "in DIGITALSTORE_FULFILMENTS, or call the flow from your own view, command or task."
)


@pytest.mark.parametrize("name", ["order_paid", "order_status_changed"])
def test_a_receiver_of_a_sale_grants_a_bonus(
    name, on, caplog, client, attempt, customer, product, make_product
) -> None:
    from django_digitalstore.payments import signals

    bonus = make_product("A bonus")

    def give_bonus(order: Any, **kwargs: Any) -> None:
        flows.grant_product(order.customer, bonus, source=Source("bonus"))

    on(getattr(signals, name), give_bonus)
    pay(client, attempt)

    assert logged(caplog) == [IN_SIGNAL.format(flow="grant_product", signal=name)]
    assert policies.has_access(customer, product)
    assert not policies.has_access(customer, bonus)


def test_a_receiver_of_a_grant_takes_it_back(on, caplog, customer, product) -> None:
    def take_back(purchase: Any, **kwargs: Any) -> None:
        flows.revoke_product(purchase.user, purchase.product, reason="No.")

    on(access_granted, take_back)
    flows.grant_product(customer, product, source=Source("gift"))

    assert logged(caplog) == [IN_SIGNAL.format(flow="revoke_product", signal="access_granted")]
    assert policies.has_access(customer, product)


def test_a_receiver_writes_a_guarded_table(
    on, caplog, app, client, attempt, customer, other_customer, product
) -> None:
    from django_digitalstore.payments.signals import order_paid

    def share(order: Any, **kwargs: Any) -> None:
        get_purchased_product_model().objects.create(
            user=other_customer, product=product, granted_at=timezone.now()
        )

    on(order_paid, share)
    pay(client, attempt)

    refusal = (
        f"{app}.PurchasedProduct: save() would add a row. Only entitlements.flows writes this; "
        "call entitlements.flows.grant_product(user, product, source=…) instead. In a test, call "
        "django_digitalstore.entitlements.testing.grant(user, product), or "
        "revoke(user, product) of the same module."
    )
    assert logged(caplog) == [refusal]
    assert policies.has_access(customer, product)
    assert not policies.has_access(other_customer, product)


def test_a_receiver_that_raises_changes_nothing(
    on, caplog, client, attempt, customer, product
) -> None:
    from django_digitalstore.payments.signals import order_paid

    def breaks(**kwargs: Any) -> None:
        raise RuntimeError("The newsletter is away.")

    on(order_paid, breaks)
    pay(client, attempt)

    assert logged(caplog) == ["The newsletter is away."]
    attempt.order.refresh_from_db()
    assert attempt.order.status == "paid"
    assert policies.has_access(customer, product)
