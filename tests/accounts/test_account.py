"""One's own account: whose it is, what cannot be changed there, and the session that stays."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.urls import reverse

from django_digitalstore.accounts.abstract_models import RoleFlagsMixin
from django_digitalstore.accounts.forms import name_fields
from django_digitalstore.accounts.roles import has_customer_flag, has_seller_flag
from django_digitalstore.accounts.testing import PASSWORD, make_user
from django_digitalstore.core.roles import has_role
from tests.accounts import pages

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.urls")]


def url(name: str) -> str:
    return reverse(f"{pages.STORE}:{name}")


def messages_of(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


@pytest.mark.parametrize("page", ["profile", "password", "seller_profile"])
def test_a_visitor_logs_in_and_comes_back(client, page):
    for answer in (client.get(url(page)), client.post(url(page), {"email": "x@example.com"})):
        assert answer.status_code == 302
        assert answer["Location"] == f"/accounts/login/?next={url(page)}"


def test_the_sellers_page_is_not_for_customers(client_of, customer, seller):
    assert client_of(customer).get(url("seller_profile")).status_code == 403
    assert client_of(seller).get(url("seller_profile")).status_code == 200


def test_people_change_themselves_and_nobody_else(client_of, customer, other_customer):
    fields = {
        "email": "new@example.com",
        "id": str(other_customer.pk),
        "pk": str(other_customer.pk),
        "is_staff": "on",
        "is_superuser": "on",
        "is_seller": "on",
    }
    answer = client_of(customer).post(url("profile"), fields, follow=True)
    assert answer.redirect_chain == [(url("profile"), 302)]
    assert messages_of(answer) == ["Your changes are saved."]
    before = other_customer.email
    customer.refresh_from_db()
    other_customer.refresh_from_db()
    assert (customer.email, customer.is_staff, customer.is_superuser) == (
        "new@example.com",
        False,
        False,
    )
    assert other_customer.email == before


def test_what_was_refused_changes_nothing_also_not_on_the_page(client_of, customer):
    answer = client_of(customer).post(url("profile"), {"email": "not an address"})
    assert answer.context["form"].errors == {"email": ["Enter a valid email address."]}
    assert answer.context["user"].email == customer.email
    customer.refresh_from_db()
    assert customer.email == "customer@example.com"


def test_a_form_that_gives_rights_is_refused(client_of, customer):
    with pytest.raises(ImproperlyConfigured) as raised:
        client_of(customer).post(url("too_much"), {"email": "a@example.com", "is_staff": "on"})
    assert str(raised.value) == (
        "TooMuchForm has the field 'is_staff', which nobody may change about themselves. Remove "
        "'is_staff' from TooMuchForm.Meta.fields."
    )
    customer.refresh_from_db()
    assert not customer.is_staff


PASSWORDS = {
    "old_password": "pass-word-1",
    "new_password1": "another-word-2",
    "new_password2": "another-word-2",
}


def test_a_new_password_keeps_this_session_and_ends_the_others(client_of, client, customer):
    here, elsewhere = client_of(customer), client_of(customer)
    answer = here.post(url("password"), PASSWORDS, follow=True)
    assert answer.redirect_chain == [(url("profile"), 302)]
    assert messages_of(answer) == ["Your password is changed."]
    assert here.get(url("profile")).status_code == 200
    assert elsewhere.get(url("profile")).status_code == 302
    customer.refresh_from_db()
    assert customer.check_password("another-word-2")


def test_the_old_password_must_be_right(client_of, customer):
    answer = client_of(customer).post(url("password"), {**PASSWORDS, "old_password": "wrong"})
    assert answer.context["form"].errors == {
        "old_password": ["Your old password was entered incorrectly. Please enter it again."]
    }
    customer.refresh_from_db()
    assert customer.check_password("pass-word-1")


def test_whoever_has_no_password_sets_the_first_one(client_of, customer):
    customer.set_unusable_password()
    customer.save()
    browser = client_of(customer)
    page = browser.get(url("password"))
    assert list(page.context["form"].fields)[:2] == ["new_password1", "new_password2"]
    fields = {"new_password1": "another-word-2", "new_password2": "another-word-2"}
    assert browser.post(url("password"), fields).status_code == 302
    customer.refresh_from_db()
    assert customer.check_password("another-word-2")


def test_the_pages_change_nothing_by_get(client_of, customer):
    browser = client_of(customer)
    browser.get(url("profile"), {"email": "other@example.com"})
    browser.get(url("password"), PASSWORDS)
    fresh = get_user_model()._default_manager.get(pk=customer.pk)
    assert (fresh.email, fresh.check_password("pass-word-1")) == (customer.email, True)


def test_a_first_form_asks_for_names_and_never_for_the_address():
    columns = {field.name for field in get_user_model()._meta.concrete_fields}
    names = name_fields()
    assert names
    assert set(names) <= columns & {"first_name", "last_name", "full_name", "name"}


def test_tests_get_somebody_who_can_log_in(client):
    user = make_user("ada")
    assert client.login(username=user.get_username(), password=PASSWORD)


# --- role flags ----------------------------------------------------------------------------------


def test_the_flags_are_two_columns_of_an_abstract_model():
    assert RoleFlagsMixin._meta.abstract
    flags = {field.name: field.default for field in RoleFlagsMixin._meta.local_fields}
    assert flags == {"is_customer": True, "is_seller": False}
    assert all(isinstance(f, models.BooleanField) for f in RoleFlagsMixin._meta.local_fields)


@pytest.mark.parametrize("active", [True, False])
def test_the_flags_decide_the_roles_where_the_settings_name_them(settings, customer, active):
    settings.DIGITALSTORE_ROLES = {
        "customer": "django_digitalstore.accounts.roles.has_customer_flag",
        "seller": "django_digitalstore.accounts.roles.has_seller_flag",
    }
    customer.is_active = active
    customer.is_customer, customer.is_seller = True, False
    assert (has_role(customer, "customer"), has_role(customer, "seller")) == (active, False)
    customer.is_customer, customer.is_seller = False, True
    assert (has_role(customer, "customer"), has_role(customer, "seller")) == (False, active)


def test_visitors_have_no_flag():
    assert not has_customer_flag(AnonymousUser())
    assert not has_seller_flag(AnonymousUser())


def test_a_user_model_without_the_flags_fails_loudly(customer):
    with pytest.raises(AttributeError):
        has_seller_flag(customer)
