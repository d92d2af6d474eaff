"""Products at a provider that keeps them: nothing is ever sold at a price that isn't ours now."""

from __future__ import annotations

import os
import threading
import time
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from django_digitalstore.catalog import get_product_model
from django_digitalstore.payments import flows, get_payment_model, policies
from django_digitalstore.payments.backends.sandbox.models import SandboxCheckout
from django_digitalstore.payments.exceptions import CheckoutRefused, ItemNotSynced
from django_digitalstore.payments.models import ProviderItem
from django_digitalstore.payments.testing import pay, place_order
from tests.payments.shelf import Shelf

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.payments.urls")]

TRY_AGAIN = "Your checkout is being prepared. Please try again in a minute."
UNAVAILABLE = (
    "This can't be paid for at the moment: the payment provider does not have it yet. "
    "Nothing was charged; please try again later."
)


def change(product: Any, **values: Any) -> None:
    """Change a product as no signal tells."""
    get_product_model()._default_manager.filter(pk=product.pk).update(**values)


def raising(error: BaseException) -> Any:
    def fault(*args: Any) -> None:
        raise error

    return fault


def item_of(product: Any) -> ProviderItem:
    return ProviderItem.objects.get(product=str(product.pk))


def charged(payment: Any) -> int:
    """Return what the provider takes in the checkout of ``payment``."""
    return SandboxCheckout.objects.get(pk=payment.checkout_reference).amount


def started(customer: Any, *products: Any) -> Any:
    """Place an order whose checkout is not yet at the provider."""
    lines = [flows.LineRequest(product) for product in products]
    return flows.start_checkout(customer, lines, email="ada@example.com", country="DE")


def opened(payment: Any, *, wait: float = 10.0) -> Any:
    here = "https://shop.example.com/"
    return flows.open_checkout(payment, return_url=here, cancel_url=here, wait=wait)


def form(product: Any) -> dict[str, Any]:
    return {"product": [product.slug], "email": "ada@example.com", "country": "DE"}


# --- what is bought --------------------------------------------------------------------------


def test_a_product_is_at_the_provider_before_it_is_paid_there(
    shelf: Shelf, customer: Any, product: Any
) -> None:
    payment = place_order(customer, product)
    assert shelf.on_sale() == {"A book": 1999}
    item = item_of(product)
    assert (item.alias, item.kind, item.reference, item.state) == (
        "default",
        "product",
        "shelf_1",
        "synced",
    )
    assert payment.cart == [["shelf_1", 1]]
    pay(payment)
    payment.order.refresh_from_db()
    assert payment.order.status == "paid"


def test_what_is_there_already_is_not_pushed_again(
    shelf: Shelf, customer: Any, other_customer: Any, product: Any, make_product: Any
) -> None:
    place_order(customer, product)
    place_order(other_customer, product, make_product("Another", price=500))
    assert shelf.calls == ["ensure", "ensure"]
    assert shelf.on_sale() == {"A book": 1999, "Another": 500}


def test_nothing_is_sold_at_the_old_price_though_nobody_told_of_the_new_one(
    shelf: Shelf, no_receivers: None, customer: Any, other_customer: Any, product: Any
) -> None:
    assert charged(place_order(customer, product)) == 1999
    change(product, price=2499)
    assert charged(place_order(other_customer, product)) == 2499
    assert charged(place_order(customer, product)) == 2499
    assert shelf.on_sale() == {"A book": 2499}
    assert list(shelf.products) == ["shelf_1"]


def test_a_new_title_is_brought_there_too(
    shelf: Shelf, customer: Any, other_customer: Any, product: Any
) -> None:
    place_order(customer, product)
    change(product, title="A better book")
    place_order(other_customer, product)
    assert shelf.on_sale() == {"A better book": 1999}


