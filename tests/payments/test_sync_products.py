"""``digitalstore_sync_products``: what differs is found by its hash, told of or not."""

from __future__ import annotations

import time
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from django_digitalstore.catalog import get_product_model
from django_digitalstore.core.jobs import run_due
from django_digitalstore.payments import flows
from django_digitalstore.payments.flows import drift
from django_digitalstore.payments.fulfilments import BaseFulfilment, ProductFulfilment
from django_digitalstore.payments.models import ProviderItem
from tests.payments.shelf import Shelf, settings_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_receivers")]


def sync(*args: str, **options: Any) -> tuple[str, str]:
    """Run the command and return what it wrote, and what it complained of."""
    out, errors = StringIO(), StringIO()
    options = {"stdout": out, "stderr": errors, "no_color": True, **options}
    try:
        call_command("digitalstore_sync_products", *args, **options)
    except CommandError as error:
        errors.write(f"CommandError: {error}\n")
    return out.getvalue(), errors.getvalue()


def change(product: Any, **values: Any) -> None:
    get_product_model()._default_manager.filter(pk=product.pk).update(**values)


@pytest.fixture
def books(make_product: Any) -> list[Any]:
    return [make_product(f"Book {number}", released=False) for number in range(1, 4)]


# --- the run ---------------------------------------------------------------------------------


def test_everything_for_sale_is_brought_there_once(
    shelf: Shelf, books: list[Any], draft_product: Any, free_product: Any
) -> None:
    assert sync() == (
        (
            "default: 5 looked at, 3 pushed, 0 archived, 0 failed\n"
            "default: 3 pushed, 0 archived, 0 failed.\n"
        ),
        "",
    )
    assert shelf.on_sale() == {"Book 1": 1999, "Book 2": 1999, "Book 3": 1999}
    assert sync("--verbosity=0") == ("", "")
    assert shelf.calls == ["ensure"] * 3


def test_what_no_signal_told_of_is_found(shelf: Shelf, books: list[Any], make_product: Any) -> None:
    sync()
    change(books[0], price=2499)
    change(books[1], status="archived")
    get_product_model()._default_manager.filter(pk=books[2].pk).delete()
    new = make_product("New", released=False)
    out, _errors = sync(verbosity=2)
    assert out == (
        f"default: product:{books[0].pk} “Book 1”: pushed (changed)\n"
        f"default: product:{books[1].pk} “Book 2”: archived (not for sale)\n"
        f"default: product:{new.pk} “New”: pushed (new)\n"
        f"default: 3 looked at, 2 pushed, 1 archived, 0 failed\n"
        f"default: product:{books[2].pk} “product:{books[2].pk}”: archived (deleted)\n"
        f"default: 2 pushed, 2 archived, 0 failed.\n"
    )
    assert shelf.on_sale() == {"Book 1": 2499, "New": 1999}
    change(books[1], status="published")
    out, _errors = sync(verbosity=2)
    assert f"product:{books[1].pk} “Book 2”: pushed (on sale again)" in out


def test_a_dry_run_shows_what_differs_and_calls_nobody(shelf: Shelf, books: list[Any]) -> None:
    flows.sync_item("default", "product", str(books[0].pk))
    change(books[0], price=2499)
    change(books[1], price=5_000_000)
    calls, rows = shelf.calls, list(ProviderItem.objects.values())
    out, errors = sync("--dry-run")
    assert out == (
        f"default: product:{books[0].pk} “Book 1”: changed\n"
        f"default: product:{books[2].pk} “Book 3”: new\n"
        f"default: product:{books[1].pk} “Book 2”: failed before "
        f"(ValueError: The shelf takes prices up to 10,000.)\n"
        f"default: 3 differ.\n"
    )
    assert (errors, shelf.calls, list(ProviderItem.objects.values())) == ("", calls, rows)
    assert sync("--dry-run", "--limit=1")[0].endswith("default: 1 differ.\n")


def test_a_limit_leaves_the_rest_for_the_next_run(shelf: Shelf, books: list[Any]) -> None:
    assert sync("--limit=2")[0].endswith("default: 2 pushed, 0 archived, 0 failed.\n")
    assert sync("--limit=2")[0].endswith("default: 1 pushed, 0 archived, 0 failed.\n")
    assert shelf.calls == ["ensure"] * 3
    assert sync("--limit=0")[1] == "CommandError: --limit must be at least 1.\n"


