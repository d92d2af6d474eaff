"""The way back from the provider, the orders, their pages and receipts."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache, caches
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from django_digitalstore.entitlements import flows as access
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.payments import get_order_model, get_payment_model, views
from django_digitalstore.payments.backends.sandbox import SandboxBackend, provider
from django_digitalstore.payments.testing import (
    deliver_webhooks,
    dispute,
    let_time_pass,
    paid_order,
    pay,
    place_order,
    refund,
    sandbox_checkout,
)
from django_digitalstore.payments.views import LOOK_AGAIN

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.payments.urls")]


class SilentBackend(SandboxBackend):
    """A provider that cannot be asked."""

    def fetch_checkout(self, reference: str) -> Any:
        raise TimeoutError("no answer")


SILENT = override_settings(
    DIGITALSTORE_PAYMENTS={"default": {"BACKEND": f"{__name__}.SilentBackend"}}
)


@pytest.fixture
def buyer(client_of: Any, customer: Any) -> Client:
    return client_of(customer)


def back(client: Client, order: Any, query: str = "") -> Any:
    cache.clear()  # as if some seconds had passed
    return client.get(f"/orders/{order.public_id}/return/{query}")


# --- the return page -------------------------------------------------------------------------


def test_coming_back_grants_nothing_while_the_provider_says_nothing(
    buyer: Client, customer: Any, product: Any
) -> None:
    order = place_order(customer, product).order
    page = back(buyer, order)
    assert page.context["order"].status == "pending"
    assert "Waiting for the payment" in page.content.decode()
    assert not has_access(customer, product)


def test_coming_back_before_the_webhook_settles_the_order(
    buyer: Client, customer: Any, product: Any
) -> None:
    payment = place_order(customer, product)
    provider.pay(sandbox_checkout(payment))
    page = back(buyer, payment.order)
    assert page.context["order"].status == "paid"
    text = page.content.decode()
    assert "Thank you – it’s yours" in text
    assert 'href="/library/"' in text
    assert f'href="/orders/{payment.order.public_id}/receipt/"' in text
    assert "Refresh" not in page
    assert has_access(customer, product)
    assert [answer.status_code for answer in deliver_webhooks(buyer)] == [200]
    assert get_payment_model().objects.count() == 1


def test_a_late_confirmation_is_waited_for(buyer: Client, customer: Any, product: Any) -> None:
    payment = place_order(customer, product)
    pay(payment, "late")
    page = back(buyer, payment.order)
    assert page.context["order"].status == "pending"
    assert page["Refresh"] == f"2; url=/orders/{payment.order.public_id}/return/?wait=1"
    assert not has_access(customer, product)
    # The money is on its way: the page doesn't offer to pay again, and a POST is refused.
    assert not page.context["can_retry"]
    sent = buyer.post(f"/orders/{payment.order.public_id}/return/", follow=True)
    assert [str(message) for message in sent.context["messages"]] == [
        "A payment of this order is on its way. Please wait for it."
    ]
    let_time_pass()
    assert back(buyer, payment.order, "?wait=1").context["order"].status == "paid"
    assert has_access(customer, product)


def test_the_page_looks_again_less_and_less_often_and_then_stops(
    buyer: Client, customer: Any, product: Any
) -> None:
    order = place_order(customer, product).order
    pauses = [
        int(back(buyer, order, f"?wait={step}")["Refresh"].partition(";")[0])
        for step in range(len(LOOK_AGAIN))
    ]
    assert pauses == sorted(pauses)
    assert 120 <= sum(pauses) <= 300
    last = back(buyer, order, f"?wait={len(LOOK_AGAIN)}")
    assert "Refresh" not in last
    assert "Look again" in last.content.decode()


@pytest.mark.parametrize("wait", ["9" * 5000, "-1", "x", "9" * 4000, "٣", "1.5", ""])
def test_a_strange_count_is_no_error(buyer: Client, customer: Any, product: Any, wait: str) -> None:
    order = place_order(customer, product).order
    assert back(buyer, order, f"?wait={wait}").status_code == 200


class DeadCache(LocMemCache):
    """A cache server that is down."""

    def add(self, *args: Any, **kwargs: Any) -> bool:
        raise ConnectionError("no cache")


def test_the_page_works_with_the_cache_down(buyer: Client, customer: Any, product: Any) -> None:
    payment = place_order(customer, product)
    url = f"/orders/{payment.order.public_id}/return/"
    dead = {"default": {"BACKEND": f"{__name__}.DeadCache"}}
    with override_settings(CACHES=dead):
        page = buyer.get(url)
        assert (page.status_code, page.context["order"].status) == (200, "pending")
        provider.pay(sandbox_checkout(payment))
        # The server is known to be down, and the provider is asked all the same.
        assert buyer.get(url).context["order"].status == "paid"


def test_the_moment_is_kept_where_the_store_keeps_what_its_processes_share(
    buyer: Client, customer: Any, product: Any
) -> None:
    order = place_order(customer, product).order
    both = {
        "default": {"BACKEND": f"{__name__}.DeadCache"},
        "store": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "store"},
    }
    with override_settings(CACHES=both, DIGITALSTORE_CACHE="store"):
        caches["store"].clear()
        view = views.GenericOrderReturnView()
        assert [view.may_ask(order) for _ in range(2)] == [True, False]


@pytest.mark.parametrize("page", ["", "{id}/", "{id}/receipt/", "{id}/return/"])
def test_no_cache_keeps_a_page_about_somebodys_order(
    buyer: Client, customer: Any, product: Any, page: str
) -> None:
    order = paid_order(customer, product)
    answer = buyer.get(f"/orders/{page.format(id=order.public_id)}")
    assert answer.status_code == 200
    assert {"no-store", "private"} <= set(answer["Cache-Control"].split(", "))


def test_a_provider_that_cannot_be_asked_changes_nothing(
    buyer: Client, customer: Any, product: Any
) -> None:
    payment = place_order(customer, product)
    provider.pay(sandbox_checkout(payment))
    with SILENT:
        page = back(buyer, payment.order)
    assert page.status_code == 200
    assert page.context["order"].status == "pending"


def test_the_provider_is_not_asked_for_every_click_of_the_same_moment(
    buyer: Client, customer: Any, product: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "ASK_AGAIN", 60)  # a slow machine needs more than the second
    payment = place_order(customer, product)
    url = f"/orders/{payment.order.public_id}/return/"
    buyer.get(url)
    provider.pay(sandbox_checkout(payment))
    assert buyer.get(url).context["order"].status == "pending"
    cache.clear()
    assert buyer.get(url).context["order"].status == "paid"


def test_a_declined_card_gives_nothing_and_a_second_try_wins(
    buyer: Client, customer: Any, product: Any
) -> None:
    payment = place_order(customer, product)
    pay(payment, "failed")
    page = back(buyer, payment.order)
    assert page.context["order"].status == "failed"
    assert "The payment did not go through" in page.content.decode()
    assert "Refresh" not in page
    assert not has_access(customer, product)
    again = buyer.post(f"/orders/{payment.order.public_id}/return/")
    assert again.status_code == 303
    second = get_payment_model().objects.order_by("pk").last()
    assert second.pk != payment.pk
    assert again.url == second.checkout_url
    pay(second)
    assert back(buyer, payment.order).context["order"].status == "paid"
    assert has_access(customer, product)
    assert get_order_model().objects.get().attention == ""


def test_a_second_card_in_the_same_checkout_is_seen_without_a_webhook(
    buyer: Client, customer: Any, product: Any
) -> None:
    payment = place_order(customer, product)
    pay(payment, "failed")
    provider.pay(sandbox_checkout(payment))
    assert back(buyer, payment.order).context["order"].status == "paid"
    assert has_access(customer, product)


def test_going_on_with_an_open_checkout_is_the_same_checkout(
    buyer: Client, customer: Any, product: Any
) -> None:
    payment = place_order(customer, product)
    again = buyer.post(f"/orders/{payment.order.public_id}/return/")
    assert again.url == payment.checkout_url
    assert get_payment_model().objects.count() == 1


def test_a_paid_order_is_not_paid_again(buyer: Client, customer: Any, product: Any) -> None:
    order = paid_order(customer, product)
    sent = buyer.post(f"/orders/{order.public_id}/return/", follow=True)
    assert [str(m) for m in sent.context["messages"]] == ["This order is paid already."]
    assert get_payment_model().objects.count() == 1


def test_an_unpaid_order_of_something_owned_meanwhile_leads_to_the_library(
    buyer: Client, customer: Any, product: Any
) -> None:
    waiting = place_order(customer, product, email="first@example.com").order
    paid_order(customer, product, email="second@example.com")
    assert buyer.post(f"/orders/{waiting.public_id}/return/").url == "/library/"


def test_another_amount_is_not_asked_for_again(buyer: Client, customer: Any, product: Any) -> None:
    payment = place_order(customer, product)
    checkout = sandbox_checkout(payment)
    checkout.amount = 5
    checkout.save()
    pay(payment)
    page = back(buyer, payment.order)
    assert page.context["order"].attention == "discrepancy"
    assert not page.context["can_retry"]
    assert "We are looking at your payment" in page.content.decode()
    assert "Refresh" not in page
    assert not has_access(customer, product)


@pytest.mark.parametrize("page", ["", "return/", "receipt/"])
def test_somebody_elses_order_does_not_exist(
    client_of: Any, customer: Any, other_customer: Any, product: Any, page: str
) -> None:
    order = paid_order(customer, product)
    url = f"/orders/{order.public_id}/{page}"
    assert client_of(customer).get(url).status_code == 200
    assert client_of(other_customer).get(url).status_code == 404
    assert client_of(other_customer).get(f"/orders/NOTHING/{page}").status_code == 404
    assert client_of(other_customer).get(f"/orders/a%00b/{page}").status_code == 404
    assert Client().get(url).url == f"/accounts/login/?next={url}"


def test_somebody_elses_order_cannot_be_retried(
    client_of: Any, customer: Any, other_customer: Any, product: Any
) -> None:
    order = place_order(customer, product).order
    url = f"/orders/{order.public_id}/return/"
    assert client_of(other_customer).post(url).status_code == 404


# --- history, detail, receipt ----------------------------------------------------------------


def test_customers_see_their_orders_newest_first(
    buyer: Client, customer: Any, other_customer: Any, product: Any, make_product: Any
) -> None:
    first = paid_order(customer, product)
    second = place_order(customer, make_product("Second")).order
    paid_order(other_customer, product)
    page = buyer.get("/orders/")
    assert [row["order"] for row in page.context["rows"]] == [second, first]
    text = page.content.decode()
    assert f'href="/orders/{first.public_id}/"' in text
    assert 'data-state="paid"' in text
    assert "€19.99" in text


def test_no_orders_yet(buyer: Client) -> None:
    assert "No orders yet" in buyer.get("/orders/").content.decode()


def test_sellers_see_their_own_lines_and_no_more(
    client_of: Any,
    customer: Any,
    seller: Any,
    other_seller: Any,
    product: Any,
    make_product: Any,
) -> None:
    theirs = make_product("Theirs", seller=other_seller, price=500)
    shared = paid_order(customer, product, theirs)
    foreign = paid_order(customer, make_product("Foreign", seller=other_seller))
    sold = client_of(seller)
    page = sold.get("/seller/orders/")
    assert [row["order"] for row in page.context["rows"]] == [shared]
    assert [row["total"] for row in page.context["rows"]] == [1999]
    detail = sold.get(f"/seller/orders/{shared.public_id}/")
    for text in (page.content.decode(), detail.content.decode()):
        assert "A book" in text
        assert "Theirs" not in text
        assert "€24.99" not in text
        assert customer.email not in text
    assert detail.context["total"] == 1999
    assert sold.get(f"/seller/orders/{foreign.public_id}/").status_code == 404
    assert client_of(other_seller).get(f"/seller/orders/{foreign.public_id}/").status_code == 200


def test_customers_have_no_sales_page(buyer: Client) -> None:
    assert buyer.get("/seller/orders/").status_code == 403


def test_an_unpaid_order_can_be_paid_from_its_page(
    buyer: Client, customer: Any, product: Any
) -> None:
    order = place_order(customer, product).order
    text = buyer.get(f"/orders/{order.public_id}/").content.decode()
    assert f'<form method="post" action="/orders/{order.public_id}/return/"' in text
    assert "Pay now" in text
    assert "Receipt<" not in text


def test_a_paid_order_says_that_access_was_withdrawn(
    buyer: Client, customer: Any, product: Any
) -> None:
    order = paid_order(customer, product)
    access.revoke_product(customer, product, reason="abuse")
    text = buyer.get(f"/orders/{order.public_id}/").content.decode()
    assert "Access to “A book” was withdrawn. Please write to us." in text
    assert "Open your library" not in text


def test_the_receipt_tells_what_was_paid_and_what_went_back(
    buyer: Client, customer: Any, product: Any
) -> None:
    order = paid_order(customer, product)
    refund(order, amount=500)
    text = buyer.get(f"/orders/{order.public_id}/receipt/").content.decode()
    parts = ("Ada&#x27;s Books", order.public_id, "A book", "€19.99 were paid on", order.email)
    for part in (*parts, "€5.00 were refunded on"):
        assert part in text


@pytest.mark.parametrize("outcome", ["failed", "cancelled", "late"])
def test_what_was_never_paid_has_no_receipt(
    buyer: Client, customer: Any, product: Any, outcome: str
) -> None:
    payment = place_order(customer, product)
    pay(payment, outcome)
    assert buyer.get(f"/orders/{payment.order.public_id}/receipt/").status_code == 404


@pytest.mark.parametrize("what", ["pending", "failed", "paid", "partially", "refunded", "disputed"])
def test_every_state_has_its_page(buyer: Client, customer: Any, product: Any, what: str) -> None:
    payment = place_order(customer, product)
    if what == "failed":
        pay(payment, "failed")
    elif what != "pending":
        pay(payment)
    if what == "partially":
        refund(payment.order, amount=1)
    elif what == "refunded":
        refund(payment.order)
    elif what == "disputed":
        dispute(payment.order)
    for url in ("return/", ""):
        page = buyer.get(f"/orders/{payment.order.public_id}/{url}")
        text = page.content.decode()
        assert page.status_code == 200
        assert page.context["order"].status.startswith(what)
        assert text.count("<h1>") == 1
        assert "style=" not in text
        assert "<script" not in text


def count_queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


@override_settings(DIGITALSTORE_ORDERS_PER_PAGE=200)
def test_the_lists_take_the_same_queries_for_1_10_and_100_orders(
    client_of: Any, make_user: Any, seller: Any, customer: Any, product: Any, make_product: Any
) -> None:
    second = make_product("Second", seller=seller)
    counts = []
    orders = get_order_model().objects
    for wanted in (1, 10, 100):
        while orders.count() < wanted:
            place_order(customer, product, second, email=f"mail{orders.count()}@example.com")
        mine, sold = client_of(customer), client_of(seller)
        assert len(mine.get("/orders/").context["rows"]) == wanted
        counts.append((count_queries(mine, "/orders/"), count_queries(sold, "/seller/orders/")))
    assert len(set(counts)) == 1, counts


@override_settings(DIGITALSTORE_ORDERS_PER_PAGE=2)
def test_orders_come_in_pages(buyer: Client, customer: Any, product: Any) -> None:
    for number in range(3):
        place_order(customer, product, email=f"mail{number}@example.com")
    first, second = buyer.get("/orders/"), buyer.get("/orders/?page=2")
    assert [len(page.context["rows"]) for page in (first, second)] == [2, 1]
    assert 'rel="next"' in first.content.decode()
    assert 'rel="prev"' in second.content.decode()
    for page in ("3", "0", "x", "9" * 30):
        assert buyer.get(f"/orders/?page={page}").status_code == 404


def test_a_hosts_template_comes_before_ours(tmp_path: Any, buyer: Client, settings: Any) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "order_list.html").write_text("the host's own")
    templates = [{**settings.TEMPLATES[0], "DIRS": [tmp_path, *settings.TEMPLATES[0]["DIRS"]]}]
    settings.TEMPLATES = templates
    assert buyer.get("/orders/").content.decode() == "the host's own"


def test_pages_may_be_in_another_language(buyer: Client, customer: Any, product: Any) -> None:
    order = paid_order(customer, product)
    with override_settings(LANGUAGE_CODE="de"):
        text = buyer.get(f"/orders/{order.public_id}/").content.decode()
    assert "19,99\xa0€" in text
