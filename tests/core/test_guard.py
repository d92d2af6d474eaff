"""The guard: every way of writing with the ORM, on tables and on columns that only flows write."""

from __future__ import annotations

import copy
import importlib
import inspect
import json
import pickle
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth import get_user_model
from django.core import serializers
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection, models, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.models import F, ProtectedError
from django.db.models.signals import post_save, pre_delete, pre_save
from django.forms import modelform_factory, modelformset_factory
from django.http import HttpRequest
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext, isolate_apps
from django.utils import timezone

from django_digitalstore.core import guard
from django_digitalstore.core.exceptions import GuardedWrite
from django_digitalstore.core.guard import Guard, GuardedManager, GuardedModel, GuardedQuerySet
from django_digitalstore.entitlements import (
    flows,
    get_grant_model,
    get_purchased_product_model,
    policies,
)
from django_digitalstore.entitlements.sources import Source
from tests.projects.made import run_in_project

pytestmark = [pytest.mark.django_db, pytest.mark.needs("payments")]

# --- the world, and what the guard says ---------------------------------------------------------


def payment_models() -> Any:
    from django_digitalstore import payments

    return SimpleNamespace(
        Order=payments.get_order_model(),
        OrderLine=payments.get_order_line_model(),
        Payment=payments.get_payment_model(),
        Refund=payments.get_refund_model(),
        Dispute=payments.get_dispute_model(),
    )


@pytest.fixture
def world(customer: Any, other_customer: Any, product: Any, make_product: Any) -> Any:
    """A customer who owns something, and an order that is paid, partly refunded and disputed."""
    from django_digitalstore.payments.choices import DisputeState, PaymentState, RefundState
    from django_digitalstore.payments.events import (
        DisputeReported,
        PaymentReported,
        RefundReported,
    )
    from django_digitalstore.payments.flows import LineRequest, apply_events, start_checkout

    now = timezone.now()
    m = payment_models()
    second = make_product("Another book")
    start_checkout(customer, [LineRequest(second)], email="buyer@example.com")
    payment = m.Payment.objects.get()
    guard.update(payment, checkout_reference="chk_1", state=PaymentState.OPEN)
    apply_events(
        "default",
        [
            PaymentReported(
                payment="pay_1",
                occurred_at=now,
                checkout="chk_1",
                state=PaymentState.SUCCEEDED,
                amount=1999,
                currency="EUR",
            ),
            RefundReported(
                payment="pay_1",
                occurred_at=now,
                refund="ref_1",
                state=RefundState.PENDING,
                amount=1,
                currency="EUR",
            ),
            DisputeReported(
                payment="pay_1", occurred_at=now, dispute="dsp_1", state=DisputeState.WON
            ),
        ],
    )
    return SimpleNamespace(
        **vars(m),
        PurchasedProduct=get_purchased_product_model(),
        Grant=get_grant_model(),
        User=get_user_model(),
        user=customer,
        other=other_customer,
        product=product,
        purchase=flows.grant_product(customer, product, source=Source("gift")),
        grant=get_grant_model().objects.get(source_kind="gift"),
        order=m.Order.objects.get(),
        line=m.OrderLine.objects.get(),
        payment=m.Payment.objects.get(),
        refund=m.Refund.objects.get(),
        dispute=m.Dispute.objects.get(),
    )


def run_async(method: Callable[..., Any]) -> Callable[..., Any]:
    """Call an async method of the ORM from here."""

    async def call(*args: Any, **kwargs: Any) -> Any:
        return await method(*args, **kwargs)

    return async_to_sync(call)


def everything() -> list[dict[str, Any]]:
    """Return all rows of all guarded tables."""
    guarded = [get_purchased_product_model(), get_grant_model(), *vars(payment_models()).values()]
    return [row for model in guarded for row in model._base_manager.order_by("pk").values()]


APPLY = "report the fact by its provider's webhook, or call payments.flows.refresh_order(order)."
ENTITLED = (
    "In a test, call django_digitalstore.entitlements.testing.grant(user, product), or "
    "revoke(user, product) of the same module."
)
PAID = "In a test, call django_digitalstore.payments.testing"
ORDERED = f"{PAID}.paid_order(customer, product)."
PLACED = f"{PAID}.place_order(customer, product)."
ATTEMPTED = f"{PAID}.pay(place_order(customer, product))."
REFUNDED = f"{PAID}.refund(order)."
DISPUTED = f"{PAID}.dispute(order)."
INSTEAD = {
    ("PurchasedProduct", "insert"): (
        "Only entitlements.flows writes this; call entitlements.flows.grant_product(user, product, "
        f"source=…) instead. {ENTITLED}"
    ),
    ("PurchasedProduct", "delete"): (
        "Only entitlements.flows writes this; call entitlements.flows.revoke_product(user, "
        f"product, reason=…) instead. {ENTITLED}"
    ),
    ("PurchasedProduct", "update"): (
        "Only entitlements.flows writes this; call entitlements.flows.grant_product(…, source=…, "
        f"expires_at=…) instead. {ENTITLED}"
    ),
    ("Grant", "insert"): (
        "Only entitlements.flows writes this; call entitlements.flows.grant_product(user, product, "
        f"source=…) instead. {ENTITLED}"
    ),
    ("Grant", "delete"): (
        "Only entitlements.flows writes this; the ledger is never deleted: call "
        f"entitlements.flows.revoke_product(…, source=…). {ENTITLED}"
    ),
    ("Grant", "update"): (
        "Only entitlements.flows writes this; the ledger is never edited: call "
        f"entitlements.flows.revoke_product(…, source=…). {ENTITLED}"
    ),
    ("Order", "insert"): (
        "Only payments.flows writes this; call payments.flows.start_checkout(customer, lines, …) "
        f"instead. {ORDERED}"
    ),
    ("Order", "delete"): (
        f"Only payments.flows writes this; an order is kept whatever happens to it. {ORDERED}"
    ),
    ("Order", "update"): (
        "Only payments.flows writes this; an order's state follows from its payments, refunds and "
        "disputes. To give access by hand call entitlements.flows.grant_product(); otherwise "
        f"{APPLY} {ORDERED}"
    ),
    ("OrderLine", "insert"): (
        "Only payments.flows writes this; call payments.flows.start_checkout(customer, lines, …) "
        f"instead. {PLACED}"
    ),
    ("OrderLine", "delete"): (
        "Only payments.flows writes this; lines are frozen when the checkout starts: place another "
        f"order. {PLACED}"
    ),
    ("OrderLine", "update"): (
        "Only payments.flows writes this; lines are frozen when the checkout starts: place another "
        f"order. {PLACED}"
    ),
    ("Payment", "insert"): (
        "Only payments.flows writes this; call payments.flows.start_checkout(customer, lines, …) "
        f"instead. {ATTEMPTED}"
    ),
    ("Payment", "delete"): (
        f"Only payments.flows writes this; payments are facts and are kept. {ATTEMPTED}"
    ),
    ("Payment", "update"): f"Only payments.flows writes this; {APPLY} {ATTEMPTED}",
    ("Refund", "insert"): f"Only payments.flows writes this; {APPLY} {REFUNDED}",
    ("Refund", "delete"): (
        f"Only payments.flows writes this; refunds are facts and are kept. {REFUNDED}"
    ),
    ("Refund", "update"): f"Only payments.flows writes this; {APPLY} {REFUNDED}",
    ("Dispute", "insert"): f"Only payments.flows writes this; {APPLY} {DISPUTED}",
    ("Dispute", "delete"): (
        f"Only payments.flows writes this; disputes are facts and are kept. {DISPUTED}"
    ),
    ("Dispute", "update"): f"Only payments.flows writes this; {APPLY} {DISPUTED}",
}


