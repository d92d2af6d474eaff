"""Mistake 3: a generic view is routed as it is, or without its role."""

from __future__ import annotations

import pytest

from django_digitalstore.accounts.views import GenericUserProfileView
from django_digitalstore.core.exceptions import GenericViewRouted
from django_digitalstore.core.views import IsCustomerMixin


def test_a_generic_view_is_routed_as_it_is() -> None:
    with pytest.raises(GenericViewRouted) as stopped:
        GenericUserProfileView.as_view()

    assert str(stopped.value) == (
        "GenericUserProfileView is generic and cannot be routed. Subclass it in your project, as "
        "in `class UserProfileView(IsCustomerMixin, GenericUserProfileView):`, and route the "
        "subclass."
    )


def test_a_subclass_has_no_role() -> None:
    class ProfileView(GenericUserProfileView):
        base_template = "base.html"
        active_page = "account"

    ProfileView.__qualname__ = "ProfileView"
    with pytest.raises(GenericViewRouted) as stopped:
        ProfileView.as_view()

    assert str(stopped.value) == (
        f"{__name__}.ProfileView has no role. Write `class ProfileView(IsCustomerMixin, …):`; this "
        "view takes IsCustomerMixin or IsSellerMixin."
    )


def test_a_subclass_does_not_say_what_its_page_extends() -> None:
    class ProfileView(IsCustomerMixin, GenericUserProfileView):
        active_page = "account"

    ProfileView.__qualname__ = "ProfileView"
    with pytest.raises(GenericViewRouted) as stopped:
        ProfileView.as_view()

    assert str(stopped.value) == (
        f'{__name__}.ProfileView must define base_template. Write `base_template = "base.html"` in '
        "the class, or override get_base_template()."
    )