def test_an_old_order_whose_price_has_changed_cannot_be_retried(
    shelf: Shelf, client_of: Any, customer: Any, product: Any
) -> None:
    old = place_order(customer, product)
    change(product, price=2499)
    buyer: Client = client_of(customer)
    page = buyer.post(f"/orders/{old.order.public_id}/return/", follow=True)
    assert [str(message) for message in page.context["messages"]] == [
        "The price of “A book” has changed since you ordered it. Please order again."
    ]
    with pytest.raises(CheckoutRefused) as refused:
        flows.retry_checkout(old.order)
    assert refused.value.code == "price_changed"
    assert get_payment_model().objects.get() == old

    new = place_order(customer, product)
    assert (charged(new), new.order.total) == (2499, 2499)
    assert flows.retry_checkout(new.order) == new


def test_an_old_order_with_prices_of_its_own_can_be_retried(customer: Any, product: Any) -> None:
    old = place_order(customer, product)
    change(product, price=2499)
    assert flows.retry_checkout(old.order) == old


def test_a_currency_that_has_changed_is_another_price(
    shelf: Shelf, customer: Any, product: Any
) -> None:
    old = place_order(customer, product)
    change(product, currency="USD")
    with pytest.raises(CheckoutRefused, match="has changed since you ordered it"):
        flows.retry_checkout(old.order)


def test_a_price_that_changes_before_the_checkout_opens_is_not_sold_and_not_pushed(
    shelf: Shelf, client_of: Any, customer: Any, product: Any
) -> None:
    payment = started(customer, product)
    change(product, price=2499)
    with pytest.raises(CheckoutRefused) as refused:
        opened(payment)
    assert str(refused.value) == (
        "The price of “A book” has changed since you ordered it. Please order again."
    )
    assert shelf.calls == []
    payment.refresh_from_db()
    assert (payment.state, payment.opening_at, payment.failure) == ("created", None, "")


def test_a_price_that_changes_while_it_is_pushed_is_pushed_again(
    shelf: Shelf, faults: Any, customer: Any, other_customer: Any, product: Any
) -> None:
    def raise_the_price(*args: Any) -> None:
        faults.clear()
        change(product, price=2499)
        flows.mark_product(str(product.pk))

    faults["after", "ensure"] = raise_the_price
    assert charged(place_order(customer, product)) == 1999
    assert (item_of(product).state, item_of(product).digest) == ("dirty", "")
    assert charged(place_order(other_customer, product)) == 2499
    assert item_of(product).state == "synced"


def test_a_product_withdrawn_before_the_checkout_opens_stays_off_sale(
    shelf: Shelf, customer: Any, product: Any
) -> None:
    payment = started(customer, product)
    change(product, status="archived")
    with pytest.raises(CheckoutRefused, match="“A book” is not for sale"):
        opened(payment)
    assert shelf.products == {}


# --- a provider that fails -------------------------------------------------------------------


def test_a_buyer_is_told_politely_and_the_seller_clearly(
    shelf: Shelf, faults: Any, client_of: Any, customer: Any, product: Any, make_product: Any
) -> None:
    fine = make_product("Fine")
    faults["before", "ensure"] = raising(PermissionError("your account is on hold"))
    page = client_of(customer).post("/checkout/", form(product))
    assert (page.status_code, page.context["problem"]) == (503, UNAVAILABLE)
    assert "on hold" not in page.content.decode()
    item = item_of(product)
    assert (item.state, item.attempts, item.pushing_at) == ("failed", 1, None)
    assert item.error == "PermissionError: your account is on hold"
    assert policies.sync_problems([product, fine]) == {
        product.pk: (
            "The payment provider “default” does not take it: "
            "PermissionError: your account is on hold"
        )
    }
    assert get_payment_model().objects.get().failure == (
        f"ItemNotSynced: product:{product.pk} could not be brought to the provider “default”: "
        f"PermissionError: your account is on hold"
    )

    faults.clear()
    assert client_of(customer).post("/checkout/", form(product)).status_code == 303
    assert policies.sync_problem(product) == ""
    assert (item_of(product).attempts, item_of(product).error) == (0, "")


