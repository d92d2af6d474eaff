"""Pages of one's own account: profile and password."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _
from django.views.generic import UpdateView

from django_digitalstore.core.roles import CUSTOMER, SELLER
from django_digitalstore.core.views import GenericView

from .forms import refuse_privileges

__all__ = ["GenericPasswordChangeView", "GenericUserProfileView"]


class _AccountPage(GenericView):
    """The host's template first (``shop/user_profile.html``), then ours; a message, and onward."""

    roles: ClassVar[tuple[str, ...]] = (CUSTOMER, SELLER)
    page_template: ClassVar[str]
    template_name: str | None = None
    success_url: Any = None

    def get_template_names(self) -> list[str]:
        """Return ``template_name`` alone where it is set, else the host's name, then ours. Hook."""
        if self.template_name:
            return [self.template_name]
        return [
            f"{settings.DIGITALSTORE_STORE_APP}/{self.page_template}",
            f"digitalstore/accounts/{self.page_template}",
        ]

    def get_success_url(self) -> str:
        """Return where to go once it is saved. Hook."""
        return resolve_url(self.success_url)

    def get_form_kwargs(self) -> dict[str, Any]:
        """Return what the form is made with: labels without a colon, as on all pages. Hook."""
        return {"label_suffix": "", **super().get_form_kwargs()}  # type: ignore[misc]

    def get_success_message(self) -> str:
        """Return what the user reads afterwards. Hook."""
        return _("Your changes are saved.")

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)  # type: ignore[misc]
        messages.success(self.request, self.get_success_message(), fail_silently=True)
        return response


class GenericUserProfileView(_AccountPage, UpdateView):
    """What users tell about themselves: always the user of the request, whatever the request says.

    Raises ``ImproperlyConfigured`` for a form with fields that give rights.
    """

    needs = {
        "form_class": ("get_form_class", "ProfileForm"),
        "success_url": ("get_success_url", '"shop:profile"'),
    }
    page_template = "user_profile.html"
    context_object_name = "profile"
    #: URL name of the page where the password is changed; None leaves the link out.
    password_url: str | None = None

    def get_object(self, queryset: Any = None) -> Any:
        """Return the user of the request, loaded anew.

        A refused form has changed its instance already; the page's ``user`` must not show that.
        """
        user: Any = self.request.user
        return get_user_model()._default_manager.get(pk=user.pk)

    def get_form(self, form_class: Any = None) -> Any:
        """Return the form. Raises ``ImproperlyConfigured``. Hook."""
        form_class = form_class or self.get_form_class()
        refuse_privileges(form_class)
        return super().get_form(form_class)

    def get_password_url(self) -> str:
        """Return where the password is changed, or nothing. Hook."""
        return resolve_url(self.password_url) if self.password_url else ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(password_url=self.get_password_url(), **kwargs)


class GenericPasswordChangeView(_AccountPage, PasswordChangeView):
    """Changes one's password and keeps this session; all other sessions of the user end.

    Somebody without a password (who came by a social log-in) sets the first one.
    """

    needs = {"success_url": ("get_success_url", '"shop:profile"')}
    page_template = "user_password.html"

    def get_form_class(self) -> Any:
        """Return the form: without the old password where there is none. Hook."""
        user: Any = self.request.user
        if not user.has_usable_password():
            return SetPasswordForm
        return super().get_form_class()

    def get_success_message(self) -> str:
        return _("Your password is changed.")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(back_url=self.get_success_url(), **kwargs)