def message(label: str, kind: str, what: str) -> str:
    from django.conf import settings

    app = settings.DIGITALSTORE_STORE_APP
    return f"{app}.{label}: {what} {INSTEAD[label, kind]}"


# --- every verb of every guarded table ------------------------------------------------------------

OBJECTS = {
    "PurchasedProduct": "purchase",
    "Grant": "grant",
    "Order": "order",
    "OrderLine": "line",
    "Payment": "payment",
    "Refund": "refund",
    "Dispute": "dispute",
}
#: A guarded column of each model, and a value that it doesn't have.
COLUMN: dict[str, tuple[str, Any]] = {
    "PurchasedProduct": ("expires_at", timezone.now() + timedelta(days=9999)),
    "Grant": ("ended_reason", "because"),
    "Order": ("status", "refunded"),
    "OrderLine": ("unit_price", 1),
    "Payment": ("state", "failed"),
    "Refund": ("state", "failed"),
    "Dispute": ("state", "lost"),
}


def values_of(row: Any) -> dict[str, Any]:
    return {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields}


def new_values(row: Any) -> dict[str, Any]:
    values = values_of(row)
    del values[row._meta.pk.attname]
    return values


VERBS: dict[str, tuple[str, str, Callable[[Any, str, Any], Any]]] = {
    # name: (kind, what the message begins with, the write)
    "save of a new row": (
        "insert",
        "save() would add a row.",
        lambda row, name, value: type(row)(**new_values(row)).save(),
    ),
    "save of a copy": (
        "insert",
        "save() would add a row.",
        lambda row, name, value: setattr(row, "pk", None) or row.save(),
    ),
    "save of a copy that says it is new": (
        "insert",
        "save() would add a row.",
        lambda row, name, value: (
            setattr(row, "pk", None) or setattr(row._state, "adding", True) or row.save()
        ),
    ),
    "save with force_insert": (
        "insert",
        "save() would add a row.",
        lambda row, name, value: row.save(force_insert=True),
    ),
    "save_base of a new row": (
        "insert",
        "save() would add a row.",
        lambda row, name, value: type(row)(**new_values(row)).save_base(raw=True),
    ),
    "create": (
        "insert",
        "save() would add a row.",
        lambda row, name, value: type(row).objects.create(**new_values(row)),
    ),
    "get_or_create": (
        "insert",
        "save() would add a row.",
        lambda row, name, value: type(row).objects.get_or_create(
            pk=10**6, defaults=new_values(row)
        ),
    ),
    "update_or_create of none": (
        "insert",
        "update_or_create() would add a row.",
        lambda row, name, value: type(row).objects.update_or_create(
            pk=10**6, create_defaults=new_values(row)
        ),
    ),
    "bulk_create": (
        "insert",
        "bulk_create() would add rows.",
        lambda row, name, value: type(row).objects.bulk_create([row]),
    ),
    "bulk_create over conflicts": (
        "insert",
        "bulk_create() would add rows.",
        lambda row, name, value: type(row).objects.bulk_create(
            [row], update_conflicts=True, update_fields=[name], unique_fields=["pk"]
        ),
    ),
    "asave of a new row": (
        "insert",
        "save() would add a row.",
        lambda row, name, value: run_async(type(row)(**new_values(row)).asave)(),
    ),
    "acreate": (
        "insert",
        "save() would add a row.",
        lambda row, name, value: run_async(type(row).objects.acreate)(**new_values(row)),
    ),
    "aget_or_create": (
        "insert",
        "save() would add a row.",
        lambda row, name, value: run_async(type(row).objects.aget_or_create)(
            pk=10**6, defaults=new_values(row)
        ),
    ),
    "abulk_create": (
        "insert",
        "bulk_create() would add rows.",
        lambda row, name, value: run_async(type(row).objects.abulk_create)([row]),
    ),
    "delete": (
        "delete",
        "delete() would remove a row.",
        lambda row, name, value: row.delete(),
    ),
    "delete of a queryset": (
        "delete",
        "delete() would remove rows.",
        lambda row, name, value: type(row).objects.filter(pk=row.pk).delete(),
    ),
    "adelete": (
        "delete",
        "delete() would remove a row.",
        lambda row, name, value: run_async(row.adelete)(),
    ),
    "adelete of a queryset": (
        "delete",
        "delete() would remove rows.",
        lambda row, name, value: run_async(type(row).objects.all().adelete)(),
    ),
    "update": (
        "update",
        "update() would write {name}.",
        lambda row, name, value: type(row).objects.update(**{name: value}),
    ),
    "update by an expression": (
        "update",
        "update() would write {name}.",
        lambda row, name, value: type(row).objects.all().update(**{name: F(name)}),
    ),
    "update of the key": (
        "update",
        "update() would write pk.",
        lambda row, name, value: type(row).objects.filter(pk=row.pk).update(pk=10**6),
    ),
    "aupdate": (
        "update",
        "update() would write {name}.",
        lambda row, name, value: run_async(type(row).objects.aupdate)(**{name: value}),
    ),
    "bulk_update": (
        "update",
        "bulk_update() would write {name}.",
        lambda row, name, value: type(row).objects.bulk_update([row], [name]),
    ),
    "abulk_update": (
        "update",
        "bulk_update() would write {name}.",
        lambda row, name, value: run_async(type(row).objects.abulk_update)(
            (r for r in [row]), (n for n in [name])
        ),
    ),
    "update_or_create": (
        "update",
        "update_or_create() would write {name}.",
        lambda row, name, value: type(row).objects.update_or_create(
            pk=row.pk, defaults={name: value}
        ),
    ),
    "aupdate_or_create": (
        "update",
        "update_or_create() would write {name}.",
        lambda row, name, value: run_async(type(row).objects.aupdate_or_create)(
            pk=row.pk, defaults={name: value}
        ),
    ),
    "save with update_fields": (
        "update",
        "save() would write {name}.",
        lambda row, name, value: row.save(update_fields=[name]),
    ),
    "asave with update_fields": (
        "update",
        "save() would write {name}.",
        lambda row, name, value: run_async(row.asave)(update_fields=[name]),
    ),
}
CHANGING: dict[str, Callable[[Any], Any]] = {
    "save": lambda row: row.save(),
    "asave": lambda row: run_async(row.asave)(),
    "save with force_update": lambda row: row.save(force_update=True),
    "save_base": lambda row: row.save_base(),
    "save_base as if raw": lambda row: row.save_base(raw=True),
    "save of a deepcopy": lambda row: copy.deepcopy(row).save(),
    "save of a copy.copy": lambda row: copy.copy(row).save(),
    "save of a pickled one": lambda row: pickle.loads(pickle.dumps(row)).save(),
}