def test_what_a_backend_cannot_describe_is_a_failure_that_is_kept(
    shelf: Shelf, client_of: Any, customer: Any, make_product: Any
) -> None:
    yacht = make_product("A yacht", price=2_000_000)
    page = client_of(customer).post("/checkout/", form(yacht))
    assert (page.status_code, page.context["problem"]) == (503, UNAVAILABLE)
    assert item_of(yacht).error == "ValueError: The shelf takes prices up to 10,000."


def test_a_reference_that_fits_into_no_column_is_a_failure(
    shelf: Shelf, customer: Any, product: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.payments.shelf.ShelfBackend.ensure_item", lambda *args: "x" * 201)
    with pytest.raises(ItemNotSynced):
        flows.sync_item("default", "product", str(product.pk))
    assert item_of(product).error == (
        "ValueError: ShelfBackend.ensure_item() must return a reference of 1 to 200 characters."
    )


def test_an_answer_that_is_lost_makes_no_second_product(
    shelf: Shelf, faults: Any, customer: Any, product: Any
) -> None:
    faults["after", "ensure"] = raising(TimeoutError("no answer"))
    payment = started(customer, product)
    with pytest.raises(Exception, match="does not have it yet"):
        opened(payment)
    faults.clear()
    assert charged(opened(payment)) == 1999
    assert shelf.calls == ["ensure", "find", "ensure"]
    assert list(shelf.products) == ["shelf_1"]


def test_a_failed_push_of_a_new_price_is_never_taken_for_the_old_one(
    shelf: Shelf, faults: Any, customer: Any, other_customer: Any, product: Any
) -> None:
    place_order(customer, product)
    change(product, price=2499)
    faults["after", "ensure"] = raising(TimeoutError("no answer"))
    with pytest.raises(ItemNotSynced):
        flows.sync_item("default", "product", str(product.pk))
    assert shelf.on_sale() == {"A book": 2499}
    faults.clear()
    # Back to the price that was recorded last: the provider has another by now.
    change(product, price=1999)
    assert charged(place_order(other_customer, product)) == 1999


def test_a_product_that_was_deleted_in_the_dashboard_is_back_for_the_second_try(
    shelf: Shelf, client_of: Any, customer: Any, product: Any
) -> None:
    flows.sync_item("default", "product", str(product.pk))
    with shelf.open() as content:
        content["products"]["shelf_1"]["archived"] = True
    buyer = client_of(customer)
    assert buyer.post("/checkout/", form(product)).status_code == 503
    assert item_of(product).state == "dirty"
    assert buyer.post("/checkout/", form(product)).status_code == 303
    assert charged(get_payment_model().objects.get()) == 1999


def test_an_alias_that_goes_live_has_none_of_the_products_of_its_test(
    shelf: Shelf, product: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    flows.sync_item("default", "product", str(product.pk))
    monkeypatch.setattr("tests.payments.shelf.ShelfBackend.is_test", False)
    assert flows.sync_item("default", "product", str(product.pk)) == "pushed"


# --- at the same moment ----------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_checkouts_at_the_same_moment_push_once(
    shared_database: None,
    shelf: Shelf,
    no_receivers: None,
    make_user: Any,
    product: Any,
    at_once: Any,
) -> None:
    buyers = [make_user(f"buyer{number}") for number in range(4)]
    payments = at_once(*(partial(place_order, buyer, product) for buyer in buyers))
    assert [charged(payment) for payment in payments] == [1999] * 4
    assert shelf.calls == ["ensure"]


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_a_push_that_fails_does_not_try_it_again(
    shared_database: None,
    shelf: Shelf,
    no_receivers: None,
    faults: Any,
    make_user: Any,
    product: Any,
    at_once: Any,
) -> None:
    everybody_is_there = threading.Event()
    tried = []

    def fail(*args: Any) -> None:
        tried.append(1)
        everybody_is_there.wait(5)
        raise TimeoutError("no answer")

    faults["before", "ensure"] = fail
    payments = [started(make_user(f"buyer{number}"), product) for number in range(3)]

    def wait_and_let_fail() -> None:
        time.sleep(1.5)
        everybody_is_there.set()

    *answers, _ = at_once(*(partial(opened, p) for p in payments), wait_and_let_fail)
    assert [str(answer) for answer in answers] == [UNAVAILABLE] * 3
    assert tried == [1]


def claimed(product: Any, *, seconds_ago: float, **values: Any) -> ProviderItem:
    """Return an item that another process claimed."""
    at = timezone.now() - timedelta(seconds=seconds_ago)
    return ProviderItem.objects.create(
        alias="default", kind="product", product=str(product.pk), pushing_at=at, **values
    )


def test_a_push_of_another_process_is_waited_for_and_not_disturbed(
    shelf: Shelf, customer: Any, product: Any
) -> None:
    claimed(product, seconds_ago=30)
    payment = started(customer, product)
    with pytest.raises(Exception, match=TRY_AGAIN):
        opened(payment, wait=0.3)
    with pytest.raises(ItemNotSynced) as busy:
        flows.sync_item("default", "product", str(product.pk))
    assert busy.value.is_busy
    assert shelf.calls == []
    assert policies.sync_problem(product) == ""


def test_a_push_whose_process_is_gone_is_taken_over(
    shelf: Shelf, customer: Any, product: Any
) -> None:
    claimed(product, seconds_ago=61)
    assert charged(place_order(customer, product)) == 1999
    assert shelf.calls == ["find", "ensure"]
    assert (item_of(product).state, item_of(product).pushing_at) == ("synced", None)


def test_what_a_claim_says_is_not_believed_until_it_is_recorded(
    shelf: Shelf, customer: Any, product: Any
) -> None:
    place_order(customer, product)
    ProviderItem.objects.update(pushing_at=timezone.now() - timedelta(seconds=61))
    place_order(customer, product)  # the same checkout: nothing to push
    assert shelf.calls == ["ensure"]
    assert flows.sync_item("default", "product", str(product.pk)) == "pushed"
    assert shelf.calls == ["ensure", "ensure"]


def test_what_another_pushed_just_before_our_claim_is_not_pushed_again(
    shelf: Shelf, faults: Any, product: Any
) -> None:
    key = str(product.pk)

    def let_another_be_faster(*args: Any) -> None:
        faults.clear()
        assert flows.sync_item("default", "product", key) == "pushed"

    faults["before", "describe"] = let_another_be_faster
    assert flows.sync_item("default", "product", key) == "unchanged"
    assert shelf.calls == ["ensure"]
    assert (item_of(product).state, item_of(product).pushing_at) == ("synced", None)


def test_of_two_claims_at_the_same_moment_one_holds(
    shelf: Shelf, faults: Any, product: Any
) -> None:
    def let_another_claim(*args: Any) -> None:
        faults.clear()
        ProviderItem.objects.update(pushing_at=timezone.now())

    faults["before", "describe"] = let_another_claim
    with pytest.raises(ItemNotSynced) as busy:
        flows.sync_item("default", "product", str(product.pk))
    assert busy.value.is_busy
    assert str(busy.value) == (
        f"product:{product.pk} is being brought to the provider “default” right now."
    )
    assert shelf.calls == []


def test_who_is_overtaken_leaves_no_second_product_and_no_wrong_record(
    shelf: Shelf, faults: Any, product: Any
) -> None:
    key = str(product.pk)

    def hang(*args: Any) -> None:
        """Let another process take over and be done before we make the product."""
        faults.clear()
        ProviderItem.objects.update(pushing_at=timezone.now() - timedelta(seconds=61))
        assert flows.sync_item("default", "product", key) == "pushed"

    faults["before", "ensure"] = hang
    with pytest.raises(ItemNotSynced) as busy:
        flows.sync_item("default", "product", key)
    assert busy.value.is_busy
    item = item_of(product)
    assert (item.reference, item.digest, item.state) == ("shelf_1", "", "dirty")
    assert {ref: p["archived"] for ref, p in shelf.products.items()} == {
        "shelf_1": False,
        "shelf_2": True,
    }
    assert flows.sync_item("default", "product", key) == "pushed"
    assert item_of(product).state == "synced"


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_kill_between_push_and_record_makes_no_second_product(
    shared_database: None,
    shelf: Shelf,
    no_receivers: None,
    faults: Any,
    customer: Any,
    product: Any,
) -> None:
    faults["after", "ensure"] = lambda *args: os._exit(9)
    child = os.fork()
    if not child:
        connection.connection = None  # the parent's own: the child opens another
        flows.sync_item("default", "product", str(product.pk))
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    faults.clear()
    assert list(shelf.products) == ["shelf_1"]
    assert item_of(product).reference == ""

    ProviderItem.objects.update(pushing_at=timezone.now() - timedelta(seconds=61))
    assert charged(place_order(customer, product)) == 1999
    assert list(shelf.products) == ["shelf_1"]
    assert shelf.calls == ["ensure", "find", "ensure"]


def test_an_interrupted_push_is_free_for_the_next_one_at_once(
    shelf: Shelf, faults: Any, product: Any
) -> None:
    faults["after", "ensure"] = raising(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        flows.sync_item("default", "product", str(product.pk))
    item = item_of(product)
    assert (item.state, item.attempts, item.pushing_at) == ("dirty", 1, None)
    faults.clear()
    assert flows.sync_item("default", "product", str(product.pk)) == "pushed"
    assert list(shelf.products) == ["shelf_1"]


# --- one item --------------------------------------------------------------------------------


def test_what_goes_off_sale_is_archived_and_what_returns_is_the_same_product(
    shelf: Shelf, product: Any
) -> None:
    key = str(product.pk)
    sync = partial(flows.sync_item, "default", "product", key)
    assert [sync(), sync()] == ["pushed", "unchanged"]
    change(product, status="archived")
    assert [sync(), sync()] == ["archived", "unchanged"]
    assert shelf.on_sale() == {}
    assert item_of(product).state == "archived"
    change(product, status="published")
    assert [sync(), sync()] == ["pushed", "unchanged"]
    assert shelf.on_sale() == {"A book": 1999}
    assert list(shelf.products) == ["shelf_1"]


def test_what_becomes_free_is_archived_and_what_is_free_is_not_brought_there(
    shelf: Shelf, product: Any, free_product: Any
) -> None:
    flows.sync_item("default", "product", str(product.pk))
    change(product, price=0)
    assert flows.sync_item("default", "product", str(product.pk)) == "archived"
    assert flows.sync_item("default", "product", str(free_product.pk)) == "unchanged"
    assert shelf.on_sale() == {}


def test_a_free_product_beside_a_paid_one_stays_in_its_checkout(
    shelf: Shelf, customer: Any, product: Any, free_product: Any
) -> None:
    assert charged(place_order(customer, product, free_product)) == 1999
    assert flows.sync_item("default", "product", str(free_product.pk)) == "unchanged"
    assert shelf.on_sale() == {"A book": 1999, "A leaflet": 0}


def test_a_deleted_product_whose_creation_is_in_doubt_is_found_and_archived(
    shelf: Shelf, faults: Any, make_product: Any
) -> None:
    product = make_product("Short lived", released=False)
    key = str(product.pk)
    faults["after", "ensure"] = raising(TimeoutError("no answer"))
    with pytest.raises(ItemNotSynced):
        flows.sync_item("default", "product", key)
    faults.clear()
    product.delete()
    assert flows.sync_item("default", "product", key) == "archived"
    assert shelf.on_sale() == {}
    assert shelf.calls == ["ensure", "find", "archive"]
