"""E-mails about orders: one for each cause and reader, whatever is told how often."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.test import override_settings
from django.utils import timezone

from django_digitalstore.core import outbox
from django_digitalstore.core.models import OutboxMessage
from django_digitalstore.core.site_url import site_url
from django_digitalstore.entitlements import flows as access
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.payments import flows, get_payment_model
from django_digitalstore.payments.backends.sandbox import provider
from django_digitalstore.payments.backends.sandbox.models import SandboxDelivery
from django_digitalstore.payments.flows.notices import _key
from django_digitalstore.payments.testing import (
    deliver,
    dispute,
    paid_order,
    pay,
    place_order,
    post_webhook,
    refund,
    sandbox_checkout,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.payments.urls")]

SITE = override_settings(DIGITALSTORE_SELLER_EMAILS=["shop@example.com"])


def sent(subject: str = "") -> list[Any]:
    """Send what is due and return the mails of a subject, oldest first."""
    outbox.sweep()
    return [message for message in mail.outbox if subject in message.subject]


def the_one(subject: str) -> Any:
    (message,) = sent(subject)
    return message


# --- the buyer --------------------------------------------------------------------------------


def test_the_receipt_speaks_of_files_where_there_are_some(customer: Any, product: Any) -> None:
    paid_order(customer, product)
    assert "Your files are in your library" in the_one("receipt").body


def test_the_receipt_of_something_without_files_does_not(customer: Any, make_product: Any) -> None:
    paid_order(customer, make_product("An hour of advice", released=False))
    body = the_one("receipt").body
    assert "An hour of advice" in body
    assert "library" not in body


def test_the_buyer_is_told_of_a_partial_refund(customer: Any, product: Any) -> None:
    order = paid_order(customer, product)
    refund(order, amount=500)
    message = the_one("refund")
    assert message.to == [order.email]
    assert message.subject == f"Your refund for order {order.public_id}"
    assert f"€5.00 of your order {order.public_id} were refunded on" in message.body
    assert f"{site_url()}/orders/{order.public_id}/" in message.body
    assert "No longer in your library" not in message.body


def test_the_buyer_is_told_what_a_full_refund_takes_away(customer: Any, product: Any) -> None:
    order = paid_order(customer, product)
    refund(order)
    body = the_one("refund").body
    assert f"€19.99 of your order {order.public_id} were refunded on" in body
    assert "No longer in your library:\nA book\n" in body


def test_a_refund_of_a_line_names_it(customer: Any, product: Any, make_product: Any) -> None:
    order = paid_order(customer, product, make_product("Second", price=500))
    item = get_payment_model().objects.get().cart[1][0]
    refund(order, items=[[item, 500]])
    body = the_one("refund").body
    assert "€5.00" in body
    assert "\nSecond\n" in body
    assert "A book" not in body


@pytest.mark.parametrize("state", ["pending", "failed"])
def test_a_refund_that_is_not_made_is_no_news(customer: Any, product: Any, state: str) -> None:
    refund(paid_order(customer, product), state=state)
    assert sent("refund") == []


def test_a_buyer_who_owns_it_by_another_order_loses_nothing(customer: Any, product: Any) -> None:
    first = place_order(customer, product, email="first@example.com")
    second = place_order(customer, product, email="second@example.com")
    pay(first)
    pay(second)
    refund(second.order)
    assert has_access(customer, product)
    assert "No longer" not in the_one("refund").body


def test_money_from_elsewhere_that_goes_back_is_told_of(
    customer: Any, product: Any, staff: Any
) -> None:
    order = place_order(customer, product).order
    told = {"actor": staff, "reason": "by bank"}
    payment = flows.record_payment(order, amount=1999, reference="in 1", **told)
    flows.record_refund(payment, amount=300, reference="out 1", **told)
    flows.record_refund(payment, amount=300, reference="out 1", **told)
    assert "€3.00" in the_one("refund").body


# --- the seller -------------------------------------------------------------------------------


def test_the_seller_is_told_of_a_dispute_and_how_it_ended(
    customer: Any, seller: Any, product: Any
) -> None:
    order = paid_order(customer, product)
    reference = dispute(order)
    dispute(order, "challenged", reference=reference)
    message = the_one("is disputed")
    assert message.to == [seller.email]
    assert message.subject == f"Order {order.public_id} is disputed"
    assert "A book: €19.99" in message.body
    assert "Disputed: €19.99" in message.body
    assert "Until it decides, the buyer has no access." in message.body
    assert f"{site_url()}/seller/orders/{order.public_id}/" in message.body
    assert order.email not in message.body
    dispute(order, "won", reference=reference)
    assert the_one("The dispute of order").subject == (
        f"The dispute of order {order.public_id} is over"
    )
    assert len(sent("disput")) == 2


def test_a_dispute_that_suspends_nothing_says_so(customer: Any, product: Any) -> None:
    with override_settings(DIGITALSTORE_DISPUTE_SUSPENDS=False):
        dispute(paid_order(customer, product))
        assert "Until it decides, the buyer keeps access." in the_one("is disputed").body


@SITE
def test_each_seller_learns_of_their_own_lines_and_the_site_of_all(
    customer: Any, seller: Any, other_seller: Any, product: Any, make_product: Any
) -> None:
    dispute(paid_order(customer, product, make_product("Theirs", seller=other_seller)))
    bodies = {message.to[0]: message.body for message in sent("is disputed")}
    assert set(bodies) == {seller.email, other_seller.email, "shop@example.com"}
    assert "A book" in bodies[seller.email]
    assert "Theirs" not in bodies[seller.email]
    assert "Disputed:" not in bodies[seller.email]
    assert "A book" not in bodies[other_seller.email]
    assert "A book" in bodies["shop@example.com"]
    assert "Theirs" in bodies["shop@example.com"]
    assert "Disputed: €39.98" in bodies["shop@example.com"]
    assert "/admin/" in bodies["shop@example.com"]


@SITE
def test_the_site_is_told_of_its_own_products(customer: Any, make_product: Any) -> None:
    dispute(paid_order(customer, make_product("Ours", seller=None)))
    assert the_one("is disputed").to == ["shop@example.com"]


@SITE
def test_the_site_is_told_for_a_seller_without_an_address(
    customer: Any, seller: Any, product: Any
) -> None:
    type(seller)._default_manager.filter(pk=seller.pk).update(
        **{seller.get_email_field_name(): "" if seller.USERNAME_FIELD != "email" else seller.email}
    )
    dispute(paid_order(customer, product))
    expected = seller.email if seller.USERNAME_FIELD == "email" else "shop@example.com"
    assert the_one("is disputed").to == [expected]


@pytest.mark.parametrize("managers", [["boss@example.com"], [("Boss", "boss@example.com")]])
def test_managers_are_told_where_nobody_else_is_named(
    customer: Any, make_product: Any, managers: Any
) -> None:
    with override_settings(MANAGERS=managers):
        dispute(paid_order(customer, make_product("Ours", seller=None)))
        assert the_one("is disputed").to == ["boss@example.com"]


def test_a_site_that_names_nobody_is_warned_and_nothing_is_tried_for_ever(
    customer: Any, make_product: Any, caplog: pytest.LogCaptureFixture
) -> None:
    order = paid_order(customer, make_product("Ours", seller=None))
    dispute(order)
    assert sent("is disputed") == []
    (warning,) = caplog.messages
    assert warning == (
        f"Nobody is told of order {order.public_id} (dispute): write addresses into "
        f"DIGITALSTORE_SELLER_EMAILS or MANAGERS."
    )
    assert not OutboxMessage.objects.exclude(state="sent").exists()


def test_the_seller_is_told_what_to_look_at_once_for_each_reason(
    customer: Any, seller: Any, product: Any
) -> None:
    payment = place_order(customer, product)
    access.revoke_product(customer, product, reason="abuse")
    pay(payment)
    refund(payment.order, amount=1)
    message = the_one("Please look")
    assert message.to == [seller.email]
    assert message.subject == f"Please look at order {payment.order.public_id}"
    assert message.body.startswith("Paid by a buyer whose access was revoked: refund, or restore\n")
    # Restored, and withheld again: it was told already.
    access.restore_product(customer, product, reason="an error")
    flows.settle_order(payment.order)
    access.revoke_product(customer, product, reason="abuse after all")
    flows.settle_order(payment.order)
    assert len(sent("Please look")) == 1


def test_another_amount_is_something_to_look_at(customer: Any, product: Any) -> None:
    payment = place_order(customer, product)
    checkout = sandbox_checkout(payment)
    checkout.amount = 5
    checkout.save()
    pay(payment)
    assert the_one("Please look").body.startswith(
        "Paid another amount: refund, or settle with the buyer\n"
    )


# --- never twice, whatever comes when -----------------------------------------------------------


@pytest.mark.parametrize("order_of_delivery", list(permutations(range(4))))
def test_in_any_order_and_twice_everybody_is_told_once(
    client: Any, customer: Any, product: Any, order_of_delivery: tuple[int, ...]
) -> None:
    checkout = sandbox_checkout(place_order(customer, product))
    provider.pay(checkout)
    provider.refund(checkout, amount=500)
    opened = provider.dispute(checkout)
    provider.dispute(checkout, "lost", reference=opened)
    deliveries = list(SandboxDelivery.objects.order_by("pk"))
    for index in order_of_delivery:
        deliver(client, deliveries[index])
        # Under another id it is a message of its own, with the same fact.
        SandboxDelivery.objects.filter(pk=deliveries[index].pk).update(
            message_id=f"again_{deliveries[index].pk}"
        )
        deliver(client, SandboxDelivery.objects.get(pk=deliveries[index].pk))
    subjects = [message.subject.partition(" order")[0] for message in sent()]
    assert subjects.count("Your receipt for") == 1
    assert subjects.count("Your refund for") == 1
    assert subjects.count("The dispute of") == 1
    # One that was lost when it first came up is told as lost.
    assert len(sent("is disputed")) <= 1


def test_a_reference_of_any_length_has_a_key(client: Any, customer: Any, product: Any) -> None:
    payment = paid_order(customer, product).payments.get()
    data = {
        "kind": "dispute",
        "dispute": "d" * 200,
        "payment": payment.provider_reference,
        "state": "opened",
        "amount": payment.amount,
        "currency": payment.currency,
    }
    body = {"type": "dispute.opened", "timestamp": timezone.now().isoformat(), "data": data}
    assert post_webhook(client, body).status_code == 200
    # A seller with an identifier for a key makes it longer still.
    assert len(_key("dispute", "opened", "a" * 50, "d" * 200, "u" * 36)) <= 255
    assert len(sent("is disputed")) == 1


# --- a host's own templates ---------------------------------------------------------------------


@pytest.fixture
def own_templates(tmp_path: Path, settings: Any) -> Path:
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    folder = tmp_path / "digitalstore/payments/email"
    folder.mkdir(parents=True)
    return folder


def test_a_host_writes_the_e_mails_anew(customer: Any, product: Any, own_templates: Path) -> None:
    (own_templates / "refund_subject.txt").write_text("Money back for {{ order.public_id }}\n")
    (own_templates / "refund_body.txt").write_text("{{ amount }} {{ currency }}")
    order = paid_order(customer, product)
    refund(order, amount=500)
    message = the_one("Money back")
    assert message.subject == f"Money back for {order.public_id}"
    assert message.body == "500 EUR"


@pytest.mark.parametrize("name", ["receipt", "refund", "dispute", "attention"])
def test_a_broken_template_fails_the_message_and_never_the_payment(
    customer: Any, product: Any, own_templates: Path, name: str
) -> None:
    (own_templates / f"{name}_body.txt").write_text("{% nonsense %}")
    payment = place_order(customer, product)
    if name == "attention":
        access.revoke_product(customer, product, reason="abuse")
    pay(payment)
    if name == "refund":
        refund(payment.order)
    elif name == "dispute":
        dispute(payment.order)
    payment.order.refresh_from_db()
    assert payment.order.paid_at is not None
    sent()
    failed = OutboxMessage.objects.exclude(state="sent")
    assert [(m.state, m.attempts) for m in failed] == [("pending", 1)]
    assert "TemplateSyntaxError" in failed.get().last_error
