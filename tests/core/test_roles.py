"""Roles: who holds them, and what a host may add."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.test import RequestFactory, override_settings
from django.views.generic import TemplateView

from django_digitalstore.core.exceptions import InvalidRole, RoleRequired
from django_digitalstore.core.roles import CUSTOMER, SELLER, has_role, seller_permission
from django_digitalstore.core.views import RoleRequiredMixin

pytestmark = pytest.mark.django_db


def is_affiliate(user: Any) -> bool:
    """A host's own predicate."""
    return bool(user.email.startswith("affiliate"))


def test_every_active_user_is_a_customer(customer, staff, superuser):
    assert [has_role(user, CUSTOMER) for user in (customer, staff, superuser)] == [True] * 3


def test_a_visitor_has_no_role():
    assert not has_role(AnonymousUser(), CUSTOMER)
    assert not has_role(AnonymousUser(), SELLER)


def test_a_user_who_was_shut_out_has_no_role(seller):
    seller.is_active = False
    seller.save()
    assert not has_role(seller, CUSTOMER)
    assert not has_role(seller, SELLER)


def test_a_seller_holds_the_permission_and_staff_alone_do_not(customer, seller, staff):
    assert has_role(seller, SELLER)
    assert not has_role(customer, SELLER)
    assert not has_role(staff, SELLER)


@pytest.mark.parametrize(
    ("settings", "permission"),
    [
        ({"DIGITALSTORE_PRODUCT_MODEL": "library.Ebook"}, "library.sell_product"),
        ({"DIGITALSTORE_SELLER_PERMISSION": "press.may_sell"}, "press.may_sell"),
        ({"DIGITALSTORE_PRODUCT_MODEL": None, "DIGITALSTORE_STORE_APP": "x"}, "x.sell_product"),
    ],
)
def test_the_permission_is_the_products_unless_the_host_names_another(settings, permission):
    with override_settings(**settings):
        assert seller_permission() == permission


def test_a_host_adds_a_role_beside_ours(make_user):
    roles = {
        "customer": "django_digitalstore.core.roles.is_customer",
        "affiliate": "tests.core.test_roles.is_affiliate",
    }
    with override_settings(DIGITALSTORE_ROLES=roles):
        assert has_role(make_user("affiliate-1"), "affiliate")
        assert not has_role(make_user("ada"), "affiliate")


def test_a_role_that_nobody_defined_is_named():
    roles = {role: f"django_digitalstore.core.roles.is_{role}" for role in ("customer", "seller")}
    with override_settings(DIGITALSTORE_ROLES=roles), pytest.raises(InvalidRole) as error:
        has_role(AnonymousUser(), "librarian")
    assert str(error.value) == (
        "DIGITALSTORE_ROLES has no role 'librarian'; it knows 'customer', 'seller'. Write "
        "DIGITALSTORE_ROLES = {'librarian': 'dotted.path.to.predicate'}."
    )


def test_a_predicate_that_cannot_be_imported_is_named():
    with (
        override_settings(DIGITALSTORE_ROLES={"affiliate": "atelier.roles.is_affiliate"}),
        pytest.raises(InvalidRole) as error,
    ):
        has_role(AnonymousUser(), "affiliate")
    assert str(error.value) == (
        "DIGITALSTORE_ROLES['affiliate'] cannot be imported: No module named 'atelier'."
    )


class AffiliatePage(RoleRequiredMixin, TemplateView):
    role = "affiliate"
    template_name = "base.html"


def test_a_page_for_a_hosts_role_lets_its_holders_in_and_refuses_the_others(make_user):
    def visit(user: Any) -> Any:
        request = RequestFactory().get("/affiliates/")
        request.user = user
        return AffiliatePage.as_view()(request)

    with override_settings(DIGITALSTORE_ROLES={"affiliate": is_affiliate}):
        assert visit(make_user("affiliate-1")).status_code == 200
        with pytest.raises(RoleRequired) as error:
            visit(make_user("ada"))
    assert isinstance(error.value, PermissionDenied)
    assert str(error.value) == "This page is for the role “affiliate”."
