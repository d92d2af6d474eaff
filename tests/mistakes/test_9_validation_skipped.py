"""Mistake 9: a form or a view is bypassed, and validation skipped "for speed"."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.template import Context, Template
from django.utils import timezone

from django_digitalstore.entitlements import (
    flows,
    get_grant_model,
    get_purchased_product_model,
    policies,
)
from django_digitalstore.entitlements.exceptions import AccessWithheld, InvalidGrant
from django_digitalstore.entitlements.sources import Source

pytestmark = [pytest.mark.django_db, pytest.mark.needs("payments")]


def buy(customer: Any, *products: Any, kind: str = "product") -> Any:
    from django_digitalstore.payments.flows import LineRequest, start_checkout

    return start_checkout(
        customer, [LineRequest(product, kind) for product in products], email="buyer@example.com"
    )


def unsaved(product: Any) -> Any:
    return type(product)(title="A ghost", slug="ghost", price=1, status="published")


def archived(product: Any) -> Any:
    type(product).objects.filter(pk=product.pk).update(status="archived")
    return product  # still published in the caller's hands


REFUSED: dict[str, tuple[str, Callable[[Any], tuple[Any, ...]]]] = {
    "nothing": ("There is nothing to buy: choose a product first.", lambda w: ()),
    "a draft": ("“A draft” is not for sale.", lambda w: (w("draft_product"),)),
    "an archived product": (
        "“A book” is not for sale.",
        lambda w: (archived(w("product")),),
    ),
    "a product without a row": ("“A ghost” is not for sale.", lambda w: (unsaved(w("product")),)),
    "the same twice": (
        "The same product is in the order twice.",
        lambda w: (w("product"), w("product")),
    ),
    "two currencies": (
        "These products have different currencies: buy them one after the other.",
        lambda w: (w("product"), w("make_product")("Another", currency="USD")),
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_checkout_is_started_without_the_form(request, customer, what) -> None:
    from django_digitalstore.payments import get_order_model
    from django_digitalstore.payments.exceptions import CheckoutRefused

    message, products = REFUSED[what]

    with pytest.raises(CheckoutRefused) as stopped:
        buy(customer, *products(request.getfixturevalue))

    assert str(stopped.value) == message
    assert not get_order_model().objects.exists()


def test_somebody_buys_what_is_theirs(customer, seller, product) -> None:
    from django_digitalstore.payments.exceptions import CheckoutRefused

    with pytest.raises(CheckoutRefused) as stopped:
        buy(seller, product)
    assert str(stopped.value) == (
        "“A book” is your own product. To try a purchase, sign in as somebody else."
    )

    flows.grant_product(customer, product, source=Source("gift"))
    with pytest.raises(CheckoutRefused) as stopped:
        buy(customer, product)
    assert str(stopped.value) == "You own “A book” already."

    flows.revoke_product(customer, product, reason="fraud")
    with pytest.raises(CheckoutRefused) as stopped:
        buy(customer, product)
    assert str(stopped.value) == "“A book” is not available to you. Please write to us."


def test_the_price_in_the_callers_hands_is_not_the_price(customer, product) -> None:
    product.price = 1

    assert buy(customer, product).amount == 1999


def test_grants_are_made_without_a_form(customer, product) -> None:
    past = timezone.now() - timedelta(days=1)
    with pytest.raises(InvalidGrant) as stopped:
        flows.grant_product(customer, product, source=Source("gift"), expires_at=past)
    assert str(stopped.value) == (
        f"grant_product() was given expires_at={past.isoformat()}, which is past. Pass a time to "
        "come, or None for ever."
    )

    ghost = unsaved(product)
    with pytest.raises(InvalidGrant) as stopped:
        flows.grant_product(customer, ghost, source=Source("gift"))
    assert str(stopped.value) == (
        f"The product {ghost!r} has no row in the database, so it can own or be owned by nothing. "
        "Pass a saved product."
    )

    with pytest.raises(InvalidGrant) as stopped:
        flows.revoke_product(customer, product, reason=" ")
    assert str(stopped.value) == (
        "revoke_product() needs a reason. Pass reason='refund of order …'."
    )

    flows.revoke_product(customer, product, reason="fraud")
    with pytest.raises(AccessWithheld) as stopped:
        flows.grant_product(customer, product, source=Source("gift"))
    assert str(stopped.value) == (
        f"User {customer.pk} was denied product {product.pk} by a person. Call "
        "entitlements.flows.restore_product(user, product, reason=…) first."
    )
    assert not get_purchased_product_model().objects.exists()


WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "a total that does not add up": ("order", {"total": 1}),
    "a status that there is not": ("order", {"status": "payed"}),
    "paid, but never": ("order", {"status": "paid"}),
    "a time of payment without one": ("order", {"paid_at": timezone.now()}),
    "a line that does not add up": ("line", {"unit_price": 1}),
    "a payment's state that there is not": ("payment", {"state": "payed"}),
    "an effect that there is not": ("grant", {"effect": "maybe"}),
    "an end of no kind": ("grant", {"ended_at": timezone.now()}),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_database_refuses_what_is_written_past_the_guard(customer, product, what) -> None:
    payment = buy(customer, product)
    flows.grant_product(customer, product, source=Source("gift"))
    order = payment.order
    rows = {
        "order": order,
        "payment": payment,
        "line": order.lines.get(),
        "grant": get_grant_model().objects.get(),
    }
    name, values = WRONG[what]

    with pytest.raises(IntegrityError), transaction.atomic():
        type(rows[name])._base_manager.update(**values)
    column, value = next(iter(values.items()))
    table = type(rows[name])._meta.db_table
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f'UPDATE "{table}" SET "{column}" = %s', [value])


def test_the_database_refuses_a_second_row_for_one_user_and_product(customer, product) -> None:
    flows.grant_product(customer, product, source=Source("gift"))

    with pytest.raises(IntegrityError), transaction.atomic():
        get_purchased_product_model()._base_manager.bulk_create(
            [
                get_purchased_product_model()(
                    user=customer, product=product, granted_at=timezone.now()
                )
            ]
        )


@pytest.mark.parametrize(
    "text",
    [
        "{{ purchase.delete }}",
        "{{ purchase.save }}",
        "{{ purchase.save_base }}",
        "{{ purchases.delete }}",
        "{{ purchases.all.delete }}",
        "{{ purchases.update }}",
        "{{ purchases.bulk_create }}",
        "{{ purchases.create }}",
        "{{ product.purchases.clear }}",
        "{{ product.purchases.all.delete }}",
        "{{ clear_expired }}",
    ],
)
def test_a_template_writes(customer, product, text) -> None:
    purchase = flows.grant_product(customer, product, source=Source("gift"))
    context = {
        "purchase": purchase,
        "purchases": get_purchased_product_model().objects,
        "product": product,
        "clear_expired": flows.clear_expired,
    }

    assert Template(text).render(Context(context)) == ""
    assert policies.has_access(customer, product)