def test_a_run_that_is_stopped_goes_on_where_it_was(
    shelf: Shelf, faults: Any, books: list[Any]
) -> None:
    def stop(item: Any) -> None:
        if item.name == "Book 2":
            raise KeyboardInterrupt

    faults["after", "ensure"] = stop
    with pytest.raises(KeyboardInterrupt):
        sync()
    faults.clear()
    assert sync()[0].endswith("default: 2 pushed, 0 archived, 0 failed.\n")
    assert sorted(shelf.on_sale()) == ["Book 1", "Book 2", "Book 3"]
    assert len(shelf.products) == 3


def test_one_provider_can_be_chosen(shelf: Shelf, books: list[Any]) -> None:
    with override_settings(DIGITALSTORE_PAYMENTS=settings_of(shelf, "one", "two")):
        sync("--alias=two", "--limit=1")
        assert list(ProviderItem.objects.values_list("alias", flat=True)) == ["two"]
        assert sync("--alias=three")[1] == (
            "CommandError: --alias: 'three' is no provider that keeps products. Those are: "
            "'one', 'two'.\n"
        )


def test_where_no_provider_keeps_products_that_is_said(product: Any) -> None:
    assert sync() == ("No provider of DIGITALSTORE_PAYMENTS keeps products.\n", "")


def test_what_was_changed_in_the_dashboard_is_put_right_by_force(
    shelf: Shelf, books: list[Any]
) -> None:
    sync()
    with shelf.open() as content:
        content["products"]["shelf_2"]["amount"] = 1
    assert sync()[0].endswith("default: 0 pushed, 0 archived, 0 failed.\n")
    assert sync("--force", "--limit=2")[0].endswith("default: 2 pushed, 0 archived, 0 failed.\n")
    assert shelf.on_sale()["Book 2"] == 1999
    assert sync()[0].endswith("default: 1 pushed, 0 archived, 0 failed.\n")
    assert sync("--force", "--dry-run")[1] == (
        "CommandError: --force and --dry-run exclude each other: write one of them.\n"
    )


# --- failures --------------------------------------------------------------------------------


def test_each_failure_is_named_and_the_command_fails(
    shelf: Shelf, faults: Any, books: list[Any]
) -> None:
    def refuse(item: Any) -> None:
        if item.name == "Book 2":
            raise ConnectionError("refused")

    faults["before", "ensure"] = refuse
    out, errors = sync()
    assert out.endswith("default: 2 pushed, 0 archived, 1 failed.\n")
    assert errors == (
        f"default: product:{books[1].pk} “Book 2”: product:{books[1].pk} could not be brought to "
        f"the provider “default”: ConnectionError: refused\n"
        f"CommandError: 1 could not be brought to their provider: see above.\n"
    )
    faults.clear()
    assert sync()[0].endswith("default: 1 pushed, 0 archived, 0 failed.\n")


def test_a_provider_that_is_down_is_let_alone_and_what_failed_before_waits_behind_the_others(
    shelf: Shelf, faults: Any, make_product: Any
) -> None:
    for number in range(1, 8):
        make_product(f"Book {number}", released=False)

    def refuse(item: Any) -> None:
        if item.name in {f"Book {number}" for number in range(1, 6)}:
            raise ConnectionError("refused")

    faults["before", "ensure"] = refuse
    out, errors = sync()
    assert out.endswith("default: 0 pushed, 0 archived, 5 failed.\n")
    assert (
        "The provider “default” failed 5 times in a row: what is left waits for the next run.\n"
        in errors
    )
    out, errors = sync()
    assert sorted(shelf.on_sale()) == ["Book 6", "Book 7"]


def test_what_another_process_pushes_is_no_failure(shelf: Shelf, product: Any) -> None:
    from django.utils import timezone

    ProviderItem.objects.create(
        alias="default", kind="product", product=str(product.pk), pushing_at=timezone.now()
    )
    out, errors = sync()
    assert out.endswith(
        "default: 0 pushed, 0 archived, 0 failed, 1 being pushed by another process.\n"
    )
    assert errors == (
        f"default: product:{product.pk} “A book”: product:{product.pk} is being brought to the "
        f"provider “default” right now.\n"
    )


def test_the_pace_of_the_provider_is_kept(shelf: Shelf, books: list[Any]) -> None:
    payments = settings_of(shelf)
    payments["default"]["OPTIONS"]["PER_SECOND"] = 10
    with override_settings(DIGITALSTORE_PAYMENTS=payments):
        started = time.monotonic()
        sync()
    assert time.monotonic() - started >= 0.2  # three calls: two waits
    assert shelf.calls == ["ensure"] * 3


# --- reading ---------------------------------------------------------------------------------