@pytest.mark.parametrize("label", OBJECTS)
@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_of_the_orm_is_refused_and_told_which_flow_to_call(world: Any, label, verb) -> None:
    row, (name, value) = getattr(world, OBJECTS[label]), COLUMN[label]
    kind, what, write = VERBS[verb]
    before = everything()

    with pytest.raises(GuardedWrite) as refused:
        write(row, name, value)

    assert str(refused.value) == message(label, kind, what.format(name=name))
    assert everything() == before


@pytest.mark.parametrize("label", OBJECTS)
@pytest.mark.parametrize("how", CHANGING)
def test_a_changed_row_is_not_saved(world: Any, label: str, how: str) -> None:
    row, (name, value) = getattr(world, OBJECTS[label]), COLUMN[label]
    before = everything()
    setattr(row, name, value)

    with pytest.raises(GuardedWrite) as refused:
        CHANGING[how](row)

    whole = label in {"PurchasedProduct", "Grant"}
    what = "save() would change a row." if whole else f"save() would write {name}."
    assert str(refused.value) == message(label, "update", what)
    assert everything() == before


@pytest.mark.parametrize("label", ["PurchasedProduct", "Grant"])
def test_a_row_of_a_wholly_guarded_table_is_not_saved_even_unchanged(world: Any, label) -> None:
    with pytest.raises(GuardedWrite) as refused:
        getattr(world, OBJECTS[label]).save()

    assert str(refused.value) == message(label, "update", "save() would change a row.")


def test_an_expression_in_a_guarded_column_is_a_change(world: Any) -> None:
    world.order.total = F("total") - 1

    with pytest.raises(GuardedWrite) as refused:
        world.order.save()

    assert str(refused.value) == message("Order", "update", "save() would write total.")


def test_another_customer_is_a_change(world: Any) -> None:
    world.order.customer = world.other

    with pytest.raises(GuardedWrite) as refused:
        world.order.save()

    assert str(refused.value) == message("Order", "update", "save() would write customer.")


def test_a_json_column_that_is_changed_in_place_is_a_change(world: Any) -> None:
    world.payment.cart.append(["product:1", 1])

    with pytest.raises(GuardedWrite) as refused:
        world.payment.save()

    assert str(refused.value) == message("Payment", "update", "save() would write cart.")


def test_a_row_is_not_saved_over_another(world: Any) -> None:
    world.order.pk += 1

    with pytest.raises(GuardedWrite) as refused:
        world.order.save()

    assert str(refused.value) == message("Order", "update", "save() would write id.")


def test_a_row_made_by_hand_is_not_passed_off_as_loaded(world: Any) -> None:
    made = world.Payment(pk=world.payment.pk, order=world.order, state="succeeded", amount=1)
    made._state.adding = False

    with pytest.raises(GuardedWrite) as refused:
        made.save()

    assert str(refused.value) == message(
        "Payment",
        "update",
        "save() would write alias, amount, cart, checkout_expires_at, checkout_reference, "
        "checkout_url, created_at, currency, discount, discrepancy, failure, id, key, opening_at, "
        "order, provider_customer, provider_reference, reason, recorded_by, settlement_amount, "
        "settlement_currency, state, state_at, tax.",
    )


def test_a_guarded_attribute_is_forgotten_neither_by_reloading_another_nor_by_a_deferred_one(
    world: Any,
) -> None:
    order = world.Order.objects.defer("total").get()
    order.status = "refunded"
    order.refresh_from_db(fields=["email"])
    assert order.total == 1999  # loads it

    with pytest.raises(GuardedWrite) as refused:
        order.save()

    assert str(refused.value) == message("Order", "update", "save() would write status.")


