"""Pages about money that goes back: the seller's, and what the buyer reads."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from django_digitalstore.core import outbox
from django_digitalstore.entitlements import flows as access
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.payments import get_payment_model, get_refund_model
from django_digitalstore.payments.backends import RefundAbility
from django_digitalstore.payments.backends.sandbox import SandboxBackend
from django_digitalstore.payments.models import RefundRequest, new_refund_key
from django_digitalstore.payments.testing import (
    deliver_webhooks,
    dispute,
    paid_order,
    pay,
    place_order,
    refund,
    sandbox_checkout,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.payments.urls")]


class FullOnly(SandboxBackend):
    """Refunds a payment in full, or not at all."""

    refunds = RefundAbility.FULL


class ByItem(SandboxBackend):
    """Refunds named items."""

    refunds = RefundAbility.ITEMS


def provided(name: str) -> Any:
    return override_settings(DIGITALSTORE_PAYMENTS={"default": {"BACKEND": f"{__name__}.{name}"}})


@pytest.fixture
def selling(client_of: Any, seller: Any) -> Client:
    return client_of(seller)


@pytest.fixture
def second(make_product: Any, seller: Any) -> Any:
    return make_product("Second", price=500, seller=seller)


@pytest.fixture
def theirs(make_product: Any, other_seller: Any) -> Any:
    return make_product("Theirs", price=700, seller=other_seller)


def page_of(order: Any) -> str:
    return f"/seller/orders/{order.public_id}/"


def form_of(client: Client, order: Any) -> Any:
    return client.get(f"{page_of(order)}refund/").context["form"]


def ask(client: Client, order: Any, **data: Any) -> Any:
    """Send the form of the refund page, as it was opened, with ``data`` filled in."""
    page = client.get(f"{page_of(order)}refund/")
    form = page.context["form"]
    fields = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    filled = {**fields, "payment": page.context["payment"].key, "reason": "They asked", **data}
    return client.post(f"{page_of(order)}refund/", filled)


def asked() -> list[tuple[int | None, int]]:
    """Return amount and number of items of each request, oldest first."""
    return [(r.amount, len(r.items)) for r in RefundRequest.objects.order_by("pk")]


def text_of(client: Client, url: str) -> str:
    return " ".join(client.get(url).content.decode().split())


# --- the seller asks --------------------------------------------------------------------------


def test_a_seller_refunds_a_whole_order(
    selling: Client, seller: Any, customer: Any, product: Any
) -> None:
    order = paid_order(customer, product)
    assert f'href="{page_of(order)}refund/?payment=' in text_of(selling, page_of(order))
    answer = ask(selling, order)
    assert (answer.status_code, answer.url) == (303, page_of(order))
    (request,) = RefundRequest.objects.all()
    assert (request.amount, request.items, request.reason) == (None, [], "They asked")
    assert request.actor == seller
    page = text_of(selling, page_of(order))
    assert "refund requested; the provider is asked in a moment" in page
    assert "A refund is under way. Wait for it before you ask for another one." in page
    outbox.sweep()
    deliver_webhooks(selling)
    assert not has_access(customer, product)
    page = text_of(selling, page_of(order))
    assert '€19.99</span> <span class="ds-meta">refunded on' in page
    assert "All of this payment went back already, or is on its way." in page


def test_a_part_of_the_money_leaves_access(selling: Client, customer: Any, product: Any) -> None:
    order = paid_order(customer, product)
    assert ask(selling, order, amount="5.00").status_code == 303
    outbox.sweep()
    assert has_access(customer, product)
    assert get_refund_model().objects.get().amount == 500
    assert "€14.99 can be refunded." in text_of(selling, f"{page_of(order)}refund/")


def test_one_of_several_products_is_refunded(
    selling: Client, customer: Any, product: Any, second: Any
) -> None:
    order = paid_order(customer, product, second)
    form = form_of(selling, order)
    assert [label for _pk, label in form.fields["lines"].choices] == [
        "A book – €19.99",
        "Second – €5.00",
    ]
    line = order.lines.get(product=second)
    assert ask(selling, order, lines=[line.pk]).status_code == 303
    outbox.sweep()
    assert (has_access(customer, product), has_access(customer, second)) == (True, False)
    assert "€5.00 · Second" in text_of(selling, page_of(order))
    # What went back is not offered again, and the last one needs no choice.
    assert "lines" not in form_of(selling, order).fields


def test_all_products_chosen_is_the_whole_payment(
    selling: Client, customer: Any, product: Any, second: Any
) -> None:
    ask(selling, paid_order(customer, product, second))
    assert asked() == [(None, 0)]


def test_what_the_provider_can_is_what_is_offered(
    selling: Client, customer: Any, product: Any, second: Any
) -> None:
    order = paid_order(customer, product, second)
    with provided("FullOnly"):
        assert list(form_of(selling, order).fields) == ["reason", "key"]
    with provided("ByItem"):
        assert list(form_of(selling, order).fields) == ["lines", "amount", "reason", "key"]
        answer = ask(selling, order, amount="1.00")
        assert answer.status_code == 400
        assert answer.context["problem"] == "This provider refunds by line: choose the line."
    assert asked() == []


def test_a_double_click_is_one_request(selling: Client, customer: Any, product: Any) -> None:
    order = paid_order(customer, product)
    form = {
        "payment": get_payment_model().objects.get().key,
        "reason": "x",
        "key": new_refund_key(),
    }
    for _click in range(2):
        assert selling.post(f"{page_of(order)}refund/", form).status_code == 303
    outbox.sweep()  # all went back: the next click still is no error
    assert selling.post(f"{page_of(order)}refund/", form).status_code == 303
    assert len(asked()) == 1


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"amount": "99.00"}, "This is more than what is left: €19.99."),
        ({"amount": "0"}, "Refund more than nothing."),
        ({"reason": " "}, ""),
        ({"amount": "1.001"}, ""),
        ({"amount": "-1"}, ""),
        ({"key": "mine"}, "This form is broken: open it again."),
    ],
)
def test_what_cannot_be_is_refused_politely(
    selling: Client, customer: Any, product: Any, data: Any, problem: str
) -> None:
    answer = ask(selling, paid_order(customer, product), **data)
    assert answer.status_code == 400
    assert answer.context["problem"] == problem
    assert bool(answer.context["form"].errors) == (not problem)
    assert asked() == []


def test_the_request_decides_no_currency_and_no_line(
    selling: Client, customer: Any, product: Any, theirs: Any
) -> None:
    order = paid_order(customer, product, theirs)
    foreign = order.lines.get(product=theirs)
    ask(selling, order, currency="JPY", lines=[foreign.pk], amount="3.00")
    (request,) = RefundRequest.objects.all()
    assert (request.amount, request.currency) == (300, "EUR")
    assert [item for item, _amount in request.items] == [
        get_payment_model().objects.get().cart[0][0]
    ]


# --- whose it is ------------------------------------------------------------------------------


def test_a_seller_refunds_their_own_lines_of_a_shared_order(
    selling: Client, customer: Any, product: Any, second: Any, theirs: Any
) -> None:
    order = paid_order(customer, product, second, theirs)
    form = form_of(selling, order)
    assert [label for _pk, label in form.fields["lines"].choices] == [
        "A book – €19.99",
        "Second – €5.00",
    ]
    assert "€24.99 can be refunded." in text_of(selling, f"{page_of(order)}refund/")
    foreign = order.lines.get(product=theirs)
    assert ask(selling, order, lines=[foreign.pk]).status_code == 400
    assert ask(selling, order).status_code == 303
    assert asked() == [(2499, 2)]
    outbox.sweep()
    assert [has_access(customer, p) for p in (product, second, theirs)] == [False, False, True]


def test_a_seller_reads_no_sum_of_others(
    selling: Client, client_of: Any, other_seller: Any, customer: Any, product: Any, theirs: Any
) -> None:
    order = paid_order(customer, product, theirs)
    ask(selling, order, amount="3.00")
    outbox.sweep()
    refund(order, amount=111)
    mine = text_of(selling, page_of(order))
    assert "€3.00 · A book" in mine
    assert "A part of the payment" in mine
    other = text_of(client_of(other_seller), page_of(order))
    for page in (mine, other):
        assert "€26.99" not in page
        assert "€1.11" not in page
    assert "€3.00" not in other


def test_a_shared_payment_that_goes_back_in_full_only_is_no_sellers(
    selling: Client, customer: Any, product: Any, theirs: Any
) -> None:
    order = paid_order(customer, product, theirs)
    why = (
        "Products of other sellers are in this payment, and its provider refunds it in full only: "
        "ask those who run the shop."
    )
    with provided("FullOnly"):
        assert why in text_of(selling, page_of(order))
        page = selling.get(f"{page_of(order)}refund/")
        assert (page.status_code, page.context["problem"]) == (200, why)
        data = {"payment": get_payment_model().objects.get().key, "reason": "x"}
        assert selling.post(f"{page_of(order)}refund/", data).status_code == 400
    assert asked() == []


def test_what_is_not_theirs_does_not_exist(
    client_of: Any, other_seller: Any, customer: Any, product: Any
) -> None:
    url = f"{page_of(paid_order(customer, product))}refund/"
    stranger = client_of(other_seller)
    for answer in (stranger.get(url), stranger.post(url, {"reason": "x"})):
        assert answer.status_code == 404
    assert stranger.post(url, {"action": "second"}).status_code == 404
    assert client_of(customer).get(url).status_code == 403
    assert asked() == []


def test_a_payment_of_another_order_does_not_exist(
    selling: Client, customer: Any, product: Any, second: Any
) -> None:
    order = paid_order(customer, product)
    other = paid_order(customer, second).payments.get()
    url = f"{page_of(order)}refund/"
    assert selling.get(f"{url}?payment={other.key}").status_code == 404
    assert selling.post(url, {"payment": other.key, "reason": "x"}).status_code == 404
    assert asked() == []


@pytest.mark.parametrize("what", ["pending", "free"])
def test_where_nothing_came_nothing_goes_back(
    selling: Client, customer: Any, make_product: Any, seller: Any, what: str
) -> None:
    price = 0 if what == "free" else 900
    order = place_order(customer, make_product("P", price=price, seller=seller)).order
    assert selling.get(page_of(order)).status_code == 200
    assert selling.get(f"{page_of(order)}refund/").status_code == 404


# --- what needs a person ----------------------------------------------------------------------


def paid_twice(customer: Any, *products: Any) -> Any:
    first = place_order(customer, *products)
    second = place_order(customer, *products, email="second@example.com")
    pay(first)
    pay(second)
    return second.order


def test_the_second_payment_goes_back_by_one_click(
    selling: Client, customer: Any, product: Any
) -> None:
    order = paid_twice(customer, product)
    page = selling.get(page_of(order))
    text = " ".join(page.content.decode().split())
    assert "Paid twice: refund one payment." in text
    assert "Refund the second payment" in text
    data = {"action": "second", "key": page.context["refund_key"]}
    for _click in range(2):
        answer: Any = selling.post(f"{page_of(order)}refund/", data)
        assert answer.url == page_of(order)
    assert asked() == [(None, 0)]
    outbox.sweep()
    assert has_access(customer, product)
    assert "Refund the second payment" not in text_of(selling, page_of(order))


def test_of_a_shared_order_the_second_payment_is_no_sellers(
    selling: Client, customer: Any, product: Any, theirs: Any
) -> None:
    order = paid_twice(customer, product, theirs)
    text = text_of(selling, page_of(order))
    assert "Paid twice: refund one payment." in text
    assert "Refund the second payment" not in text
    assert selling.post(f"{page_of(order)}refund/", {"action": "second"}).status_code == 404
    assert asked() == []


def test_what_was_not_paid_twice_is_said(selling: Client, customer: Any, product: Any) -> None:
    order = paid_order(customer, product)
    answer = selling.post(f"{page_of(order)}refund/", {"action": "second"}, follow=True)
    assert [str(m) for m in answer.context["messages"]] == ["Nothing of this order is paid twice."]


def test_another_amount_can_be_refunded(selling: Client, customer: Any, product: Any) -> None:
    payment = place_order(customer, product)
    checkout = sandbox_checkout(payment)
    checkout.amount = 2500
    checkout.save()
    pay(payment)
    text = text_of(selling, page_of(payment.order))
    assert "Paid another amount: refund, or settle with the buyer." in text
    assert "€25.00, paid on" in text
    ask(selling, payment.order)
    outbox.sweep()
    assert "Paid another amount" not in text_of(selling, page_of(payment.order))


def test_money_of_a_buyer_who_is_kept_out_is_shown(
    selling: Client, customer: Any, product: Any
) -> None:
    payment = place_order(customer, product)
    access.revoke_product(customer, product, reason="abuse")
    pay(payment)
    assert "Paid by a buyer whose access was revoked: refund, or restore." in text_of(
        selling, page_of(payment.order)
    )


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("sending", "the provider was asked, and its answer is awaited"),
        ("refused", "the provider refused it and nothing was refunded; you can try again (E1: no)"),
        (
            "doubtful",
            "nobody knows whether it was made: look at the provider’s dashboard, and tell those",
        ),
    ],
)
def test_a_request_says_how_it_stands(
    selling: Client, customer: Any, product: Any, state: str, words: str
) -> None:
    order = paid_order(customer, product)
    ask(selling, order)
    RefundRequest.objects.update(state=state, error="E1: no")
    assert words in text_of(selling, page_of(order))
    may_ask = "refund/?payment=" in text_of(selling, page_of(order))
    assert may_ask == (state == "refused")


def test_while_a_dispute_is_open_nothing_is_refunded(
    selling: Client, customer: Any, product: Any
) -> None:
    order = paid_order(customer, product)
    dispute(order)
    text = text_of(selling, page_of(order))
    assert 'Dispute</span> <span class="ds-meta">Opened, ' in text
    assert "a refund now could pay it back twice." in text
    assert "refund/?payment=" not in text


# --- the buyer reads --------------------------------------------------------------------------


def test_a_line_that_went_back_was_not_withdrawn(
    client_of: Any, customer: Any, product: Any, second: Any
) -> None:
    order = paid_order(customer, product, second)
    refund(order, items=[[get_payment_model().objects.get().cart[1][0], 500]])
    text = text_of(client_of(customer), f"/orders/{order.public_id}/")
    assert "€5.00 were refunded on" in text
    assert "was withdrawn" not in text
    access.revoke_product(customer, product, reason="abuse")
    text = text_of(client_of(customer), f"/orders/{order.public_id}/")
    assert "Access to “A book” was withdrawn." in text
    assert "Access to “Second”" not in text


def test_the_buyer_reads_nothing_where_nothing_happened(
    client_of: Any, customer: Any, product: Any
) -> None:
    order = paid_order(customer, product)
    assert "were paid on" not in text_of(client_of(customer), f"/orders/{order.public_id}/")


def test_the_buyer_reads_of_refunds_and_disputes(
    client_of: Any, customer: Any, product: Any
) -> None:
    order = paid_order(customer, product)
    refund(order, amount=500)
    refund(order, amount=100, state="pending")
    refund(order, amount=200, state="failed")
    reference = dispute(order)
    buyer = client_of(customer)
    for url in (f"/orders/{order.public_id}/", f"/orders/{order.public_id}/receipt/"):
        text = text_of(buyer, url)
        assert "€19.99 were paid on" in text
        assert "€5.00 were refunded on" in text
        assert "A refund of €1.00 is on its way since" in text
        assert "€2.00" not in text
        assert "Your bank asks for the money back since" in text
    dispute(order, "won", reference=reference)
    text = text_of(buyer, f"/orders/{order.public_id}/")
    assert "the payment stands." in text
    dispute(order, "lost")
    assert "Your bank gave you the money back on" in text_of(buyer, f"/orders/{order.public_id}/")


class Taxing(SandboxBackend):
    """Adds tax, takes off a discount, and lets buyers pay in their own currency."""

    def normalize(self, message: Any) -> Any:
        from dataclasses import replace

        charged: Any = {"amount": 2139, "currency": "USD", "tax": 240, "discount": 100}
        reports: Any = super().normalize(message)
        return [replace(report, is_converted=True, **charged) for report in reports]


def test_the_buyer_reads_what_was_charged(client_of: Any, customer: Any, product: Any) -> None:
    with provided("Taxing"):
        order = paid_order(customer, product)
        for url in (f"/orders/{order.public_id}/", f"/orders/{order.public_id}/receipt/"):
            text = text_of(client_of(customer), url)
            assert "$21.39 were paid on" in text
            assert "You chose to pay in that currency." in text
            assert "A discount of $1.00 is taken off." in text
            assert "$2.40 of it are tax." in text


def test_the_way_back_speaks_of_files_where_there_are_some(
    client_of: Any, customer: Any, product: Any, make_product: Any
) -> None:
    buyer = client_of(customer)
    order = paid_order(customer, product)
    url = f"/orders/{order.public_id}/return/"
    assert "Your files are in your library." in text_of(buyer, url)
    order = paid_order(customer, make_product("Advice", released=False))
    text = text_of(buyer, f"/orders/{order.public_id}/return/")
    assert "Your files" not in text
    assert "Download" not in text
    assert f"A receipt is on its way to {order.email}." in text


def test_the_test_page_is_shown_in_test_mode_and_to_the_buyer_only(
    client_of: Any, selling: Client, customer: Any, product: Any
) -> None:
    order = paid_order(customer, product)
    link = f'href="{order.payments.get().checkout_url}"'
    assert link in text_of(client_of(customer), f"/orders/{order.public_id}/")
    assert link not in text_of(selling, page_of(order))
    with override_settings(DIGITALSTORE_TEST_MODE=False):
        assert link not in text_of(client_of(customer), f"/orders/{order.public_id}/")


# --- queries ----------------------------------------------------------------------------------


def count_queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_the_pages_take_the_same_queries_for_1_10_and_100_refunds_and_lines(
    client_of: Any, seller: Any, customer: Any, make_product: Any
) -> None:
    pages = {
        "/seller/orders/{id}/": seller,
        "/seller/orders/{id}/refund/": seller,
        "/orders/{id}/": customer,
        "/orders/{id}/receipt/": customer,
    }
    counts: dict[str, set[int]] = {page: set() for page in pages}
    for number in (1, 10, 100):
        products = [
            make_product(f"P{number} {index}", seller=seller, released=False)
            for index in range(min(number + 1, 40))
        ]
        order = paid_order(customer, *products)
        for _refund in range(number):
            refund(order, amount=1)
        for page, user in pages.items():
            url = page.format(id=order.public_id)
            counts[page].add(count_queries(client_of(user), url))
    assert [len(found) for found in counts.values()] == [1, 1, 1, 1]