def test_what_is_there_already_is_read_in_pages(
    shelf: Shelf, make_product: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 8):
        make_product(f"Book {number}", released=False)
    sync()
    has_packs = "support" in settings.DIGITALSTORE_FULFILMENTS

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert list(flows.find_differences("default")) == []
        return len(captured)

    # Products, rows, and what the packs of support cost where the host sells any; rows again, and
    # which of their products exist.
    assert queries() == 4 + has_packs
    monkeypatch.setattr(drift, "PAGE", 3)
    assert queries() <= 14 + 3 * has_packs
    change(get_product_model()._default_manager.get(title="Book 7"), price=1)
    assert [found.name for found in flows.find_differences("default")] == ["Book 7"]


def test_a_note_about_nothing_is_cleared_without_a_call(shelf: Shelf, product: Any) -> None:
    sync()
    flows.mark_product(str(product.pk))
    assert ProviderItem.objects.get().state == "dirty"
    assert sync("--dry-run")[0] == "default: 0 differ.\n"
    assert sync()[0].endswith("default: 0 pushed, 0 archived, 0 failed.\n")
    assert (ProviderItem.objects.get().state, shelf.calls) == ("synced", ["ensure"])


class Support(BaseFulfilment):
    """A kind whose price only a checkout knows."""


class Crooked(ProductFulfilment):
    """A price that depends on the customer, and nobody is none."""

    def quote(self, customer: Any, product: Any) -> Any:
        return super().quote(customer, product) if customer.pk else None


def test_a_kind_whose_price_only_a_buyer_knows_is_left_to_the_checkout(
    shelf: Shelf, product: Any, customer: Any
) -> None:
    kinds = {
        "product": "django_digitalstore.payments.fulfilments.ProductFulfilment",
        "support": f"{__name__}.Support",
    }
    with override_settings(DIGITALSTORE_FULFILMENTS=kinds):
        payment = flows.start_checkout(
            customer, [flows.LineRequest(product, "support")], email="a@example.com", country="DE"
        )
        here = "https://shop.example.com/"
        flows.open_checkout(payment, return_url=here, cancel_url=here)
        change(product, price=2499)
        sync()
        prices = {p["key"]: p["amount"] for p in shelf.products.values()}
        assert prices == {f"support:{product.pk}": 1999, f"product:{product.pk}": 2499}
        change(product, status="archived")
        sync()
    assert shelf.on_sale() == {}


def test_a_quote_that_needs_a_customer_is_a_failure_that_is_named(
    shelf: Shelf, product: Any
) -> None:
    with override_settings(DIGITALSTORE_FULFILMENTS={"product": f"{__name__}.Crooked"}):
        _out, errors = sync()
        assert "AttributeError: 'NoneType' object has no attribute 'pk'" in errors
    assert ProviderItem.objects.get().state == "failed"


# --- job and admin ---------------------------------------------------------------------------


def test_the_hourly_job_brings_what_nobody_told_of_and_fails_where_it_cannot(
    shelf: Shelf, faults: Any, product: Any
) -> None:
    (result,) = run_due(only="payments.sync_items")
    assert (result.error, shelf.on_sale()) == ("", {"A book": 1999})

    def refuse(*args: Any) -> None:
        raise ConnectionError("refused")

    change(product, price=2499)
    faults["before", "ensure"] = refuse
    (result,) = run_due(only="payments.sync_items")
    assert result.error == (
        f"ItemNotSynced: product:{product.pk} could not be brought to the provider “default”: "
        f"ConnectionError: refused"
    )


def test_staff_see_a_failure_and_bring_the_product_there(
    shelf: Shelf, faults: Any, product: Any, client_of: Any, superuser: Any
) -> None:
    change(product, price=5_000_000)
    sync()
    item = ProviderItem.objects.get()
    client = client_of(superuser)
    listed = client.get(reverse("admin:digitalstore_payments_provideritem_changelist"))
    assert "ValueError: The shelf takes prices up to 10,000." in listed.content.decode()
    page = client.get(reverse("admin:digitalstore_payments_provideritem_change", args=[item.pk]))
    assert "A book" in page.content.decode()

    change(product, price=2499)
    action = reverse("admin:digitalstore_payments_provideritem_reasoned", args=["sync"])
    for expected in (
        "brought to the provider",
        "Nothing differs that could be brought there without a buyer.",
    ):
        done = client.post(
            f"{action}?pk={item.pk}", {"pk": item.pk, "reason": "price was wrong"}, follow=True
        )
        (message,) = done.context["messages"]
        assert expected in str(message)
    assert shelf.on_sale() == {"A book": 2499}