def test_a_reloaded_row_can_be_saved_again(world: Any) -> None:
    world.order.status = "refunded"
    world.order.refresh_from_db()
    world.order.email = "new@example.com"
    world.order.save()

    assert world.Order.objects.get().email == "new@example.com"


# --- related managers ---------------------------------------------------------------------------

RELATED: dict[str, tuple[str, str, str, Callable[[Any], Any]]] = {
    "user.purchases.create": (
        "PurchasedProduct",
        "insert",
        "save() would add a row.",
        lambda w: purchases_of(w.other).create(product=w.product, granted_at=timezone.now()),
    ),
    "user.purchases.acreate": (
        "PurchasedProduct",
        "insert",
        "save() would add a row.",
        lambda w: run_async(purchases_of(w.other).acreate)(
            product=w.product, granted_at=timezone.now()
        ),
    ),
    "user.purchases.get_or_create": (
        "PurchasedProduct",
        "insert",
        "save() would add a row.",
        lambda w: purchases_of(w.other).get_or_create(
            product=w.product, defaults={"granted_at": timezone.now()}
        ),
    ),
    "user.purchases.update_or_create": (
        "PurchasedProduct",
        "insert",
        "update_or_create() would add a row.",
        lambda w: purchases_of(w.other).update_or_create(product=w.product),
    ),
    "user.purchases.bulk_create": (
        "PurchasedProduct",
        "insert",
        "bulk_create() would add rows.",
        lambda w: purchases_of(w.other).bulk_create([w.PurchasedProduct(product=w.product)]),
    ),
    "user.purchases.update": (
        "PurchasedProduct",
        "update",
        "update() would write user.",
        lambda w: purchases_of(w.user).update(user=w.other),
    ),
    "user.purchases.delete": (
        "PurchasedProduct",
        "delete",
        "delete() would remove rows.",
        lambda w: purchases_of(w.user).all().delete(),
    ),
    "user.purchases.add": (
        "PurchasedProduct",
        "update",
        "add() of a related manager would write user.",
        lambda w: purchases_of(w.other).add(w.purchase),
    ),
    "product.purchases.add": (
        "PurchasedProduct",
        "update",
        "add() of a related manager would write product.",
        lambda w: w.product.purchases.add(w.purchase),
    ),
    "product.purchases.add one by one": (
        "PurchasedProduct",
        "update",
        "add() of a related manager would write product.",
        lambda w: w.product.purchases.add(w.purchase, bulk=False),
    ),
    "product.purchases.aadd": (
        "PurchasedProduct",
        "update",
        "add() of a related manager would write product.",
        lambda w: run_async(w.product.purchases.aadd)(w.purchase),
    ),
    "product.purchases.set": (
        "PurchasedProduct",
        "update",
        "add() of a related manager would write product.",
        lambda w: w.product.purchases.set([*w.product.purchases.all(), *other_purchases(w)]),
    ),
    "product.grants.add": (
        "Grant",
        "update",
        "add() of a related manager would write product.",
        lambda w: w.product.grants.add(w.grant),
    ),
    "order.lines.create": (
        "OrderLine",
        "insert",
        "save() would add a row.",
        lambda w: w.order.lines.create(
            position=9, product=w.product, name="more", unit_price=1, total=1
        ),
    ),
    "order.lines.add": (
        "OrderLine",
        "update",
        "add() of a related manager would write order.",
        lambda w: w.order.lines.add(w.line),
    ),
    "order.payments.add": (
        "Payment",
        "update",
        "add() of a related manager would write order.",
        lambda w: w.order.payments.add(w.payment, bulk=False),
    ),
    "payment.refunds.add": (
        "Refund",
        "update",
        "add() of a related manager would write payment.",
        lambda w: w.payment.refunds.add(w.refund),
    ),
    "payment.refunds.remove": (
        "Refund",
        "update",
        "update() would write payment.",
        lambda w: w.payment.refunds.remove(w.refund),
    ),
    "payment.refunds.remove one by one": (
        "Refund",
        "update",
        "save() would write payment.",
        lambda w: w.payment.refunds.remove(w.refund, bulk=False),
    ),
    "payment.refunds.clear": (
        "Refund",
        "update",
        "update() would write payment.",
        lambda w: w.payment.refunds.clear(),
    ),
    "payment.refunds.set to none": (
        "Refund",
        "update",
        "update() would write payment.",
        lambda w: w.payment.refunds.set([]),
    ),
    "payment.disputes.clear one by one": (
        "Dispute",
        "update",
        "save() would write payment.",
        lambda w: w.payment.disputes.clear(bulk=False),
    ),
}


def purchases_of(user: Any) -> Any:
    relation = get_purchased_product_model()._meta.get_field("user").remote_field
    return getattr(user, relation.get_accessor_name())


def other_purchases(world: Any) -> Any:
    return world.PurchasedProduct.objects.exclude(product=world.product)


@pytest.mark.parametrize("path", RELATED)
def test_a_related_manager_is_refused(world: Any, path: str) -> None:
    label, kind, what, write = RELATED[path]
    before = everything()

    with pytest.raises(GuardedWrite) as refused, transaction.atomic():
        write(world)

    assert str(refused.value) == message(label, kind, what)
    assert everything() == before


def test_what_guarded_rows_point_at_is_not_deleted_below_them(world: Any) -> None:
    before = everything()

    for target in (world.user, world.product, world.User.objects.filter(pk=world.user.pk)):
        with pytest.raises(ProtectedError):
            target.delete()

    assert everything() == before


# --- forms and the admin ------------------------------------------------------------------------


def test_a_model_form_that_changes_a_guarded_column_is_refused(world: Any) -> None:
    form = modelform_factory(world.Order, fields=["email", "status"])(
        {"email": "new@example.com", "status": "refunded"}, instance=world.order
    )
    assert form.is_valid(), form.errors

    with pytest.raises(GuardedWrite) as refused:
        form.save()

    assert str(refused.value) == message("Order", "update", "save() would write status.")


