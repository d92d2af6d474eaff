"""Mistake 1: access is given without a ``PurchasedProduct``."""

from __future__ import annotations

import pytest
from django.template import Context, Template
from django.utils import timezone

from django_digitalstore.catalog.fields import PrivateFileHasNoUrl
from django_digitalstore.core.exceptions import GuardedWrite
from django_digitalstore.entitlements import get_purchased_product_model, policies

pytestmark = [pytest.mark.django_db, pytest.mark.needs("payments")]

MARKED_PAID = (
    "{app}.Order: {verb} would write {columns}. Only payments.flows writes this; an order's state "
    "follows from its payments, refunds and disputes. To give access by hand call "
    "entitlements.flows.grant_product(); otherwise report the fact by its provider's webhook, or "
    "call payments.flows.refresh_order(order). In a test, call "
    "django_digitalstore.payments.testing.paid_order(customer, product)."
)


def test_an_order_is_marked_paid_by_hand(attempt, app, customer, product) -> None:
    order = attempt.order
    order.status = "paid"
    order.paid_at = timezone.now()
    with pytest.raises(GuardedWrite) as stopped:
        order.save()
    assert str(stopped.value) == MARKED_PAID.format(
        app=app, verb="save()", columns="paid_at, status"
    )

    with pytest.raises(GuardedWrite) as stopped:
        type(order).objects.filter(pk=order.pk).update(status="paid", paid_at=timezone.now())
    assert str(stopped.value) == MARKED_PAID.format(
        app=app, verb="update()", columns="paid_at, status"
    )
    order.refresh_from_db()
    assert order.status == "pending"
    assert not policies.has_access(customer, product)


def test_a_purchase_is_made_by_hand(app, customer, product) -> None:
    model = get_purchased_product_model()

    with pytest.raises(GuardedWrite) as stopped:
        model.objects.create(user=customer, product=product, granted_at=timezone.now())

    assert str(stopped.value) == (
        f"{app}.PurchasedProduct: save() would add a row. Only entitlements.flows writes this; "
        "call entitlements.flows.grant_product(user, product, source=…) instead. In a test, call "
        "django_digitalstore.entitlements.testing.grant(user, product), or "
        "revoke(user, product) of the same module."
    )
    assert not policies.has_access(customer, product)


IS_PAID = (
    "{app}.Order.is_paid does not exist, because payment is not access. Ask "
    "entitlements.policies.has_access(user, product), or read order.status for the books."
)


def test_a_view_asks_whether_the_order_is_paid(attempt, app) -> None:
    with pytest.raises(AttributeError) as stopped:
        _ = attempt.order.is_paid

    assert str(stopped.value) == IS_PAID.format(app=app)


@pytest.mark.parametrize(
    "text",
    [
        "{{ order.is_paid }}",
        "{% if order.is_paid %}the file{% endif %}",
        "{{ order.is_paid|yesno }}",
        "{% with paid=order.is_paid %}{{ paid }}{% endwith %}",
    ],
)
def test_a_template_asks_whether_the_order_is_paid(attempt, app, text) -> None:
    with pytest.raises(AttributeError) as stopped:
        Template(text).render(Context({"order": attempt.order}))

    assert str(stopped.value) == IS_PAID.format(app=app)


@pytest.mark.parametrize("condition", ["order.is_paid and user", "order.is_paid == True"])
def test_where_django_swallows_errors_the_template_shows_nothing(attempt, condition) -> None:
    page = Template(f"{{% if {condition} %}}the file{{% endif %}}")

    assert page.render(Context({"order": attempt.order, "user": "ada"})) == ""


URL = (
    "{app}.Asset.file.url: a sold file has no URL, since whoever has the URL has the file. Link to "
    "your subclass of GenericDownloadLinkView, which asks entitlements.policies.has_access()."
)


def test_a_page_links_to_the_file(asset, app) -> None:
    with pytest.raises(PrivateFileHasNoUrl) as stopped:
        _ = asset.file.url
    assert str(stopped.value) == URL.format(app=app)

    with pytest.raises(PrivateFileHasNoUrl) as stopped:
        Template("{{ asset.file.url }}").render(Context({"asset": asset}))
    assert str(stopped.value) == URL.format(app=app)


def test_the_storage_is_asked_past_the_field(asset) -> None:
    storage = asset.file.storage

    with pytest.raises(ValueError) as stopped:
        storage.url(asset.file.name)

    assert str(stopped.value) == (
        "PrivateFileSystemStorage has no URLs. Give the file to its owner through the download "
        "view (django_digitalstore.entitlements.views.GenericDownloadView)."
    )
