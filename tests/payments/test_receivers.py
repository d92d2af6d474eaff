"""Saving a product asks no provider: it is noted after the commit, and the outbox does the rest."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.apps import apps
from django.core import serializers
from django.db import connection, transaction
from django.db.models.signals import post_save
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from django_digitalstore.catalog import flows as catalog
from django_digitalstore.catalog import get_product_model
from django_digitalstore.catalog.problems import problems_of
from django_digitalstore.core import outbox
from django_digitalstore.core.models import OutboxMessage
from django_digitalstore.payments import flows, policies, receivers
from django_digitalstore.payments.checks import check_product_receivers
from django_digitalstore.payments.exceptions import ItemNotSynced
from django_digitalstore.payments.models import ProviderItem
from tests.payments.shelf import Shelf, settings_of

pytestmark = pytest.mark.django_db


def item_of(product: Any) -> ProviderItem:
    return ProviderItem.objects.get(product=str(product.pk))


def fail(*args: Any) -> None:
    raise TimeoutError("no answer")


@pytest.fixture
def synced(shelf: Shelf, product: Any) -> Any:
    """A product that the provider has as it is."""
    flows.sync_item("default", "product", str(product.pk))
    return product


# --- noting ----------------------------------------------------------------------------------


def test_a_saved_product_is_brought_to_the_provider_after_the_commit(
    synced: Any, shelf: Shelf, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        synced.price = 2499
        catalog.save_product(synced)
    assert (item_of(synced).state, OutboxMessage.objects.count()) == ("synced", 0)
    (note,) = callbacks
    with django_capture_on_commit_callbacks() as deliveries:
        note()
    assert (item_of(synced).state, shelf.on_sale()) == ("dirty", {"A book": 1999})
    (deliver,) = deliveries
    deliver()
    assert (item_of(synced).state, shelf.on_sale()) == ("synced", {"A book": 2499})
    assert OutboxMessage.objects.get().state == "sent"


def test_each_save_is_a_cause_of_its_own(
    synced: Any, django_capture_on_commit_callbacks: Any
) -> None:
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            synced.save()
    assert OutboxMessage.objects.filter(kind="payments.sync_item").count() == 2


def test_a_save_that_changes_nothing_there_calls_nobody(
    synced: Any, shelf: Shelf, django_capture_on_commit_callbacks: Any
) -> None:
    calls = shelf.calls
    with django_capture_on_commit_callbacks(execute=True):
        synced.description = "The provider is not told of this."
        synced.save()
    assert (item_of(synced).state, shelf.calls) == ("synced", calls)


def test_a_new_product_is_there_before_anybody_buys_it(
    shelf: Shelf, make_product: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        make_product("A new book", released=False)
    assert shelf.on_sale() == {"A new book": 1999}


def test_a_draft_is_nobodys_business_until_it_is_published(
    shelf: Shelf, draft_product: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        draft_product.save()
    assert (OutboxMessage.objects.count(), shelf.calls) == (0, [])
    with django_capture_on_commit_callbacks(execute=True):
        catalog.publish_product(draft_product)
    assert shelf.on_sale() == {"A draft": 1999}
    with django_capture_on_commit_callbacks(execute=True):
        catalog.archive_product(draft_product)
    assert shelf.on_sale() == {}
    assert item_of(draft_product).state == "archived"


def test_a_deleted_product_is_archived_there(
    shelf: Shelf, make_product: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        product = make_product("Short lived", released=False)
    assert shelf.on_sale() == {"Short lived": 1999}
    with django_capture_on_commit_callbacks(execute=True):
        product.delete()
    assert shelf.on_sale() == {}
    assert ProviderItem.objects.get().state == "archived"


def test_every_provider_that_keeps_products_is_told(
    shelf: Shelf, product: Any, django_capture_on_commit_callbacks: Any
) -> None:
    sandbox = {
        "BACKEND": "django_digitalstore.payments.backends.sandbox.SandboxBackend",
    }
    payments = {**settings_of(shelf, "one", "two"), "inline": sandbox}
    with (
        override_settings(DIGITALSTORE_PAYMENTS=payments),
        django_capture_on_commit_callbacks(execute=True),
    ):
        product.save()
    assert list(ProviderItem.objects.values_list("alias", "state")) == [
        ("one", "synced"),
        ("two", "synced"),
    ]


def test_where_no_provider_keeps_products_nothing_is_asked_or_noted(
    product: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        product.save()
    assert callbacks == []


def test_a_save_writes_nothing_but_the_product(
    synced: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with (
        CaptureQueriesContext(
            connection,
        ) as queries,
        django_capture_on_commit_callbacks(),
        transaction.atomic(),
    ):
        synced.save()
    tables = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(tables) == 1
    assert tables[0].startswith("UPDATE")


def test_a_rollback_takes_the_change_and_its_note(
    synced: Any, django_capture_on_commit_callbacks: Any
) -> None:
    def save_and_fail() -> None:
        with transaction.atomic():
            synced.save()
            raise ZeroDivisionError

    with (
        django_capture_on_commit_callbacks(execute=True) as callbacks,
        pytest.raises(ZeroDivisionError),
    ):
        save_and_fail()
    assert callbacks == []


def test_fixtures_are_left_to_the_sync(
    synced: Any, django_capture_on_commit_callbacks: Any
) -> None:
    text = serializers.serialize("json", [synced])
    with django_capture_on_commit_callbacks() as callbacks:
        for loaded in serializers.deserialize("json", text):
            loaded.save()
    assert callbacks == []


# --- a broken provider -----------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_broken_provider_never_breaks_a_save_and_is_tried_again(
    shelf: Shelf, faults: Any, no_receivers: None, product: Any
) -> None:
    receivers.connect()
    faults["before", "ensure"] = fail
    product.price = 2499
    product.save()
    product.refresh_from_db()
    assert product.price == 2499
    assert policies.sync_problem(product) == (
        "The payment provider “default” does not take it: TimeoutError: no answer"
    )
    message = OutboxMessage.objects.get()
    assert (message.state, message.attempts) == ("pending", 1)
    assert message.last_error == (
        f"ItemNotSynced: product:{product.pk} could not be brought to the provider “default”: "
        f"TimeoutError: no answer"
    )
    faults.clear()
    assert outbox.deliver(message.pk, now=message.next_try_at) == "sent"
    assert shelf.on_sale() == {"A book": 2499}
    assert policies.sync_problem(product) == ""


@pytest.mark.django_db(transaction=True)
def test_a_provider_that_cannot_be_loaded_never_breaks_a_save(
    product: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with override_settings(DIGITALSTORE_PAYMENTS={"default": {"BACKEND": "no.such.Backend"}}):
        product.save()
    with override_settings(DIGITALSTORE_PAYMENTS="nonsense"), caplog.at_level(logging.ERROR):
        product.save()
    assert "could not be noted; the sync finds it." in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_note_that_fails_never_breaks_a_save(
    shelf: Shelf, product: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(execute: Any, sql: str, *args: Any) -> Any:
        if "digitalstore_payments_provideritem" in sql:
            raise RuntimeError("the table is gone")
        return execute(sql, *args)

    with connection.execute_wrapper(refuse), caplog.at_level(logging.ERROR):
        product.save()
    assert "the table is gone" in caplog.text


def test_an_alias_that_is_gone_from_the_settings_is_nothing_to_do(shelf: Shelf) -> None:
    assert flows.sync_product("elsewhere", "1") == []


# --- the seller ------------------------------------------------------------------------------


@pytest.mark.urls("tests.catalog.urls")
def test_the_seller_reads_at_the_product_what_the_provider_says(
    shelf: Shelf, faults: Any, product: Any, seller: Any, client_of: Any, make_product: Any
) -> None:
    make_product("A fine book", seller=seller)
    faults["before", "ensure"] = fail
    with pytest.raises(ItemNotSynced):
        flows.sync_item("default", "product", str(product.pk))
    problem = "The payment provider “default” does not take it: TimeoutError: no answer"
    client = client_of(seller)
    listed = client.get(reverse("shop:seller_products"))
    assert {row["product"].title: row["problems"] for row in listed.context["rows"]} == {
        "A book": [problem],
        "A fine book": [],
    }
    page = client.get(reverse("shop:seller_product_update", kwargs={"slug": product.slug}))
    for response in (listed, page):
        assert response.content.decode().count(problem) == 1

    faults.clear()
    flows.sync_item("default", "product", str(product.pk))
    assert problem not in client.get(reverse("shop:seller_products")).content.decode()


def test_who_has_no_provider_that_keeps_products_asks_nothing_about_them(
    product: Any, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert problems_of([product]) == {}


# --- the check -------------------------------------------------------------------------------


def test_connected_receivers_are_fine(shelf: Shelf) -> None:
    assert get_product_model() in receivers.product_models()
    assert check_product_receivers() == []


def test_a_disconnected_receiver_is_named(shelf: Shelf, no_receivers: None) -> None:
    found = check_product_receivers()
    label = get_product_model()._meta.label
    assert [(error.id, error.msg) for error in found[:2]] == [
        (
            "digitalstore.E309",
            (
                f"{label} has no receiver of {signal} for the product sync any more: a change is "
                f"noticed by the hourly sync or the next checkout only, at 'default'."
            ),
        )
        for signal in ("post_save", "post_delete")
    ]
    assert found[0].hint == (
        "Remove the code that disconnects it, or call "
        "django_digitalstore.payments.receivers.connect() after it."
    )


def test_only_one_of_them_is_named_too(shelf: Shelf) -> None:
    model = get_product_model()
    post_save.disconnect(sender=model, dispatch_uid="digitalstore.payments.product_changed")
    try:
        (found,) = check_product_receivers()
    finally:
        receivers.connect()
    assert found.msg.startswith(f"{model._meta.label} has no receiver of post_save")


def test_receivers_do_not_matter_where_no_provider_keeps_products(no_receivers: None) -> None:
    assert check_product_receivers() == []


def test_connecting_twice_is_connecting_once(
    synced: Any, django_capture_on_commit_callbacks: Any
) -> None:
    apps.get_app_config("digitalstore_payments").ready()
    with django_capture_on_commit_callbacks() as callbacks:
        synced.save()
    assert len(callbacks) == 1