def test_a_formset_that_adds_a_purchase_is_refused(world: Any) -> None:
    formset = modelformset_factory(
        world.PurchasedProduct, fields=["user", "product", "granted_at"]
    )(
        {
            "form-TOTAL_FORMS": "1",
            "form-INITIAL_FORMS": "0",
            "form-0-user": str(world.other.pk),
            "form-0-product": str(world.product.pk),
            "form-0-granted_at": "2026-01-01",
        },
        queryset=world.PurchasedProduct.objects.none(),
    )
    assert formset.is_valid(), formset.errors

    with pytest.raises(GuardedWrite) as refused:
        formset.save()

    assert str(refused.value) == message("PurchasedProduct", "insert", "save() would add a row.")


def test_a_formset_that_deletes_a_line_is_refused(world: Any) -> None:
    formset = modelformset_factory(world.OrderLine, fields=["name"], can_delete=True)(
        {
            "form-TOTAL_FORMS": "1",
            "form-INITIAL_FORMS": "1",
            "form-0-id": str(world.line.pk),
            "form-0-name": world.line.name,
            "form-0-DELETE": "on",
        },
        queryset=world.OrderLine.objects.all(),
    )
    assert formset.is_valid(), formset.errors

    with pytest.raises(GuardedWrite) as refused:
        formset.save()

    assert str(refused.value) == message("OrderLine", "delete", "delete() would remove a row.")


class HostSite(admin.AdminSite):
    """A host's own admin site."""


def plain_admin(model: Any, **attributes: Any) -> Any:
    return type("PlainAdmin", (admin.ModelAdmin,), attributes)(model, HostSite())


def post(user: Any, data: dict[str, Any]) -> HttpRequest:
    request = RequestFactory().post("/", data)
    request.user = user
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
    request._messages = SimpleNamespace(add=lambda *a, **k: None)  # type: ignore[attr-defined]
    return request


def test_a_plain_admin_adds_no_purchase(world: Any, superuser: Any) -> None:
    page = plain_admin(world.PurchasedProduct, fields=["user", "product", "granted_at"])
    data = {
        "user": world.other.pk,
        "product": world.product.pk,
        "granted_at_0": "2026-01-01",
        "granted_at_1": "12:00",
    }

    with pytest.raises(GuardedWrite) as refused:
        page.add_view(post(superuser, data))

    assert str(refused.value) == message("PurchasedProduct", "insert", "save() would add a row.")


def test_a_plain_admin_changes_no_state(world: Any, superuser: Any) -> None:
    page = plain_admin(world.Order, fields=["email", "status"])
    data = {"email": "new@example.com", "status": "failed"}

    with pytest.raises(GuardedWrite) as refused:
        page.change_view(post(superuser, data), str(world.order.pk))

    assert str(refused.value) == message("Order", "update", "save() would write status.")


def test_a_plain_admin_deletes_no_row(world: Any, superuser: Any) -> None:
    page = plain_admin(world.PurchasedProduct)
    before = everything()

    with pytest.raises(GuardedWrite) as refused:
        page.delete_view(post(superuser, {"post": "yes"}), str(world.purchase.pk))
    assert str(refused.value) == message(
        "PurchasedProduct", "delete", "delete() would remove a row."
    )

    data = {"action": "delete_selected", ACTION_CHECKBOX_NAME: [world.purchase.pk], "post": "yes"}
    with pytest.raises(GuardedWrite) as refused:
        page.changelist_view(post(superuser, data))
    assert str(refused.value) == message(
        "PurchasedProduct", "delete", "delete() would remove rows."
    )
    assert everything() == before


# --- a stale row --------------------------------------------------------------------------------


@pytest.fixture
def stale(customer: Any, product: Any) -> Any:
    """An order and its payment as they were before the webhook came."""
    from django_digitalstore.payments.events import PaymentReported
    from django_digitalstore.payments.flows import LineRequest, apply_events, start_checkout

    m = payment_models()
    start_checkout(customer, [LineRequest(product)], email="buyer@example.com")
    guard.update(m.Payment.objects.get(), checkout_reference="chk_1", state="open")
    before = SimpleNamespace(order=m.Order.objects.get(), payment=m.Payment.objects.get())
    before.line = m.OrderLine.objects.get()
    apply_events(
        "default",
        [
            PaymentReported(
                payment="pay_1",
                occurred_at=timezone.now(),
                checkout="chk_1",
                state="succeeded",
                amount=1999,
                currency="EUR",
            )
        ],
    )
    assert m.Order.objects.get().status == "paid"
    return before


def save_form(order: Any) -> None:
    form = modelform_factory(type(order), fields=["email"])({"email": order.email}, instance=order)
    assert form.is_valid()
    form.save()


def save_in_admin(order: Any) -> None:
    user = get_user_model()(is_superuser=True, is_staff=True)
    page = plain_admin(type(order), fields=["email"])
    form = page.get_form(post(user, {}), order, change=True)({"email": order.email}, instance=order)
    assert form.is_valid()
    page.save_model(post(user, {}), page.save_form(post(user, {}), form, change=True), form, True)


def save_deferred(order: Any) -> None:
    email = order.email
    for partial in (
        type(order).objects.defer("email", "status").get(),
        type(order).objects.only("email", "customer", "status").get(),
    ):
        guard.update(partial, status="pending", paid_at=None)  # a stale value in memory
        guard.update(type(order).objects.all(), status="paid", paid_at=timezone.now())
        partial.email = email
        partial.save()


STALE: dict[str, Callable[[Any], Any]] = {
    "save()": lambda order: order.save(),
    "save() of a copy": lambda order: copy.deepcopy(order).save(),
    "asave()": lambda order: run_async(order.asave)(),
    "save(update_fields)": lambda order: order.save(update_fields=["email"]),
    "a ModelForm": save_form,
    "the admin": save_in_admin,
    "bulk_update": lambda order: type(order).objects.bulk_update([order], ["email"]),
    "deferred rows": save_deferred,
    "update_or_create": lambda order: type(order).objects.update_or_create(
        public_id=order.public_id, defaults={"email": order.email}
    ),
}


