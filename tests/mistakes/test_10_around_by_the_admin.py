"""Mistake 10: the admin is used as a way around the rules."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.core.cache.backends.base import BaseCache
from django.test import override_settings
from django.urls import include, path

from django_digitalstore.catalog import get_product_model
from django_digitalstore.entitlements import (
    flows,
    get_grant_model,
    get_purchased_product_model,
    policies,
)
from django_digitalstore.entitlements.admin import (
    AbstractGrantAdmin,
    AbstractPurchasedProductAdmin,
)
from django_digitalstore.entitlements.sources import Source

pytestmark = [pytest.mark.django_db, pytest.mark.needs("payments")]

site = admin.AdminSite(name="admin")
site.register(get_user_model())
site.register(get_product_model())
site.register(get_purchased_product_model(), AbstractPurchasedProductAdmin)
site.register(get_grant_model(), AbstractGrantAdmin)
if apps.is_installed("django_digitalstore.payments"):
    from django_digitalstore.payments import get_order_model
    from django_digitalstore.payments.admin import AbstractOrderAdmin

    site.register(get_order_model(), AbstractOrderAdmin)

urlpatterns = [
    path("back/", site.urls),
    path("store/", include("django_digitalstore.urls")),
]


class DeadCache(BaseCache):
    """A cache server that is away."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def _away(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError("The cache is away.")

    add = get = set = touch = delete = clear = incr = _away


@pytest.fixture(autouse=True)
def urls() -> Any:
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.fixture
def purchase(customer: Any, product: Any) -> Any:
    return flows.grant_product(customer, product, source=Source("gift"))


def page(row: Any, rest: str = "") -> str:
    return f"/back/{row._meta.app_label}/{row._meta.model_name}/{rest}"


def test_nobody_adds_changes_or_deletes_access_by_a_form(
    client_of, superuser, purchase, customer, product
) -> None:
    client, grant = client_of(superuser), get_grant_model().objects.get()

    for row in (purchase, grant):
        for way in ("add/", f"{row.pk}/change/", f"{row.pk}/delete/"):
            answer = client.post(page(row, way), {"post": "yes", "expires_at_0": "2099-01-01"})
            assert answer.status_code == 403, way
        action = {"action": "delete_selected", ACTION_CHECKBOX_NAME: [row.pk], "post": "yes"}
        client.post(page(row), action)

    assert policies.has_access(customer, product)
    assert get_grant_model().objects.get().ended_at is None


def test_nobody_marks_an_order_paid_by_a_form(client_of, superuser, attempt) -> None:
    order = attempt.order
    client = client_of(superuser)

    form = {"email": "new@example.com", "status": "paid", "paid_at_0": "2026-01-01", "post": "yes"}

    answers = [
        client.post(page(order, way), form).status_code
        for way in ("add/", f"{order.pk}/change/", f"{order.pk}/delete/")
    ]

    assert answers == [403, 302, 403]
    order.refresh_from_db()
    assert (order.email, order.status, order.paid_at) == ("new@example.com", "pending", None)


@pytest.mark.parametrize("who", ["customer", "product"])
def test_deleting_a_user_or_a_product_is_no_way_to_delete_access(
    request, client_of, superuser, purchase, customer, product, who
) -> None:
    row = request.getfixturevalue(who)
    client = client_of(superuser)

    action = {"action": "delete_selected", ACTION_CHECKBOX_NAME: [row.pk], "post": "yes"}
    answers = [
        client.post(page(row, f"{row.pk}/delete/"), {"post": "yes"}),
        client.post(page(row), action),
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    for answer in answers:
        assert answer.context["protected"]
    assert policies.has_access(customer, product)


def test_access_is_not_revoked_without_a_reason(
    client_of, superuser, purchase, customer, product
) -> None:
    client = client_of(superuser)

    for reason in ({}, {"reason": ""}, {"reason": "   "}):
        answer = client.post(page(purchase, "do/revoke/"), {"pk": purchase.pk, **reason})
        assert answer.status_code == 200
        assert policies.has_access(customer, product)
    assert answer.context["form"].errors == {"reason": ["This field is required."]}
    assert not LogEntry.objects.exists()


def test_access_is_not_revoked_without_the_permission(
    client_of, staff, purchase, customer, product, make_user
) -> None:
    from django.contrib.auth.models import Permission

    staff.user_permissions.add(Permission.objects.get(codename="view_purchasedproduct"))
    client = client_of(staff)
    chosen, named = {"pk": purchase.pk}, {"user": customer.pk, "product": product.pk}

    for whom in (chosen, named):
        answer = client.post(page(purchase, "do/revoke/"), {**whom, "reason": "Why not."})
        assert answer.status_code == 403
    assert policies.has_access(customer, product)


def test_with_the_cache_down_staff_can_still_revoke_grant_and_see_why(
    client_of, superuser, purchase, customer, product
) -> None:
    client = client_of(superuser)
    dead = {"default": {"BACKEND": f"{__name__}.DeadCache"}}
    whom = {"user": customer.pk, "product": product.pk}

    with override_settings(CACHES=dead):
        client.post(page(purchase, "do/revoke/"), {**whom, "reason": "A chargeback."})
        assert not policies.has_access(customer, product)
        client.post(page(purchase, "do/restore/"), {**whom, "reason": "Settled."})
        assert policies.has_access(customer, product)
        now = get_purchased_product_model().objects.get()
        shown = client.get(page(now, f"{now.pk}/change/")).content.decode()

    assert "A chargeback." in shown
    assert "Settled." in shown
    assert [entry.user_id for entry in LogEntry.objects.all()] == [superuser.pk] * 2
    reasons = " ".join(entry.get_change_message() for entry in LogEntry.objects.all())
    assert "A chargeback." in reasons
    assert "Settled." in reasons