@pytest.mark.parametrize("how", STALE)
def test_a_stale_order_is_not_unpaid_and_its_own_columns_are_written(stale: Any, how: str) -> None:
    stale.order.email = "new@example.com"

    with CaptureQueriesContext(
        connection,
    ) as queries:
        STALE[how](stale.order)

    order = type(stale.order).objects.get()
    assert (order.status, order.email) == ("paid", "new@example.com")
    assert order.paid_at is not None
    if how != "deferred rows":  # that one arranges its stale rows by UPDATE itself
        updates = [q["sql"] for q in queries if q["sql"].startswith("UPDATE")]
        assert len(updates) == 1
        from django_digitalstore.payments.abstract_models import AbstractOrder

        ours = {field.name for field in AbstractOrder._meta.local_fields}
        own = {field.name for field in order._meta.concrete_fields} - ours
        assert set(columns_of(updates[0], order)) - own == {"email"}


def columns_of(update: str, row: Any) -> list[str]:
    """Return the columns that an UPDATE of the row's table sets."""
    written = update.split(" SET ", 1)[1].split(" WHERE ", 1)[0]
    columns = re.findall(r'(?:^|, )["`](\w+)["`] = ', written)
    return [f.name for f in row._meta.concrete_fields if f.column in columns]


@pytest.mark.parametrize("name", ["payment", "line"])
def test_a_stale_row_whose_columns_are_all_guarded_writes_nothing(stale: Any, name: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        getattr(stale, name).save()

    assert [q["sql"] for q in queries if not q["sql"].startswith("SELECT")] == []
    assert type(stale.payment).objects.get().state == "succeeded"


# --- inside a flow ------------------------------------------------------------------------------


@pytest.fixture
def connected() -> Iterator[Callable[..., None]]:
    """Connect a receiver of the host for one test."""
    receivers: list[tuple[Any, Any, Any]] = []

    def connect(signal: Any, receiver: Any, sender: Any) -> None:
        signal.connect(receiver, sender=sender, weak=False)
        receivers.append((signal, receiver, sender))

    yield connect
    for signal, receiver, sender in receivers:
        signal.disconnect(receiver, sender=sender)


def closed(writes: dict[str, Callable[[], Any]], seen: list[str]) -> None:
    for name, write in writes.items():
        with pytest.raises(GuardedWrite):
            write()
        seen.append(name)


def writes_of(instance: Any, other: Any) -> dict[str, Callable[[], Any]]:
    """Return what a host might write while a flow writes ``instance``."""
    model = type(instance)
    return {
        "another row": lambda: model(
            user=other, product=instance.product, granted_at=timezone.now()
        ).save(),
        "create": lambda: model.objects.create(
            user=other, product=instance.product, granted_at=timezone.now()
        ),
        "the same row again": lambda: model.save_base(copy.copy(instance)),
        "update": lambda: model.objects.update(expires_at=None),
        "delete": lambda: model.objects.all().delete(),
        "an order": lambda: payment_models().Order.objects.update(status="paid"),
    }


@pytest.mark.parametrize("signal", [pre_save, post_save], ids=["pre_save", "post_save"])
def test_a_receiver_inside_a_flow_meets_the_guard_closed(
    signal, connected, customer, other_customer, product
) -> None:
    seen: list[str] = []

    def receiver(instance: Any, **kwargs: Any) -> None:
        closed(writes_of(instance, other_customer), seen)

    connected(signal, receiver, get_purchased_product_model())
    flows.grant_product(customer, product, source=Source("gift"))

    assert seen == ["another row", "create", "the same row again", "update", "delete", "an order"]
    assert policies.has_access(customer, product)
    assert get_purchased_product_model().objects.count() == 1


def test_a_receiver_of_a_deletion_inside_a_flow_meets_the_guard_closed(
    connected, customer, other_customer, product
) -> None:
    seen: list[str] = []
    flows.grant_product(customer, product, source=Source("gift"))
    flows.grant_product(other_customer, product, source=Source("gift"))

    def receiver(instance: Any, **kwargs: Any) -> None:
        others = type(instance).objects.exclude(pk=instance.pk)
        closed({"other": lambda: others.get().delete(), "own": lambda: instance.delete()}, seen)

    connected(pre_delete, receiver, get_purchased_product_model())
    flows.revoke_product(customer, product, reason="a test")

    assert seen == ["other", "own"]
    assert not policies.has_access(customer, product)
    assert policies.has_access(other_customer, product)


def test_a_hosts_save_inside_a_flow_meets_the_guard_closed_and_its_own_row_is_written(
    monkeypatch, customer, other_customer, product
) -> None:
    seen: list[str] = []
    model = get_purchased_product_model()
    inherited = model.save

    def save(self: Any, *args: Any, **kwargs: Any) -> None:
        if self.user_id != customer.pk:  # what is written from in here
            return inherited(self, *args, **kwargs)
        writes = writes_of(self, other_customer)
        del writes["the same row again"]
        closed(writes, seen)
        inherited(self, *args, **kwargs)
        closed(writes_of(self, other_customer), seen)
        return None

    monkeypatch.setattr(model, "save", save)
    flows.grant_product(customer, product, source=Source("gift"))

    assert len(seen) == 11
    assert policies.has_access(customer, product)
    assert model.objects.count() == 1


def test_a_hosts_save_that_saves_twice_is_refused_the_second_time(
    monkeypatch, customer, product
) -> None:
    model = get_purchased_product_model()
    inherited = model.save

    def save(self: Any, *args: Any, **kwargs: Any) -> None:
        inherited(self, *args, **kwargs)
        inherited(self)

    monkeypatch.setattr(model, "save", save)
    with pytest.raises(GuardedWrite) as refused:
        flows.grant_product(customer, product, source=Source("gift"))

    assert str(refused.value) == message("PurchasedProduct", "update", "save() would change a row.")
    assert not policies.has_access(customer, product)


def test_a_receiver_may_not_change_what_a_flow_writes(connected, customer, product) -> None:
    def prolong(instance: Any, **kwargs: Any) -> None:
        instance.expires_at = None

    connected(pre_save, prolong, get_purchased_product_model())
    with pytest.raises(GuardedWrite) as refused:
        flows.grant_product(
            customer,
            product,
            source=Source("trial"),
            expires_at=timezone.now() + timedelta(days=1),
        )

    assert str(refused.value) == message(
        "PurchasedProduct",
        "update",
        "a save() of the model or a receiver of pre_save changed expires_at inside a flow.",
    )
    assert not get_purchased_product_model()._base_manager.exists()


def test_a_hosts_save_may_not_change_what_a_flow_writes(monkeypatch, customer, product) -> None:
    from django_digitalstore.payments.flows import LineRequest, start_checkout

    order = payment_models().Order
    inherited = order.save

    def save(self: Any, *args: Any, **kwargs: Any) -> None:
        self.total, self.subtotal, self.email = 1, 1, "own@example.com"
        inherited(self, *args, **kwargs)

    monkeypatch.setattr(order, "save", save)
    with pytest.raises(GuardedWrite) as refused:
        start_checkout(customer, [LineRequest(product)], email="buyer@example.com")

    assert str(refused.value) == message(
        "Order",
        "update",
        "a save() of the model or a receiver of pre_save changed subtotal, total inside a flow.",
    )


def test_the_door_is_closed_behind_a_flow_that_failed(monkeypatch, customer, product) -> None:
    model = get_purchased_product_model()
    row = model(user=customer, product=product, granted_at=timezone.now())

    def save(self: Any, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError("The host's own.")

    with monkeypatch.context() as patch:
        patch.setattr(model, "save", save)
        with pytest.raises(RuntimeError):
            guard.insert(row)
    with pytest.raises(GuardedWrite):
        row.save()


# --- what stays open ----------------------------------------------------------------------------


def to_the_millisecond(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            name: value.replace(microsecond=value.microsecond // 1000 * 1000)
            if isinstance(value, datetime)
            else value
            for name, value in row.items()
        }
        for row in rows
    ]


def test_dumped_data_can_be_loaded_again(world: Any, tmp_path: Any) -> None:
    label = world.PurchasedProduct._meta.app_label
    names = ["purchasedproduct", "grant", "order", "orderline", "payment", "refund", "dispute"]
    before = to_the_millisecond(everything())  # as far as JSON goes
    file = tmp_path / "store.json"
    call_command("dumpdata", *(f"{label}.{name}" for name in names), output=str(file), verbosity=0)
    for model in (
        "Refund",
        "Dispute",
        "Payment",
        "OrderLine",
        "Order",
        "Grant",
        "PurchasedProduct",
    ):
        getattr(world, model)._base_manager.all().delete()

    call_command("loaddata", str(file), verbosity=0)

    assert to_the_millisecond(everything()) == before
    assert len(json.loads(file.read_text())) == len(before) == 9
    for item in serializers.deserialize("json", file.read_text()):
        item.save()  # over what is there
    assert to_the_millisecond(everything()) == before


def test_historical_models_write_freely(world: Any) -> None:
    label = world.PurchasedProduct._meta.app_label
    loader = MigrationLoader(connection)
    apps = loader.project_state(loader.graph.leaf_nodes()).apps
    order = apps.get_model(label, "Order").objects.get()
    purchases = apps.get_model(label, "PurchasedProduct").objects

    order.status = "refunded"
    order.save()
    apps.get_model(label, "Order").objects.update(attention="")
    purchases.all().delete()
    purchases.create(user_id=world.user.pk, product_id=world.product.pk, granted_at=timezone.now())

    assert type(purchases) is models.Manager
    assert world.Order.objects.get().status == "refunded"
    assert world.PurchasedProduct.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_tables_of_a_test_database_can_be_flushed(world: Any) -> None:
    call_command("flush", interactive=False, verbosity=0)

    assert everything() == []


# --- a host's own columns, managers and keys ----------------------------------------------------


def host_guard(columns: set[str] | None) -> Guard:
    return Guard(
        owner="invoices.flows",
        insert="call invoices.flows.issue().",
        delete="invoices are kept.",
        update="call invoices.flows.correct().",
        testing="invoices.testing.make_invoice()",
        columns=None if columns is None else frozenset(columns),
    )


@pytest.fixture
def Invoice(transactional_db: None) -> Iterator[Any]:
    """A concrete model with guarded columns (tax, number) and with columns of the host's own."""
    with isolate_apps("django_digitalstore.core"):

        class AbstractInvoice(GuardedModel):
            guard = host_guard({"tax", "number"})
            tax = models.IntegerField()
            number = models.IntegerField()
            objects = GuardedManager()

            class Meta:
                abstract = True
                app_label = "digitalstore_core"

        class Invoice(AbstractInvoice):
            tax_id = models.CharField(max_length=20)  # the buyer's number, no key to a tax
            touched_at = models.DateTimeField(auto_now=True)

            class Meta:
                app_label = "digitalstore_core"

        with connection.schema_editor() as editor:
            editor.create_model(Invoice)
        try:
            yield Invoice
        finally:
            with connection.schema_editor() as editor:
                editor.delete_model(Invoice)


def test_a_hosts_own_columns_are_written_by_every_verb(Invoice: Any) -> None:
    invoice = guard.insert(Invoice(tax=1, number=1, tax_id="a"))
    touched = invoice.touched_at

    invoice.tax_id = "b"
    invoice.save()
    assert (Invoice.objects.get().tax_id, Invoice.objects.get().touched_at > touched) == ("b", True)
    Invoice.objects.update(tax_id="c")
    assert Invoice.objects.get().tax_id == "c"
    invoice.tax_id = "d"
    Invoice.objects.bulk_update([invoice], ["tax_id"])
    assert Invoice.objects.get().tax_id == "d"
    found, created = Invoice.objects.update_or_create(number=1, defaults={"tax_id": lambda: "e"})
    assert (found.tax_id, created) == ("e", False)
    invoice = Invoice.objects.only("tax_id").get()
    invoice.tax_id = "f"
    invoice.save(update_fields=["tax_id"])
    assert list(Invoice.objects.values_list("tax", "number", "tax_id")) == [(1, 1, "f")]


def test_a_hosts_save_may_fill_its_own_columns_inside_a_flow(Invoice: Any, monkeypatch) -> None:
    inherited = Invoice.save

    def save(self: Any, *args: Any, **kwargs: Any) -> None:
        self.tax_id = "filled"
        inherited(self, *args, **kwargs)

    monkeypatch.setattr(Invoice, "save", save)
    guard.insert(Invoice(tax=1, number=1))

    assert Invoice.objects.get().tax_id == "filled"


def test_a_flows_update_of_one_column_does_not_bless_a_change_of_another(Invoice: Any) -> None:
    invoice = guard.insert(Invoice(tax=1, number=1))
    invoice.number = 7
    guard.update(invoice, tax=2)

    with pytest.raises(GuardedWrite) as refused:
        invoice.save()

    assert str(refused.value) == (
        "digitalstore_core.Invoice: save() would write number. Only invoices.flows writes this; "
        "call invoices.flows.correct(). In a test, call invoices.testing.make_invoice()."
    )


def test_a_guarded_manager_takes_no_queryset_that_is_not_guarded() -> None:
    class PlainQuerySet(models.QuerySet):
        pass

    PlainQuerySet.__qualname__ = "PlainQuerySet"

    with pytest.raises(ImproperlyConfigured) as refused:
        GuardedManager.from_queryset(PlainQuerySet)

    assert str(refused.value) == (
        "GuardedManagerFromPlainQuerySet is a guarded manager, but its queryset PlainQuerySet is "
        "not guarded: it would let anybody write what only flows may write. Derive PlainQuerySet "
        "from django_digitalstore.core.guard.GuardedQuerySet, or from the queryset of the abstract "
        "model."
    )


@isolate_apps("django_digitalstore.core")
def test_a_second_manager_that_is_not_guarded_is_named_by_a_check() -> None:
    class Invoice(GuardedModel):
        guard = host_guard(None)
        objects = GuardedManager()
        everything = models.Manager()

        class Meta:
            app_label = "digitalstore_core"

    class Report(Invoice):
        plain = models.Manager()

        class Meta:
            proxy = True
            app_label = "digitalstore_core"

    def told(model: Any) -> list[tuple[str, str, str]]:
        return [
            (error.id, error.msg, error.hint)
            for error in model.check(databases=None)
            if error.id == "digitalstore.E010"
        ]

    text = (
        "is a manager that is not guarded: it would let anybody write what only invoices.flows "
        "writes."
    )
    hint = (
        "Derive it from the manager of the abstract model, or from "
        "django_digitalstore.core.guard.GuardedManager."
    )
    assert told(Invoice) == [
        ("digitalstore.E010", f"digitalstore_core.Invoice.everything {text}", hint)
    ]
    assert [msg for _, msg, _ in told(Report)] == [
        f"digitalstore_core.Report.{name} {text}" for name in ("plain", "everything")
    ]


@isolate_apps("django_digitalstore.core")
def test_a_key_that_would_delete_guarded_rows_is_named_by_a_check() -> None:
    class Campaign(models.Model):
        class Meta:
            app_label = "digitalstore_core"

    class Invoice(GuardedModel):
        guard = host_guard({"number", "payer"})
        number = models.IntegerField()
        payer = models.ForeignKey(Campaign, models.SET_NULL, null=True, related_name="+")
        campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+")
        source = models.ForeignKey(Campaign, models.SET_NULL, null=True, related_name="+")
        objects = GuardedManager()

        class Meta:
            app_label = "digitalstore_core"

    told = [
        (error.id, error.msg, error.hint)
        for error in Invoice.check(databases=None)
        if error.id == "digitalstore.E011"
    ]

    text = "deleting what it points at would write rows that only invoices.flows writes."
    hint = "Write on_delete=models.PROTECT."
    assert told == [
        (
            "digitalstore.E011",
            f"digitalstore_core.Invoice.payer has on_delete=SET_NULL: {text}",
            hint,
        ),
        (
            "digitalstore.E011",
            f"digitalstore_core.Invoice.campaign has on_delete=CASCADE: {text}",
            hint,
        ),
    ]


def test_the_querysets_of_all_guarded_models_are_guarded(world: Any) -> None:
    for label in OBJECTS:
        model = getattr(world, label)
        assert isinstance(model._default_manager, GuardedManager)
        assert isinstance(model._default_manager.all(), GuardedQuerySet)
        assert not model._default_manager.use_in_migrations


# --- what it says to whom -------------------------------------------------------------------------


def test_a_running_site_hears_nothing_of_tests(tmp_path: Path) -> None:
    code = (
        "from django_digitalstore.entitlements import get_purchased_product_model as of\n"
        "try: of()().save()\n"
        "except Exception as refused: print(refused)"
    )
    done = run_in_project(
        "full_store", "shell", "-v0", "-c", code, database=tmp_path / "site.sqlite3"
    )
    assert done.stdout.strip() == (
        "shop.PurchasedProduct: save() would add a row. Only entitlements.flows writes this; call "
        "entitlements.flows.grant_product(user, product, source=…) instead."
    ), done.stderr


def test_a_test_run_is_what_django_set_up_for_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    model = get_purchased_product_model()
    for in_tests in (True, False):
        if not in_tests:
            monkeypatch.delattr("django.test.utils._TestState.saved_data")
        with pytest.raises(GuardedWrite) as refused:
            model().save()
        assert ("In a test, call" in str(refused.value)) is in_tests


def test_the_functions_that_tests_are_told_to_call_exist() -> None:
    told = {m.guard.testing for m in apps.get_models() if issubclass(m, GuardedModel)}
    assert len(told) > 5
    for text in told:
        module = importlib.import_module(re.match(r"[\w.]+(?=\.\w+\()", text)[0])
        for name, given in re.findall(r"(\w+)\(([\w, ]*)\)", text):
            inspect.signature(getattr(module, name)).bind(*given.split(", "))
